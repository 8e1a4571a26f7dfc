from __future__ import annotations

import asyncio

from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, TagParser
from sei.outputs.fanout import LiveStream, Player

METADATA = Tag(SCRIPT, 0, b"\x02onMetaData")
AVC = Tag(VIDEO, 0, b"\x17\x00\x00\x00\x00record")
AAC = Tag(AUDIO, 0, b"\xaf\x00\x12\x10")


def key(ts_ms: int) -> Tag:
    return Tag(VIDEO, ts_ms, b"\x17\x01\x00\x00\x00key")


def inter(ts_ms: int, size: int = 5) -> Tag:
    return Tag(VIDEO, ts_ms, b"\x27\x01\x00\x00\x00" + b"x" * size)


def sound(ts_ms: int) -> Tag:
    return Tag(AUDIO, ts_ms, b"\xaf\x01sound")


def stream_of(*tags: Tag, max_gop_bytes: int = 10_000, max_pending_bytes: int = 400) -> LiveStream:
    stream = LiveStream(max_gop_bytes=max_gop_bytes, max_pending_bytes=max_pending_bytes)
    for tag in (METADATA, AVC, AAC, *tags):
        stream.publish(tag)
    return stream


async def taken(player: Player, parser: TagParser) -> list[Tag]:
    tags: list[Tag] = []
    while player.pending_bytes:
        batch = await player.take()
        assert batch is not None
        tags += parser.feed(batch)
    return tags


async def test_a_late_player_begins_with_configuration_and_the_last_keyframe() -> None:
    stream = stream_of(key(0), inter(40), key(80), sound(90), inter(120))
    tags = await taken(stream.join(), TagParser())
    assert tags == [METADATA, AVC, AAC, key(80), sound(90), inter(120)]


async def test_a_player_then_gets_every_tag() -> None:
    stream = stream_of(key(0))
    player, parser = stream.join(), TagParser()
    await taken(player, parser)
    stream.publish(inter(40))
    stream.publish(sound(50))
    assert await taken(player, parser) == [inter(40), sound(50)]


async def test_before_the_first_keyframe_a_player_waits_for_it() -> None:
    stream = stream_of(inter(0))
    player, parser = stream.join(), TagParser()
    assert not stream.started.is_set()
    stream.publish(sound(10))
    stream.publish(inter(40))
    stream.publish(key(80))
    assert stream.started.is_set()
    assert await taken(player, parser) == [METADATA, AVC, AAC, key(80)]


async def test_a_group_too_large_is_not_kept_and_a_player_waits() -> None:
    stream = stream_of(key(0), inter(40, size=300), inter(80), max_gop_bytes=200)
    player, parser = stream.join(), TagParser()
    stream.publish(inter(120))
    stream.publish(key(160))
    assert await taken(player, parser) == [METADATA, AVC, AAC, key(160)]


async def test_pictures_before_a_new_configuration_are_not_kept() -> None:
    changed = Tag(VIDEO, 0, b"\x17\x00\x00\x00\x00changed")
    stream = stream_of(key(0), inter(40), changed, inter(80))
    player, parser = stream.join(), TagParser()
    stream.publish(key(120))
    assert await taken(player, parser) == [METADATA, changed, AAC, key(120)]


async def test_a_slow_player_is_cut_to_the_next_keyframe() -> None:
    stream = stream_of(key(0))
    player, parser = stream.join(), TagParser()
    await taken(player, parser)
    for n in range(1, 100):
        stream.publish(inter(n * 40))
        assert player.pending_bytes <= 400
    stream.publish(AVC)
    stream.publish(key(4000))
    stream.publish(inter(4040))
    assert player.skips == 1
    assert await taken(player, parser) == [METADATA, AVC, AAC, key(4000), inter(4040)]


async def test_a_keyframe_that_finds_the_queue_full_takes_its_place() -> None:
    stream = stream_of(key(0), max_pending_bytes=200)
    player, parser = stream.join(), TagParser()
    await taken(player, parser)
    while player.skips == 0:
        stream.publish(key(40))
    assert await taken(player, parser) == [METADATA, AVC, AAC, key(40)]


async def test_players_do_not_hold_each_other_back() -> None:
    stream = stream_of(key(0))
    slow, quick, parser = stream.join(), stream.join(), TagParser()
    await taken(quick, parser)
    got = []
    for n in range(1, 50):
        stream.publish(inter(n))
        got += await taken(quick, parser)
    assert got == [inter(n) for n in range(1, 50)]
    assert slow.skips == 1


async def test_batches_are_bounded_but_a_large_tag_goes_whole() -> None:
    stream = stream_of(
        key(0), inter(40, size=100_000), max_gop_bytes=2**20, max_pending_bytes=2**20
    )
    player = stream.join()
    sizes = []
    while player.pending_bytes:
        sizes.append(len(await player.take() or b""))
    assert len(sizes) == 2
    assert sizes[1] > 100_000


async def test_a_waiting_player_is_woken_by_a_tag_and_by_the_end() -> None:
    stream = stream_of(key(0))
    player = stream.join()
    await taken(player, TagParser())
    waiting = asyncio.create_task(player.take())
    await asyncio.sleep(0)
    stream.publish(inter(40))
    assert await waiting
    waiting = asyncio.create_task(player.take())
    await asyncio.sleep(0)
    stream.close()
    assert await waiting is None


async def test_who_joins_after_the_end_gets_the_rest_and_the_end() -> None:
    stream = stream_of(key(0))
    stream.close()
    player = stream.join()
    assert key(0) in await taken(player, TagParser())
    assert await player.take() is None


async def test_a_player_that_left_gets_nothing_more() -> None:
    stream = stream_of(key(0))
    player = stream.join()
    stream.leave(player)
    before = player.pending_bytes
    stream.publish(inter(40))
    assert player.pending_bytes == before
