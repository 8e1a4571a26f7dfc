"""Players over real sockets: FLV and fragmented MP4 of one stream, slow players, late ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from players_kit import (
    PATIENCE_S,
    Stage,
    download,
    injected_flv,
    later,
    on_both_loops,
    play,
    publish_each,
    staged,
    state,
    stream_tag,
    tags_of,
    until,
)
from sei_files import frame_hashes

from sei.files.read import read
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import VIDEO, Tag
from sei.outputs.fanout import LiveStream
from sei.outputs.player import PIECE_BYTES


@pytest.fixture(scope="session", params=["libx264", "libx265"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return injected_flv(tmp_path_factory.mktemp("players"), codec=request.param)


def starting_with_keyframe(tags: list[StreamTag]) -> list[int]:
    return [at for at, tag in enumerate(tags) if tag.is_keyframe]


def codes(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux() if p.size and p.stream.type == kind]


def bodies(path: Path) -> list[bytes]:
    return [item.snapshot.body for item in read(path) if item.snapshot]


# Both forms --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 7])
@on_both_loops
async def test_both_forms_give_the_frames_and_every_message_of_the_source(
    source: Path, tmp_path: Path, batch: int
) -> None:
    tags = tags_of(source)
    async with staged() as stage:
        live = stage.add()
        urls = [f"{stage.address}/live/demo.{form}" for form in ("flv", "mp4", "flv", "mp4")]
        downloads = [asyncio.create_task(download(url)) for url in urls]
        await until(lambda: live.player_count == len(urls))
        await play(live, tags, pace=20, batch=batch)
        live.close()
        got = await asyncio.gather(*downloads)
    assert got[0] == got[2]
    assert got[1] == got[3]
    expected = frame_hashes(source)
    assert len(expected) == 50
    for content, form in zip(got[:2], ("flv", "mp4"), strict=True):
        made = tmp_path / f"made.{form}"
        made.write_bytes(content)
        assert frame_hashes(made) == expected
        assert codes(made, "audio") == codes(source, "audio")
        assert bodies(made) == bodies(source)
        assert set(bodies(made)) == {state(n) for n in range(10)}


@on_both_loops
async def test_both_forms_have_the_times_of_the_source(source: Path, tmp_path: Path) -> None:
    live = LiveStream()
    made = tmp_path / "made.mp4"
    async with staged() as stage:
        stage.add(live=live)
        downloading = asyncio.create_task(download(f"{stage.address}/live/demo.mp4"))
        await until(lambda: live.player_count)
        publish_each(live, later(tags_of(source), 2**32 - 1000))  # over the wrap of FLV's times
        live.close()
        made.write_bytes(await downloading)

    def shown(path: Path, kind: str) -> list[float]:
        with av.open(str(path)) as container:
            return [
                float(packet.pts * packet.time_base)
                for packet in container.demux()
                if packet.size and packet.stream.type == kind
            ]

    base_s = 2**32 / 1000 - 1
    for kind, within_s in (("video", 1e-6), ("audio", 0.002)):
        expected = shown(source, kind)
        moved = [at - base_s for at in shown(made, kind)]
        assert moved == pytest.approx(expected, abs=within_s)


@pytest.mark.parametrize("form", ["flv", "mp4"])
@on_both_loops
async def test_a_late_player_begins_at_once_with_the_last_keyframe(
    source: Path, tmp_path: Path, form: str
) -> None:
    tags = tags_of(source)
    keys = starting_with_keyframe(tags)
    middle = keys[2] + 9
    async with staged() as stage:
        live = stage.add()
        live.publish(tags[:middle])
        downloading = asyncio.create_task(download(f"{stage.address}/live/demo.{form}"))
        await until(lambda: live.player_count)
        live.publish(tags[middle:])
        live.close()
        made = tmp_path / f"made.{form}"
        made.write_bytes(await downloading)
    first = sum(tag.kind == VIDEO and not tag.is_configuration for tag in tags[: keys[2]])
    hashes = frame_hashes(source)
    assert frame_hashes(made) == hashes[first:]
    assert len(bodies(made)) > 0


@on_both_loops
async def test_players_stay_when_the_input_breaks_off_and_comes_back(
    source: Path, tmp_path: Path
) -> None:
    tags = tags_of(source)
    half = starting_with_keyframe(tags)[2]
    again = later(tags, 5000)
    async with staged() as stage:
        live = stage.add()
        downloads = [
            asyncio.create_task(download(f"{stage.address}/live/demo.{form}"))
            for form in ("flv", "mp4")
        ]
        await until(lambda: live.player_count == 2)
        publish_each(live, tags[:half])
        live.break_off()
        publish_each(live, [tag for tag in later(tags, 4000) if not tag.is_keyframe][:8])
        publish_each(live, again)
        live.close()
        got = await asyncio.gather(*downloads)
    first = sum(tag.kind == VIDEO and not tag.is_configuration for tag in tags[:half])
    whole = frame_hashes(source)
    for content, form in zip(got, ("flv", "mp4"), strict=True):
        made = tmp_path / f"made.{form}"
        made.write_bytes(content)
        assert frame_hashes(made) == whole[:first] + whole


# Slow players ------------------------------------------------------------------------------------


def rushing() -> Iterator[list[StreamTag]]:
    """Give 20 MB/s and more, a keyframe each third tag."""
    for n in range(100_000):
        body = (b"\x17" if n % 3 == 0 else b"\x27") + b"\x01\x00\x00\x00" + bytes(2**16)
        yield [stream_tag(Tag(VIDEO, n * 10, body))]


async def stuck_player(stage: Stage) -> socket.socket:
    """Ask for a stream and read nothing."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(peer, ("127.0.0.1", stage.port))
    await loop.sock_sendall(peer, b"GET /live/demo.flv HTTP/1.1\r\nHost: x\r\n\r\n")
    return peer


@on_both_loops
async def test_a_player_that_reads_nothing_is_bounded_and_then_aborted() -> None:
    bound = 2**20
    async with staged(stall_s=0.5) as stage:
        live = stage.add(live=LiveStream(max_gop_bytes=2**18, max_pending_bytes=bound))
        tags = rushing()
        live.publish(next(tags))
        with await stuck_player(stage):
            await until(lambda: live.player_count)
            (player,) = live._form_of
            largest, in_network = 0, 0
            async with asyncio.timeout(PATIENCE_S):
                while live.player_count:
                    live.publish(next(tags))
                    largest = max(largest, player.pending_bytes)
                    in_network = max(in_network, player._line.get_write_buffer_size())
                    await asyncio.sleep(0.002)
    assert player.skips > 0
    assert live.skips == player.skips
    assert bound // 2 < largest <= bound + 2**18 + 3 * 2**16
    assert in_network <= 3 * PIECE_BYTES


@on_both_loops
async def test_a_slow_player_does_not_hold_back_another(source: Path) -> None:
    tags = tags_of(source)
    async with staged() as stage:
        live = stage.add()
        with await stuck_player(stage):
            downloading = asyncio.create_task(download(f"{stage.address}/live/demo.flv"))
            await until(lambda: live.player_count == 2)
            publish_each(live, tags)
            live.close()
            got = await downloading
    assert got[13:] == b"".join(tag.encoded for tag in tags)


@on_both_loops
async def test_a_player_that_is_cut_goes_on_with_whole_tags_at_a_keyframe(tmp_path: Path) -> None:
    source = injected_flv(tmp_path, seconds=12, size="640x360")
    tags = tags_of(source)
    made = tmp_path / "cut.flv"
    loop = asyncio.get_running_loop()
    async with staged() as stage:
        live = stage.add(live=LiveStream(max_pending_bytes=2**18))
        with await stuck_player(stage) as peer:
            await until(lambda: live.player_count)
            for tag in [*tags, *later(tags, 20_000), *later(tags, 40_000)]:
                live.publish([tag])
            assert live.skips > 0
            live.publish(later(tags, 60_000)[: len(tags) // 2])
            live.close()
            got = b""
            async with asyncio.timeout(PATIENCE_S):
                while chunk := await loop.sock_recv(peer, 2**16):
                    got += chunk
    made.write_bytes(got.partition(b"\r\n\r\n")[2])
    hashes = frame_hashes(made)
    assert 0 < len(hashes) < 3 * 300
    assert set(hashes) <= set(frame_hashes(source))


@on_both_loops
async def test_a_player_that_leaves_is_forgotten() -> None:
    async with staged() as stage:
        live = stage.add()
        tags = rushing()
        live.publish(next(tags))
        with await stuck_player(stage):
            await until(lambda: live.player_count == 1)
        await until(lambda: live.publish(next(tags)) or not live.player_count)
