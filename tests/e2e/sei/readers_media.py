"""Readers that are no browsers, on what they were given: FFmpeg's programs, PyAV, our own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
from rtmp_peers import NginxRtmp, needed

from sei.files.read import Found, read
from sei.flv.tags import TagParser, write_tag
from sei.wire.message import UUID_BYTES
from sei.wire.payload import Message, decode

PATIENCE_S: Final = 30.0
"""For one program."""
_FLV_HEADER_BYTES: Final = 13


def whole(content: bytes, suffix: str) -> bytes:
    """Cut off the tag or fragment at the end that did not come in whole."""
    if suffix == "flv":
        tags = TagParser().feed(content)
        return content[:_FLV_HEADER_BYTES] + b"".join(write_tag(tag) for tag in tags)
    return content[: _end_of_fragments(content)] if suffix == "mp4" else content


def _end_of_fragments(content: bytes) -> int:
    """Find the end of the last ``mdat`` that is whole."""
    at = end = 0
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] == b"mdat" and at + size <= len(content):
            end = at + size
        at += size
    return end


def messages(content: bytes, suffix: str, *, as_shown: bool = False) -> list[Message | None]:
    """Find our messages in a container, in decoding order or as their pictures are shown."""
    with tempfile.NamedTemporaryFile(suffix=f".{suffix}") as file:
        file.write(whole(content, suffix))
        file.flush()
        found = list(read(Path(file.name)))
    return [item.message for item in (shown(found) if as_shown else found)]


def shown(found: list[Found]) -> list[Found]:
    """Order messages as their pictures are shown."""
    return sorted(found, key=lambda item: item.pts_s or 0.0)


def pyav_units(path: Path) -> tuple[list[Message | None], int]:
    """Decode with PyAV; give our messages in the side data, and how many are of others."""
    ours: list[Message | None] = []
    foreign = 0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            side = frame.side_data
            for entry in (side[index] for index in range(len(side))):
                if entry.type.name == "SEI_UNREGISTERED":
                    content = bytes(entry)
                    if content.startswith(UUID_BYTES):
                        ours.append(decode(content[len(UUID_BYTES) :]))
                    else:
                        foreign += 1
    return ours, foreign


def ffprobe_units(path: Path) -> int:
    """Count the messages that ffprobe lists beside the pictures, whoever they are of."""
    listed = _said(
        *("ffprobe", "-v", "error", "-select_streams", "v", "-show_frames", "-show_entries"),
        *("frame_side_data=side_data_type", "-of", "csv=p=0", str(path)),
    )
    return listed.count("User Data Unregistered SEI")


def traced_units(path: Path) -> int:
    """Have every header parsed by ``trace_headers``; count the messages with our UUID."""
    said = _said(
        *("ffmpeg", "-nostdin", "-hide_banner", "-i", str(path), "-map", "0:v", "-c", "copy"),
        *("-bsf:v", "trace_headers", "-f", "null", "-"),
    )
    assert "nvalid" not in said
    assert "rror" not in said
    first = [line for line in said.splitlines() if "uuid_iso_iec_11578[0]" in line]
    return sum(line.endswith(f"= {UUID_BYTES[0]}") for line in first)


def ffmpeg_complaints(source: str | Path) -> str:
    """Decode two seconds with ffmpeg as a player would; give what it complains of."""
    return _said(
        *("ffmpeg", "-nostdin", "-v", "error", "-i", str(source), "-t", "2", "-f", "null", "-")
    )


def keyframes(path: Path) -> list[float]:
    """Give the times at which keyframes are shown, in seconds."""
    with av.open(str(path)) as container:
        packets = container.demux(video=0)
        shown = [p.pts for p in packets if p.is_keyframe and p.size and p.pts is not None]
        time_base = container.streams.video[0].time_base
    return [round(float(pts * time_base), 3) for pts in shown]


@contextmanager
def copying(url: str, target: Path) -> Iterator[None]:
    """Have ffmpeg copy some seconds of a live stream to a file while the block runs, and end."""
    needed("ffmpeg", shutil.which("ffmpeg") is not None)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-rtmp_live", "live", "-i", url]
    with subprocess.Popen([*command, "-t", "4", "-c", "copy", target]) as process:
        try:
            yield
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()


def until_said(nginx: NginxRtmp, words: str) -> None:
    """Wait until nginx has said something."""
    until = time.monotonic() + PATIENCE_S
    while words not in nginx.log:
        assert time.monotonic() < until, nginx.log
        time.sleep(0.02)  # a log tells nobody that it grew


def _said(*command: str) -> str:
    """Run a program to its good end; give its standard output, then its standard error."""
    needed("ffmpeg", shutil.which(command[0]) is not None)
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
