"""One stream: what it does when its input ends, breaks off, stalls or is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sei.config import StreamConfig
from sei.counts import Counts
from sei.errors import BadFlv, BadMedia, SourceFailed
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import VIDEO, Tag, TagParser, write_tag
from sei.insertion.supply import SupplyBox
from sei.outputs.rtmp_push import RtmpPush
from sei.packets.engine import EngineHung
from sei.relay import stream as module
from sei.relay.relayed import WorkerSpoilt
from sei.relay.stream import RelayedStream

LIVE = "http://127.0.0.1:9/live/a.flv"
FILE = "evening.flv"


class Engine:
    """Lives that go as the test says."""

    def __init__(self, *lives: BaseException | None) -> None:
        self.lives = list(lives)
        self.begun = 0
        self.asked_too_often = asyncio.Event()

    async def run_once(self) -> None:
        self.begun += 1
        if not self.lives:
            self.asked_too_often.set()
            await asyncio.get_running_loop().create_future()
        end = self.lives.pop(0)
        if end is not None:
            raise end


def made(
    monkeypatch: pytest.MonkeyPatch, engine: Any, address: str = LIVE, **more: Any
) -> tuple[RelayedStream, Counts]:
    monkeypatch.setattr(module, "FIRST_RETRY_S", 0.0)
    monkeypatch.setattr(module, "REFUSED_RETRY_S", 0.0)
    monkeypatch.setattr(module, "FlvEngine", lambda *_args, **_more: engine)
    counts = Counts()
    stall_s = more.pop("stall_s", module.STALL_S)
    config = StreamConfig(name="a", room="a", input=address, **more)
    return RelayedStream(config, SupplyBox(), counts, stall_s=stall_s), counts


async def run_until(stream: RelayedStream, event: asyncio.Event) -> None:
    running = asyncio.create_task(stream.run())
    async with asyncio.timeout(20):
        await event.wait()
        await stream.stop()
        await running


async def test_live_input_is_tried_again_whatever_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(None, SourceFailed("gone"), BadFlv("out of step"), BadMedia("no video"))
    stream, counts = made(monkeypatch, engine)
    await run_until(stream, engine.asked_too_often)
    assert engine.begun == 5
    assert counts.reconnects == 4


async def test_why_it_broke_off_stays_until_it_is_live(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(BadMedia("the samples are encrypted"))
    stream, counts = made(monkeypatch, engine)
    await run_until(stream, engine.asked_too_often)
    assert counts.input_state == "connecting"
    assert (counts.error_code, counts.error) == (BadMedia.code, "the samples are encrypted")


async def test_file_is_over_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, counts = made(monkeypatch, Engine(None), FILE)
    await stream.run()
    assert counts.reconnects == 0


@pytest.mark.parametrize("error", [SourceFailed("no such file"), BadMedia("x"), BadFlv("x")])
async def test_file_that_fails_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    stream, _ = made(monkeypatch, Engine(error), FILE)
    with pytest.raises(type(error)):
        await stream.run()


async def test_live_input_without_pictures_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    stream, counts = made(monkeypatch, engine, stall_s=0.01)
    running = asyncio.create_task(stream.run())
    async with asyncio.timeout(20):
        while engine.begun < 2:  # noqa: ASYNC110 - the count has no event
            await asyncio.sleep(0)
        assert counts.error == "no picture came for 0 s"
        await stream.stop()
        await running


class Shows(Engine):
    """Shows a picture in each life, then nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counts

    async def run_once(self) -> None:
        await asyncio.sleep(0)
        self.counts.video_packets += 1
        self.counts.input_state = "live"
        await super().run_once()


class Pauses(Shows):
    """Shows a picture, and another once the stream is said to be stalled."""

    async def run_once(self) -> None:
        self.counts.video_packets += 1
        self.counts.input_state = "live"
        while self.counts.input_state != "stalled":  # noqa: ASYNC110 - a state has no event
            await asyncio.sleep(0)
        self.counts.video_packets += 1
        await super().run_once()


async def test_live_input_whose_pictures_stop_for_a_while_says_so_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Pauses()
    stream, counts = made(monkeypatch, engine, stall_s=0.4)
    engine.counts = counts
    running = asyncio.create_task(stream.run())
    seen: list[str] = []
    async with asyncio.timeout(20):
        while seen[-3:] != ["live", "stalled", "live"] and "waiting" not in seen:
            if seen[-1:] != [counts.input_state]:
                seen.append(counts.input_state)
            await asyncio.sleep(0)
        await stream.stop()
        await running
    assert seen == ["connecting", "live", "stalled", "live"]


@pytest.mark.parametrize(("engine", "well"), [(Engine(), False), (Shows(), True)])
async def test_only_who_brought_pictures_counts_as_having_been_well(
    monkeypatch: pytest.MonkeyPatch, engine: Any, well: bool
) -> None:
    stream, counts = made(monkeypatch, engine, stall_s=0.01)
    engine.counts = counts
    lived: list[float] = []
    monkeypatch.setattr(stream._backoff, "next_s", lambda lived_s: lived.append(lived_s) or 0.0)
    running = asyncio.create_task(stream.run())
    async with asyncio.timeout(20):
        while engine.begun < 3:  # noqa: ASYNC110 - the count has no event
            await asyncio.sleep(0)
        await stream.stop()
        await running
    assert [lived_s > 0.0 for lived_s in lived[:2]] == [well, well]


async def test_thread_that_hangs_at_the_end_costs_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hangs(Engine):
        async def close(self) -> None:
            raise EngineHung("it hangs")

    monkeypatch.setattr(module, "PacketEngine", Hangs)
    stream, _ = made(monkeypatch, Hangs(None), FILE)
    with pytest.raises(WorkerSpoilt):
        await stream.run()


async def test_thread_that_hangs_costs_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, _ = made(monkeypatch, Engine(EngineHung("it hangs")))
    with pytest.raises(WorkerSpoilt):
        await stream.run()


async def test_thread_that_hangs_when_a_stall_is_ended_costs_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hangs(Engine):
        async def run_once(self) -> None:
            try:
                await super().run_once()
            except asyncio.CancelledError:
                raise EngineHung("it hangs") from None

    stream, _ = made(monkeypatch, Hangs(), stall_s=0.01)
    with pytest.raises(WorkerSpoilt):
        await stream.run()


async def test_fault_of_ours_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, _ = made(monkeypatch, Engine(ZeroDivisionError("a fault")))
    with pytest.raises(ZeroDivisionError):
        await stream.run()


async def test_recording_has_all_that_was_published_before_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def tag(number: int) -> StreamTag:
        encoded = write_tag(Tag(VIDEO, number, bytes(4)))
        return StreamTag(VIDEO, number, False, True, encoded)

    class Publishes(Engine):
        async def run_once(self) -> None:
            self.publish([tag(1), tag(2)])
            await super().run_once()

        publish: Callable[[Sequence[StreamTag]], None]
        drained: Callable[[], Awaitable[None]]

    engine = Publishes(None)
    target = tmp_path / "kept.flv"
    stream, counts = made(monkeypatch, engine, FILE, outputs=(str(target),))
    engine.publish = stream._sinks.every[0].publish
    await stream.run()
    assert [one.timestamp_ms for one in TagParser().feed(target.read_bytes())] == [1, 2]
    assert counts.outputs == {str(target): "live"}


async def test_why_it_broke_off_is_logged_once_for_each_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reasons = ["gone", "gone", "refused", "gone"]
    engine = Engine(*map(SourceFailed, reasons))
    stream, _ = made(monkeypatch, engine)
    await run_until(stream, engine.asked_too_often)
    warned = [record.reason for record in caplog.records if record.levelname == "WARNING"]
    assert warned == ["gone", "refused", "gone"]


async def test_skips_of_players_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, counts = made(monkeypatch, Engine())
    counts.skips = 5  # of a push, which counts for itself
    live = stream.outlet.live
    assert live is not None
    live._skips_of_gone = 2
    stream.count()
    stream.count()
    assert counts.skips == 7


async def test_every_output_of_tags_hears_of_a_break(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    push = "rtmp://127.0.0.1:9/live/x"
    stream, _ = made(monkeypatch, Engine(), outputs=("flv", push, str(tmp_path / "a.flv")))
    sinks = stream._sinks
    for sink in (*sinks._pushes, *sinks._files):
        (sink._backlog if isinstance(sink, RtmpPush) else sink)._waits_for_keyframe = False
    sinks.break_off()
    assert sinks._pushes[0]._backlog._waits_for_keyframe
    assert sinks._files[0]._waits_for_keyframe
