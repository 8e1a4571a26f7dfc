"""Readers that are no browsers, on what they were given: FFmpeg's programs, PyAV, our own."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import av
from rtmp_peers import needed

from sei.files.read import read
from sei.flv.tags import TagParser, write_tag
from sei.wire.message import UUID_BYTES
from sei.wire.payload import Message, decode

PATIENCE_S: Final = 30.0
"""For one program."""
_FLV_HEADER_BYTES: Final = 13


def whole(content: bytes, suffix: str) -> bytes:
    """Cut off the tag or box at the end that did not come in whole."""
    if suffix == "flv":
        tags = TagParser().feed(content)
        return content[:_FLV_HEADER_BYTES] + b"".join(write_tag(tag) for tag in tags)
    end = 0
    while suffix == "mp4" and end + 8 <= len(content):
        size = int.from_bytes(content[end : end + 4], "big")
        if end + size > len(content):
            return content[:end]
        end += size
    return content


def messages(content: bytes, suffix: str) -> list[Message | None]:
    """Find our messages in a container, in decoding order."""
    with tempfile.NamedTemporaryFile(suffix=f".{suffix}") as file:
        file.write(whole(content, suffix))
        file.flush()
        return [found.message for found in read(Path(file.name))]


def pyav_units(path: Path) -> tuple[Counter[Message | None], int]:
    """Decode with PyAV; give our messages in the side data, and how many are of others."""
    ours: Counter[Message | None] = Counter()
    foreign = 0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            side = frame.side_data
            for entry in (side[index] for index in range(len(side))):
                if entry.type.name == "SEI_UNREGISTERED":
                    content = bytes(entry)
                    if content.startswith(UUID_BYTES):
                        ours[decode(content[len(UUID_BYTES) :])] += 1
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


def _said(*command: str) -> str:
    """Run a program to its good end; give its standard output, then its standard error."""
    needed(command[0])
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
