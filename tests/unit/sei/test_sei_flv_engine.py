from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import pytest
from sei_flv_tags import configuration, cut, picture, sound, stream

from sei.counts import Counts
from sei.errors import BadFlv, BadMedia, SourceFailed
from sei.flv.clock import TagClock
from sei.flv.engine import FOREIGN, FlvEngine
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import VIDEO, Tag
from sei.insertion.supply import Supply, SupplyBox
from sei.source import ContainerName, Opened
from sei.wire.framing import Framing
from sei.wire.message import UUID_BYTES, message_unit

H264 = Framing("h264", 4)


class Lives:
    """A source with a script: one list of chunks a life; an error in it is raised."""

    def __init__(
        self, *lives: Sequence[bytes | Exception], container: ContainerName = "flv"
    ) -> None:
        self._lives = iter(lives)
        self._container = container
        self.open_now = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        self.open_now += 1
        try:
            yield Opened(self._container, self._chunks(next(self._lives)))
        finally:
            self.open_now -= 1

    async def _chunks(self, life: Sequence[bytes | Exception]) -> AsyncIterator[bytes]:
        for chunk in life:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
        if not life:
            await asyncio.get_running_loop().create_future()


class Sink:
    def __init__(self) -> None:
        self.tags: list[StreamTag] = []

    def publish(self, tags: Sequence[StreamTag]) -> None:
        self.tags += tags


def box(version: int = 3) -> SupplyBox:
    made = SupplyBox()
    made.newest = Supply(7, version, (b"SS1 state",))
    return made


def ticking() -> float:
    return next(_ticks) / 1000


_ticks = count()
LIFE = stream(configuration(H264), sound(0), *(picture(n * 40, keyframe=n == 0) for n in range(4)))


async def test_a_life_is_published_to_every_sink_and_counted() -> None:
    sinks, counts = [Sink(), Sink()], Counts()
    engine = FlvEngine(Lives(cut(LIFE, 10)), box(), sinks, counts, now_s=ticking)
    await engine.run_once()
    assert sinks[0].tags == sinks[1].tags
    assert [UUID_BYTES in tag.encoded for tag in sinks[0].tags] == [False] * 2 + [True] * 3 + [
        False
    ]
    assert (counts.video_packets, counts.other_packets, counts.bytes_in) == (4, 2, len(LIFE))
    assert (counts.injected, counts.removed, counts.repaired) == (3, 0, 0)
    assert (counts.codec, counts.epoch, counts.version) == ("h264", 7, 3)
    assert (counts.input_state, sum(counts.delay_counts) > 0) == ("live", True)
    assert counts.delay_sum_ms > 0


async def test_before_the_state_is_known_nothing_goes_in() -> None:
    sink, counts = Sink(), Counts()
    await FlvEngine(Lives([LIFE]), SupplyBox(), [sink], counts).run_once()
    assert (counts.injected, counts.version, len(sink.tags)) == (0, -1, 6)


async def test_off_only_takes_foreign_messages_out() -> None:
    forged = picture(0, H264.frame(message_unit(b"x", "h264")) + H264.frame(b"\x65x"))
    sink, counts = Sink(), Counts()
    await FlvEngine(Lives([stream(forged)]), box(), [sink], counts, inject="off").run_once()
    assert (counts.injected, counts.removed) == (0, 1)
    assert UUID_BYTES not in sink.tags[0].encoded


async def test_times_go_on_over_lives_and_injection_begins_anew() -> None:
    sink, counts = Sink(), Counts()
    lives = Lives([LIFE, SourceFailed("broke off")], [LIFE])
    engine = FlvEngine(lives, box(), [sink], counts)
    with pytest.raises(SourceFailed):
        await engine.run_once()
    counts.input_state, counts.error, counts.error_code = "waiting", "broke off", "UNAVAILABLE"
    await engine.run_once()
    times = [tag.timestamp_ms for tag in sink.tags if tag.kind == 9 and not tag.is_configuration]
    assert times == [0, 40, 80, 120, 140, 180, 220, 260]
    assert (counts.repaired, counts.injected) == (1, 6)
    assert (counts.input_state, counts.error, counts.error_code) == ("live", "", "")


async def test_a_stream_out_of_step_fails_and_the_next_life_is_fresh() -> None:
    sink, counts = Sink(), Counts()
    lives = Lives([LIFE[:-2], b"\xff" * 40], [LIFE])
    engine = FlvEngine(lives, box(), [sink], counts, clock=TagClock())
    with pytest.raises(BadFlv):
        await engine.run_once()
    await engine.run_once()
    assert lives.open_now == 0
    assert len(sink.tags) == 5 + 6


async def test_another_container_is_refused() -> None:
    with pytest.raises(BadMedia, match="mpegts"):
        await FlvEngine(Lives([b"G"], container="mpegts"), box(), [], Counts()).run_once()


async def test_cancelling_closes_the_input() -> None:
    lives = Lives([])
    running = asyncio.create_task(FlvEngine(lives, box(), [], Counts()).run_once())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert lives.open_now == 0


async def test_a_stream_of_another_codec_passes_and_is_told_of() -> None:
    foreign = [Tag(VIDEO, 40 * number, b"\x24abcde") for number in range(100)]
    sink, counts = Sink(), Counts()
    engine = FlvEngine(Lives([stream(*foreign)], [LIFE]), box(), [sink], counts)
    await engine.run_once()
    assert (counts.input_state, counts.error_code) == ("live", "INVALID_ARGUMENT")
    assert (len(sink.tags), counts.error) == (100, FOREIGN)
    await engine.run_once()
    assert (counts.error_code, counts.error) == ("", "")
