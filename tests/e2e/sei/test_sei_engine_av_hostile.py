"""Inputs that are broken or mean harm: one clear error, no thread left, bounded memory."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from packets_live import Lives, remuxed, rig
from sei_files import frame_hashes, shared

from room.errors import InvalidArgument, SeatsyncError
from sei.errors import BadMedia, SourceFailed
from sei.flv.tags import AUDIO, VIDEO
from sei.packets.pipe import MAX_WAITING_BYTES, BytePipe
from sei.source import ContainerName

Synthetic = Callable[[str], Path]
CONTAINERS: list[ContainerName] = ["flv", "mpegts", "mp4", "matroska", "unknown"]


def engine_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("packets ")]


@pytest.mark.parametrize("container", CONTAINERS)
async def test_noise_is_an_error_and_leaves_no_thread(container: ContainerName) -> None:
    noise = random.Random(5).randbytes(300_000)
    async with rig(Lives(container, [noise])) as made:
        with pytest.raises((SourceFailed, BadMedia)):
            await made.live()
    assert made.sink.tags == []
    assert engine_threads() == []


@pytest.mark.parametrize("container", CONTAINERS)
async def test_nothing_at_all_is_an_error(container: ContainerName) -> None:
    async with rig(Lives(container, [b""])) as made:
        with pytest.raises((SourceFailed, BadMedia)):
            await made.live()


@pytest.mark.parametrize("as_file", [True, False])
@pytest.mark.parametrize(
    ("name", "container"), [("encrypted_cbcs.mp4", "mp4"), ("zero_length.ts", "mpegts")]
)
async def test_what_cannot_be_played_is_refused(
    name: str, container: ContainerName, as_file: bool
) -> None:
    path = shared(name)
    source = path if as_file else Lives(container, [path.read_bytes()])
    async with rig(source) as made:
        with pytest.raises((BadMedia, SourceFailed)) as raised:
            await made.live()
    if name.startswith("encrypted"):
        assert raised.type is BadMedia
        assert "encrypted" in raised.value.message
    assert made.sink.pictures == []


@pytest.mark.parametrize("suffix", [".flv", ".ts", ".mkv"])
async def test_an_input_cut_anywhere_gives_what_came_before(
    suffix: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    container: dict[str, ContainerName] = {".flv": "flv", ".ts": "mpegts", ".mkv": "matroska"}
    content = remuxed(synthetic("slices"), tmp_path / f"source{suffix}")
    expected = frame_hashes(tmp_path / f"source{suffix}")
    for at in range(len(content) // 3, len(content), len(content) // 7):
        async with rig(Lives(container[suffix], [content[:at]])) as made:
            try:
                await made.live()
            except SeatsyncError:
                continue
        hashes = frame_hashes(made.sink.save(tmp_path / "sink.flv"))
        assert hashes[:-2] == expected[: max(0, len(hashes) - 2)]


@pytest.mark.parametrize("suffix", [".flv", ".ts", ".mkv"])
async def test_bytes_changed_at_random_raise_nothing_but_our_errors(
    suffix: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    container: dict[str, ContainerName] = {".flv": "flv", ".ts": "mpegts", ".mkv": "matroska"}
    content = remuxed(synthetic("slices"), tmp_path / f"source{suffix}")
    rng = random.Random(7)
    for number in range(15):
        broken = bytearray(content)
        for _ in range(40):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        outputs = ("flv", "hls", "hls-fmp4", str(tmp_path / f"{number}.mp4"))
        async with rig(Lives(container[suffix], [bytes(broken)]), outputs) as made:
            with suppress(SeatsyncError):
                await made.live()
        for kind in (AUDIO, VIDEO):
            times = [tag.timestamp_ms for tag in made.sink.tags if tag.kind == kind]
            assert times == sorted(times)
    assert engine_threads() == []


async def test_a_file_that_names_other_files_is_refused(tmp_path: Path) -> None:
    for name, content in {
        "list.ts": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "list.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        async with rig(path) as made:
            with pytest.raises(BadMedia):
                await made.live()


async def test_an_output_of_no_known_name_is_refused(synthetic: Synthetic) -> None:
    async with rig(synthetic("slices"), ("a.avi",)) as made:
        with pytest.raises(InvalidArgument, match=r"a\.avi"):
            await made.live()


async def test_a_disk_that_takes_nothing_costs_only_its_output(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    bad = str(tmp_path / "file" / "a.ts")
    folder = str(tmp_path / "file" / "live.m3u8")
    async with rig(synthetic("slices"), ("flv", bad, folder, str(tmp_path / "good.ts"))) as made:
        await made.live()
    assert len(made.sink.pictures) == 50
    assert len(frame_hashes(tmp_path / "good.ts")) == 50
    for name in (bad, folder):
        assert made.counts.outputs[name].startswith("UNAVAILABLE")


async def test_a_demuxer_that_is_slow_holds_the_input_back() -> None:
    pipe = BytePipe()
    chunk = bytes(MAX_WAITING_BYTES // 2)
    await pipe.put(chunk)
    await pipe.put(chunk)
    waiting = asyncio.create_task(pipe.put(b"x"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.to_thread(pipe.read, MAX_WAITING_BYTES)
    await asyncio.to_thread(pipe.read, MAX_WAITING_BYTES)
    await asyncio.wait_for(waiting, 5)
