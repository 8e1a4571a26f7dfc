from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, TagParser, write_tag
from sei.outputs.fanout import LiveStream
from sei.outputs.forms import BLOCK_BYTES, joined
from sei.outputs.player import PIECE_BYTES, Player


def configuration(kind: int, body: bytes) -> StreamTag:
    return StreamTag(kind, 0, True, False, write_tag(Tag(kind, 0, body)))


METADATA = configuration(SCRIPT, b"\x02onMetaData")
AVC = configuration(VIDEO, b"\x17\x00\x00\x00\x00record")
AAC = configuration(AUDIO, b"\xaf\x00\x12\x10")


def key(ts_ms: int, size: int = 3) -> StreamTag:
    body = b"\x17\x01\x00\x00\x00" + b"k" * size
    return StreamTag(VIDEO, ts_ms, False, True, write_tag(Tag(VIDEO, ts_ms, body)))


def inter(ts_ms: int, size: int = 5) -> StreamTag:
    body = b"\x27\x01\x00\x00\x00" + b"x" * size
    return StreamTag(VIDEO, ts_ms, False, False, write_tag(Tag(VIDEO, ts_ms, body)))


def sound(ts_ms: int) -> StreamTag:
    return StreamTag(AUDIO, ts_ms, False, False, write_tag(Tag(AUDIO, ts_ms, b"\xaf\x01sound")))


@dataclass
class FakeLine:
    """A line that takes so many bytes, then asks to wait."""

    room_bytes: float = float("inf")
    taken: bytearray = field(default_factory=bytearray)
    pieces: list[int] = field(default_factory=list)
    closed: bool = False
    player: Player | None = None

    def write(self, data: bytes | memoryview) -> None:
        assert not self.closed
        self.taken += data
        self.pieces.append(len(data))
        self.room_bytes -= len(data)
        if self.room_bytes <= 0 and self.player is not None:
            self.player.pause()

    def close(self) -> None:
        self.closed = True

    def free(self, room_bytes: float = float("inf")) -> None:
        assert self.player is not None
        self.room_bytes = room_bytes
        self.player.resume()

    def tags(self) -> list[bytes]:
        """List what arrived, as encoded tags."""
        return [write_tag(tag) for tag in TagParser().feed(bytes(self.taken))]


def stream_of(
    *tags: StreamTag, max_gop_bytes: int = 10_000, max_pending_bytes: int = 400
) -> LiveStream:
    stream = LiveStream(max_gop_bytes=max_gop_bytes, max_pending_bytes=max_pending_bytes)
    stream.publish([METADATA, AVC, AAC])
    for tag in tags:
        stream.publish([tag])
    return stream


def joined_line(stream: LiveStream) -> FakeLine:
    line = FakeLine()
    line.player = stream.join(line)
    return line


def stuck_line(stream: LiveStream) -> FakeLine:
    """Join with a line that takes the beginning and nothing after it."""
    line = joined_line(stream)
    assert line.player is not None
    line.player.pause()
    line.taken.clear()
    line.taken += b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4)
    return line


def encoded(*tags: StreamTag) -> list[bytes]:
    return [tag.encoded for tag in tags]


async def test_a_late_player_begins_with_configuration_and_the_last_keyframe() -> None:
    line = joined_line(stream_of(key(0), inter(40), key(80), sound(90), inter(120)))
    assert line.tags() == encoded(METADATA, AVC, AAC, key(80), sound(90), inter(120))


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
async def test_a_player_then_gets_every_tag_however_they_are_published(batch: int) -> None:
    stream = stream_of(key(0))
    line = joined_line(stream)
    tags = [key(n * 40) if n % 5 == 0 else inter(n * 40) for n in range(1, 30)]
    for at in range(0, len(tags), batch):
        stream.publish(tags[at : at + batch])
    late = joined_line(stream)
    assert line.tags() == encoded(METADATA, AVC, AAC, key(0), *tags)
    assert late.tags() == encoded(METADATA, AVC, AAC, *tags[24:])


async def test_before_the_first_keyframe_a_player_waits_for_it() -> None:
    stream = stream_of(inter(0))
    line = joined_line(stream)
    stream.publish([sound(10), inter(40)])
    assert (stream.started.is_set(), line.taken, stream.player_count) == (False, b"", 1)
    stream.publish([inter(60), key(80)])
    assert stream.started.is_set()
    assert line.tags() == encoded(METADATA, AVC, AAC, key(80))


async def test_a_group_too_large_is_not_kept_and_a_player_waits() -> None:
    stream = stream_of(key(0), inter(40, size=300), inter(80), max_gop_bytes=200)
    line = joined_line(stream)
    stream.publish([inter(120)])
    assert line.tags() == []
    stream.publish([key(160)])
    assert line.tags() == encoded(METADATA, AVC, AAC, key(160))


async def test_pictures_before_a_new_configuration_are_not_kept() -> None:
    changed = configuration(VIDEO, b"\x17\x00\x00\x00\x00changed")
    stream = stream_of(key(0), inter(40), changed, inter(80))
    line = joined_line(stream)
    stream.publish([key(120)])
    assert line.tags() == encoded(METADATA, changed, AAC, key(120))


async def test_a_configuration_that_is_repeated_keeps_the_group() -> None:
    line = joined_line(stream_of(key(0), inter(40), AVC, inter(80)))
    assert line.tags() == encoded(METADATA, AVC, AAC, key(0), inter(40), AVC, inter(80))


async def test_a_slow_player_is_cut_to_the_next_keyframe() -> None:
    stream = stream_of(key(0))
    line = stuck_line(stream)
    opening_bytes = sum(len(tag.encoded) for tag in (METADATA, AVC, AAC, key(0))) + 13
    assert line.player is not None
    for n in range(1, 100):
        stream.publish([inter(n * 40)])
        assert line.player.pending_bytes <= 400 + opening_bytes
    stream.publish([AVC])
    stream.publish([key(4000)])
    stream.publish([inter(4040)])
    assert line.player.skips == stream.skips == 1
    line.free()
    assert line.tags() == encoded(METADATA, AVC, AAC, key(4000), inter(4040))


async def test_a_keyframe_that_finds_the_queue_full_takes_its_place() -> None:
    stream = stream_of(key(0), max_pending_bytes=200)
    line = stuck_line(stream)
    assert line.player is not None
    while line.player.skips == 0:
        stream.publish([key(40)])
    line.free()
    assert line.tags() == encoded(METADATA, AVC, AAC, key(40))


async def test_a_tag_of_which_a_part_is_out_is_never_cut() -> None:
    stream = stream_of(key(0), max_pending_bytes=1000)
    line = joined_line(stream)
    line.room_bytes = 1
    large = inter(40, size=5 * PIECE_BYTES)
    stream.publish([large])
    for n in range(2, 500):
        stream.publish([inter(n * 40)])
    stream.publish([key(30_000)])
    assert stream.skips == 1
    line.free()
    assert line.tags() == encoded(
        METADATA, AVC, AAC, key(0), large, METADATA, AVC, AAC, key(30_000)
    )


async def test_a_line_gets_no_more_than_a_piece_after_it_asked_to_wait() -> None:
    stream = stream_of(key(0), max_gop_bytes=2**21, max_pending_bytes=2**21)
    line = joined_line(stream)
    line.room_bytes = 1
    stream.publish([inter(40, size=2**20)])
    assert sum(line.pieces[-1:]) == PIECE_BYTES
    before = len(line.pieces)
    stream.publish([inter(80)])
    assert len(line.pieces) == before
    line.free(room_bytes=1)
    assert len(line.pieces) == before + 1


async def test_players_do_not_hold_each_other_back() -> None:
    stream = stream_of(key(0))
    slow, quick = stuck_line(stream), joined_line(stream)
    for n in range(1, 50):
        stream.publish([inter(n)])
    assert quick.tags()[4:] == encoded(*(inter(n) for n in range(1, 50)))
    assert slow.player is not None
    assert slow.player.skips == 1


async def test_all_players_share_the_same_bytes() -> None:
    stream = stream_of(key(0))
    lines = [stuck_line(stream) for _ in range(3)]
    tag = inter(40)
    stream.publish([tag])
    waiting = {id(line.player._pending[-1]) for line in lines if line.player}
    assert waiting == {id(tag.encoded)}


async def test_who_joins_after_the_end_gets_the_rest_and_the_end() -> None:
    stream = stream_of(key(0))
    stream.close()
    line = joined_line(stream)
    assert line.tags() == encoded(METADATA, AVC, AAC, key(0))
    assert line.closed


async def test_the_end_comes_after_what_waits() -> None:
    stream = stream_of(key(0))
    line = stuck_line(stream)
    stream.publish([inter(40)])
    stream.close()
    assert not line.closed
    line.free()
    assert (line.tags(), line.closed) == (encoded(inter(40)), True)


async def test_who_waits_for_the_first_keyframe_hears_of_the_end() -> None:
    stream = LiveStream()
    line = joined_line(stream)
    stream.close()
    assert line.closed


async def test_a_player_that_left_gets_nothing_more_and_its_skips_stay_counted() -> None:
    stream = stream_of(key(0), max_pending_bytes=50)
    line = stuck_line(stream)
    for n in range(30):
        stream.publish([inter(n)])
    assert line.player is not None
    stream.leave(line.player)
    stream.leave(line.player)
    stream.publish([key(4000)])
    assert (line.tags(), stream.player_count, stream.skips) == ([], 0, 1)


async def test_after_a_break_of_the_input_players_go_on_at_the_next_keyframe() -> None:
    stream = stream_of(key(0), inter(40))
    line = joined_line(stream)
    before = len(line.tags())
    stream.break_off()
    late = joined_line(stream)
    stream.publish([inter(80)])
    assert (len(line.tags()), late.tags()) == (before, [])
    stream.publish([METADATA, AVC, AAC, key(120)])
    assert line.tags()[before:] == late.tags() == encoded(METADATA, AVC, AAC, key(120))


async def test_publishing_nothing_changes_nothing() -> None:
    stream = stream_of(key(0))
    line = joined_line(stream)
    before = bytes(line.taken)
    stream.publish([])
    assert line.taken == before


async def test_a_player_has_no_task() -> None:
    stream = stream_of(key(0))
    for _ in range(5):
        joined_line(stream)
    stream.publish([inter(40)])
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_blocks_hold_whole_tags_and_are_bounded_unless_one_tag_is_larger() -> None:
    sizes = [10, BLOCK_BYTES, 5, 6, BLOCK_BYTES * 2, BLOCK_BYTES - 1, 1, 1]
    blocks = [len(block) for block in joined([bytes(size) for size in sizes])]
    assert blocks == [10, BLOCK_BYTES, 11, BLOCK_BYTES * 2, BLOCK_BYTES, 1]
    assert list(joined([])) == []
