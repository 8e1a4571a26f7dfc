"""Recordings: their sound beside their pictures, and a disk that takes no more."""

from __future__ import annotations

import asyncio
import resource
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from attack_kit import NOBODY, origin, relay, table
from rtmp_peers import ffmpeg_ended

from sei.flv.tags import TagParser

QUOTA_BYTES = 150_000


async def encode(target: Path, seconds: int, *, late_pictures_s: float = 0) -> Path:
    """Write a file with pictures and noise."""
    await ffmpeg_ended(
        *("-itsoffset", late_pictures_s, "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25"),
        *("-f", "lavfi", "-i", "anoisesrc=r=44100:a=0.2", "-t", seconds),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", 25, "-bf", 2, "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", "-b:a", "64k", target),
    )
    return target


def begins(path: Path) -> dict[str, Fraction]:
    """Say when the first picture is shown and the first sound heard, in seconds."""
    found: dict[str, Fraction] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            kind, time = packet.stream.type, packet.pts
            if time is not None and packet.time_base is not None:
                at = time * packet.time_base
                found[kind] = min(found.get(kind, at), at)
    return found


def files_below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def distance_ms(path: Path) -> float:
    found = begins(path)
    return float(found["video"] - found["audio"]) * 1000


@pytest.mark.parametrize(
    ("late_s", "suffix"),
    [(0, ".ts"), (0, ".mp4"), (0, ".mkv"), (0, ".flv"), (0.4, ".ts"), (0.4, ".mp4"), (0.4, ".mkv")],
)  # an FLV file begins with its first picture
async def test_sound_keeps_its_distance_to_the_picture_in_every_recording(
    late_s: float, suffix: str, start: Any, tmp_path: Path
) -> None:
    source = await encode(tmp_path / "in.mkv", 4, late_pictures_s=late_s)
    target = tmp_path / f"out{suffix}"
    flags = ("--input", str(source), "--output", str(target), "--unpaced")
    listen = ("--relay-listen", "127.0.0.1:0", "--gateway", NOBODY)
    program = await start("relay", "demo", *flags, *listen)
    assert await program.ended() == 0, program.log.read_text()
    assert distance_ms(target) == pytest.approx(distance_ms(source), abs=25)


async def test_a_transport_stream_whose_sound_comes_in_lumps_has_it_from_the_beginning(
    start: Any, tmp_path: Path
) -> None:
    source = await encode(tmp_path / "in.ts", 6)
    content = source.read_bytes()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n")
        for at in range(0, len(content), 188 * 20):  # so that nothing can be looked up ahead
            writer.write(content[at : at + 188 * 20])
            await writer.drain()
            await asyncio.sleep(0.02)
        await reader.read()  # until the relay hangs up

    target = tmp_path / "out.mkv"
    async with origin(speak) as port:
        stream = table("one", f"http://127.0.0.1:{port}/live/x.ts", target)
        async with relay(start, tmp_path, stream) as running:
            await running.until("one", lambda one: one["counts"]["video_packets"] >= 130)
    assert not (tmp_path / "out-2.mkv").exists()
    assert distance_ms(target) == pytest.approx(distance_ms(source), abs=25)


async def test_a_disk_that_is_full_leaves_whole_recordings_and_the_players_alone(
    start: Any, tmp_path: Path
) -> None:
    source = await encode(tmp_path / "in.flv", 4)
    folder = tmp_path / "hls"
    files = [tmp_path / f"out{suffix}" for suffix in (".flv", ".ts", ".mp4", ".mkv")]
    streams = (
        table("one", source, "flv", files[0], loop=True),
        table("two", source, "flv", *files[1:], folder / "live.m3u8", loop=True),
    )
    async with relay(start, tmp_path, *streams) as running:
        for name in ("one", "two"):
            await running.until(name, lambda one: one["counts"]["video_packets"] > 10)
        for pid in await running.workers():  # a write beyond it fails, as on a full disk
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (QUOTA_BYTES, QUOTA_BYTES))
        for path in files:
            name = "one" if path.suffix == ".flv" else "two"
            shown = str(path)
            await running.until(
                name, lambda one, shown=shown: "cannot be written" in one["outputs"][shown]
            )
        await running.pictures("one", 60)
        await running.pictures("two", 60)
    leftovers = files_below(tmp_path)
    TagParser().feed(files[0].read_bytes())
    for path in files:
        assert path.stat().st_size <= QUOTA_BYTES
        with av.open(str(path)) as container:
            decoded = sum(1 for _ in container.decode(video=0))
        assert decoded > 25
        await ffmpeg_ended("-xerror", "-i", path, "-c", "copy", "-f", "null", "-")
    assert not [path for path in leftovers if path.name.endswith(".part")]
