"""Outputs of a relay that is killed while it writes, and one that nobody takes anything from."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from packets_live import Lives, remuxed, rig
from rtmp_peers import needed
from test_sei_relay_program import NOBODY, watched

Synthetic = Callable[[str], Path]
GROUP = 50
"""Pictures of the test picture between two keyframes."""
NAMES = ["out.mp4", "out.mkv", "out.ts", "live.m3u8"]


def decoded(path: Path) -> int:
    """Count the pictures, each of which must be whole."""
    with av.open(str(path)) as container:
        return sum(not frame.is_corrupt for frame in container.decode(video=0))


def probed(path: Path) -> str:
    """Have ffprobe read a file to its end; give the duration that it claims."""
    needed("ffmpeg", shutil.which("ffprobe") is not None)
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", "format=duration"]
    reading = subprocess.run(
        [*command, "-of", "csv=p=0", path], capture_output=True, text=True, timeout=30, check=True
    )
    return reading.stdout.strip()


async def test_what_a_killed_relay_leaves_can_be_read_to_nearly_its_end(
    start: Any, tmp_path: Path
) -> None:
    """And nothing of it claims to be whole."""
    outputs = ", ".join(f'"{tmp_path / name}"' for name in NAMES)
    config = tmp_path / "relay.toml"
    config.write_text(
        f'gateway = "{NOBODY}"\nlisten = "127.0.0.1:0"\nstatus_listen = "127.0.0.1:0"\n'
        f'[[stream]]\nname = "a"\nroom = "a"\ninput = "test:"\noutputs = [{outputs}]\n'
    )
    program = await start("relay", "--config", str(config))
    async with watched(program) as until:
        status = await until(
            lambda status: status["streams"][0]["counts"]["video_packets"] > 4 * GROUP
        )
        written = status["streams"][0]["counts"]["video_packets"]
        [worker] = [one["pid"] for one in status["workers"] if one["streams"]]
        os.kill(worker, signal.SIGKILL)
        await until(lambda status: status["workers"][0]["pid"] not in (worker, None, 0))
    program.terminate()
    await program.ended()
    for name in NAMES[:3]:
        # Matroska and MP4 hold a group back until it is whole; the writer is a moment behind.
        assert decoded(tmp_path / name) >= written - GROUP - 15, name
        probed(tmp_path / name)
    assert b"mfra" not in (tmp_path / "out.mp4").read_bytes()
    assert probed(tmp_path / "out.mkv") == "N/A"


async def test_a_playlist_of_a_killed_relay_lists_whole_segments_and_no_end(
    start: Any, tmp_path: Path
) -> None:
    playlist = tmp_path / "hls" / "live.m3u8"
    program = await start(
        "relay", "a", "--gateway", NOBODY, "--input", "test:", "--output", str(playlist),
        "--listen", "127.0.0.1:0", "--status-listen", "127.0.0.1:0",
    )  # fmt: skip
    async with watched(program) as until:
        await until(lambda status: playlist.exists() and playlist.read_text().count("#EXTINF") > 1)
        status = await until(lambda status: True)
        for worker in status["workers"]:
            os.kill(worker["pid"], signal.SIGSTOP)
        program.child.kill()
        for worker in status["workers"]:
            os.kill(worker["pid"], signal.SIGKILL)
    text = playlist.read_text()
    segments = [playlist.parent / line for line in text.splitlines() if line.endswith(".ts")]
    assert "#EXT-X-ENDLIST" not in text
    assert [decoded(segment) for segment in segments] == [GROUP] * len(segments)
    assert len(segments) > 1


async def test_a_pipe_that_nobody_reads_holds_up_nobody_else(
    synthetic: Synthetic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sei.packets.writer.CLOSE_S", 0.1)
    content = remuxed(synthetic("slices"), tmp_path / "source.ts")
    lives = 1 + 3 * 64 * 1024 // len(content)
    reader, writer = os.pipe()
    kept = os.dup(1)
    os.dup2(writer, 1)
    try:
        source = Lives("mpegts", [content] * lives)
        async with rig(source, ("flv", "hls", "ts:-", str(tmp_path / "good.ts"))) as made:
            await made.live(lives)
            assert len(made.sink.pictures) == 50 * lives
    finally:
        os.dup2(kept, 1)
        for one in (kept, reader, writer):
            os.close(one)
    assert decoded(tmp_path / "good.ts") == 50 * lives
