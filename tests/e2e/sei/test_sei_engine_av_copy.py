"""Every container through engine two: the pictures stay, the state comes in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from packets_live import Lives, remuxed, rig
from sei_files import (
    PLAYABLE,
    STATE,
    SYNTHETIC,
    codec_of,
    frame_hashes,
    packets,
    pictures,
    seen_by_decoder,
    shared,
)

from sei.files.read import read
from sei.source import ContainerName
from sei.wire.framing import Framing
from sei.wire.nal import walk

Synthetic = Callable[[str], Path]
CONTAINERS: dict[str, ContainerName] = {".flv": "flv", ".ts": "mpegts", ".mkv": "matroska"}


async def through(source: Lives | Path, folder: Path) -> tuple[dict[str, Path], int]:
    """Give the file of each output, and how many messages went in."""
    names = ("a.ts", "a.mp4", "a.mkv", "live.m3u8")
    outputs = ("flv", "hls", "hls-fmp4", *(str(folder / name) for name in names))
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(rig(source, outputs))
        await made.live()
        await stack.aclose()
    await asyncio.sleep(0)
    assert set(made.counts.outputs) >= set(outputs)
    shelf = made.shelf._kept
    inits = [shelf[name] for name in shelf if name.startswith("init")]
    assert len(inits) == 1
    cut = {
        suffix: [shelf[name] for name in shelf if name.endswith(suffix)]
        for suffix in (".ts", ".m4s")
    }
    files = {name: folder / name for name in names}
    files["flv"] = made.sink.save(folder / "sink.flv")
    files["hls"] = folder / "shelf.ts"
    files["hls"].write_bytes(b"".join(cut[".ts"]))
    files["hls-fmp4"] = folder / "shelf.mp4"
    files["hls-fmp4"].write_bytes(b"".join(inits + cut[".m4s"]))
    return files, made.counts.injected


def check(files: dict[str, Path], injected: int, expected: list[str]) -> None:
    assert expected
    for name, path in files.items():
        assert frame_hashes(path) == expected, name
        if name in ("a.mkv", "live.m3u8"):
            shown = seen_by_decoder(path)
            assert shown, name
            assert all(STATE in body for body in shown), name
            continue
        found = list(read(path))
        assert len(found) == injected, name
        assert {item.snapshot.body for item in found if item.snapshot} == {STATE}, name


@pytest.mark.parametrize("name", PLAYABLE)
async def test_streams_of_others_come_out_of_every_output_with_the_state(
    name: str, tmp_path: Path
) -> None:
    source = shared(name)
    files, injected = await through(source, tmp_path)
    expected = frame_hashes(source)
    if name == "damaged_idr_lost.264":  # it begins with pictures that no player could start at
        expected = expected[-len(frame_hashes(files["flv"])) :]
    check(files, injected, expected)


@pytest.mark.parametrize("kind", SYNTHETIC)
@pytest.mark.parametrize("suffix", CONTAINERS)
async def test_every_kind_of_stream_comes_out_of_every_output(
    kind: str, suffix: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source = synthetic(kind)
    content = remuxed(source, tmp_path / f"source{suffix}")
    files, injected = await through(Lives(CONTAINERS[suffix], [content]), tmp_path)
    check(files, injected, frame_hashes(tmp_path / f"source{suffix}"))


@pytest.mark.parametrize("suffix", [".flv", ".ts"])
async def test_sound_stays_as_it_was(
    suffix: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tmp_path / f"source{suffix}"
    content = remuxed(synthetic("slices"), source)
    files, _ = await through(Lives(CONTAINERS[suffix], [content]), tmp_path)
    heard = {
        name: [content for kind, content, _ in packets(path) if kind == "audio"]
        for name, path in files.items()
    }
    raw = [sound for kind, sound, _ in packets(synthetic("slices")) if kind == "audio"]
    for name in ("flv", "a.mp4", "a.mkv", "hls-fmp4"):
        assert heard[name] == raw, name
    for name in ("a.ts", "hls"):
        assert [frame[7:] for frame in heard[name]] == raw, name


@pytest.mark.parametrize(
    ("kind", "expected"), [("slices", [9, 7, 8, 6, 6, 5]), ("hevc", [35, 32, 33, 34, 39, 39])]
)
async def test_in_transport_streams_parameter_sets_stand_once_and_before_the_state(
    kind: str, expected: list[int], synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source = synthetic(kind)
    files, _ = await through(source, tmp_path)
    for name in ("a.ts", "hls"):
        kinds = [span.kind for span in walk(pictures(files[name])[0], Framing(codec_of(source)))]
        assert kinds[: len(expected)] == expected, name


async def test_nothing_goes_in_before_the_state_is_known(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    async with rig(synthetic("slices"), state=False) as made:
        await made.live()
    assert made.counts.injected == 0
    assert list(read(made.sink.save(tmp_path / "sink.flv"))) == []


async def test_injection_can_be_off_or_on_keyframes_alone(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    found = {}
    for inject in ("off", "keyframes"):
        async with rig(synthetic("slices"), inject=inject) as made:
            await made.live()
        keyframes = sum(tag.is_keyframe for tag in made.sink.pictures)
        found[inject] = len(list(read(made.sink.save(tmp_path / "sink.flv"))))
    assert found == {"off": 0, "keyframes": keyframes}
    assert keyframes == 3


async def test_a_file_that_is_there_is_not_overwritten(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "a.ts").write_bytes(b"what was there")
    async with rig(synthetic("slices"), (str(tmp_path / "a.ts"),)) as made:
        await made.live()
    assert (tmp_path / "a.ts").read_bytes() == b"what was there"
    assert len(frame_hashes(tmp_path / "a-2.ts")) == 50


@pytest.mark.parametrize("name", ["a.ts", "a.mp4", "a.mkv"])
async def test_a_recording_can_be_read_while_it_grows(
    name: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / name
    content = remuxed(synthetic("slices"), tmp_path / "source.flv")
    source = Lives("flv", [content], stays=True)

    async with rig(source, ("flv", str(path))) as made:
        await made.until(lambda: len(made.sink.pictures) >= 45)
        written = threading.Event()
        made.engine._outputs[1]._writer.submit(written.set)
        assert await asyncio.to_thread(written.wait, 20)
        grown = tmp_path / f"grown{path.suffix}"
        grown.write_bytes(path.read_bytes())
    assert len(frame_hashes(grown)) > 20


async def test_a_folder_may_hold_segments_of_mp4(synthetic: Synthetic, tmp_path: Path) -> None:
    playlist = tmp_path / "hls" / "live.m3u8"
    async with rig(synthetic("slices"), (f"fmp4:{playlist}",)) as made:
        await made.live()
    assert {path.suffix for path in playlist.parent.iterdir()} == {".m3u8", ".mp4", ".m4s"}
    assert frame_hashes(playlist) == frame_hashes(synthetic("slices"))
