"""A few bytes that claim a huge picture cost no memory: nothing is decoded to learn its size."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from packets_live import Lives, rig

from sei.source import ContainerName

MACROBLOCKS = 1000
"""In each direction; 16000 by 16000 points, 384 MB a picture."""
MAX_GROWTH_BYTES = 100 * 1024 * 1024
PICTURES = 60


def golomb(number: int) -> str:
    bits = f"{number + 1:b}"
    return "0" * (len(bits) - 1) + bits


def unit(header: int, bits: str, rest: bytes = b"") -> bytes:
    bits += "0" * (-len(bits) % 8)
    content = int(bits, 2).to_bytes(len(bits) // 8, "big") + rest
    return bytes([header]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", content)


def claims(macroblocks: int) -> bytes:
    """A sequence parameter set of H.264, 7.3.2.1.1: baseline, pictures in decoding order."""
    size = golomb(macroblocks - 1) * 2
    start = f"{66:08b}{0xC0:08b}{62:08b}" + golomb(0) + golomb(0) + golomb(2) + golomb(1) + "0"
    return unit(0x67, start + size + "1" + "1" + "0" + "0" + "1")


PICTURE_SET = b"\x68\xce\x3c\x80"
INTRA = [golomb(0), golomb(7), golomb(0), "0000", golomb(0), "00", golomb(0), golomb(1)]
SLICE = unit(0x65, "".join(INTRA), b"\x80\x55" * 200)


def stream(container: ContainerName, template: Path) -> bytes:
    made, sequence_set = io.BytesIO(), claims(MACROBLOCKS)
    with av.open(str(template)) as source, av.open(made, "w", format=container) as output:
        video = output.add_stream_from_template(source.streams.video[0], opaque=True)
        if container == "mpegts":
            video.codec_context.extradata = None
            content = b"".join(b"\0\0\0\1" + one for one in (sequence_set, PICTURE_SET, SLICE))
        else:
            sets = b"\xe1" + len(sequence_set).to_bytes(2, "big") + sequence_set
            sets += b"\x01" + len(PICTURE_SET).to_bytes(2, "big") + PICTURE_SET
            video.codec_context.extradata = b"\x01" + sequence_set[1:4] + b"\xff" + sets
            content = len(SLICE).to_bytes(4, "big") + SLICE
        for number in range(PICTURES):
            packet = av.Packet(content)
            packet.pts = packet.dts = number * 40
            packet.time_base, packet.is_keyframe = Fraction(1, 1000), True
            packet.stream = video
            output.mux_one(packet)
    return made.getvalue()


def peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


@pytest.mark.parametrize("container", ["flv", "mpegts"])
async def test_a_picture_as_large_as_a_level_allows_is_not_decoded(
    container: ContainerName, synthetic: Callable[[str], Path]
) -> None:
    content = stream(container, synthetic("slices"))
    before = reset_peak()
    async with rig(Lives(container, [content]), ("flv", "hls")) as made:
        await made.live()
    assert peak_bytes() - before < MAX_GROWTH_BYTES
    assert len(made.sink.pictures) == PICTURES
