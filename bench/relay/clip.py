"""A clip of 3 Mbps, 1280x720 at 30 pictures a second, with AAC; each picture has room for a time.

The time is an SEI message with a UUID of the benchmark's own, which no relay has a reason to touch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import av

from sei.flv.tags import AUDIO, VIDEO, Tag, TagParser, is_configuration, read_video, write_tag

RATE_HZ: Final = 30
SECONDS: Final = 10
STAMP: Final = b"seatsync-bench-t"
"""A UUID, as far as SEI is concerned; 16 hexadecimal digits of nanoseconds follow it."""
STAMP_BYTES: Final = 16
_UNIT: Final = b"\x06\x05" + bytes((16 + STAMP_BYTES,)) + STAMP + b"0" * STAMP_BYTES + b"\x80"
_X264: Final = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "g": "60",
    "x264-params": "nal-hrd=cbr:vbv-maxrate=2900:vbv-bufsize=2900:filler=0:scenecut=0",
    "b": "2900k",
}


class Clip(NamedTuple):
    """What every stream begins with, and what it repeats."""

    opening: bytes
    tags: tuple[Tag, ...]
    duration_ms: int


def make(path: Path) -> None:
    """Encode the clip into an FLV file."""
    picture = f"testsrc2=size=1280x720:rate={RATE_HZ},noise=alls=12:allf=t,format=yuv420p"
    with (
        av.open(str(path), "w", container_options={"flvflags": "no_duration_filesize"}) as output,
        av.open(picture, format="lavfi") as pictures,
        av.open("sine=frequency=440:sample_rate=44100", format="lavfi") as tones,
    ):
        video = output.add_stream("libx264", RATE_HZ, _X264, width=1280, height=720)
        audio = output.add_stream("aac", 44_100)
        for number, frame in enumerate(pictures.decode(video=0)):
            if number == RATE_HZ * SECONDS:
                break
            frame.pict_type = av.video.frame.PictureType.NONE
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        heard = 0
        for sound in tones.decode(audio=0):
            heard += sound.samples
            if heard >= 44_100 * SECONDS:
                break
            output.mux(audio.encode(sound))
        output.mux(audio.encode(None))


def load(path: Path, *, with_sound: bool = True) -> Clip:
    """Read the clip.

    Args:
        path: of its file.
        with_sound: whether it has the sound that its header promises.
    """
    with path.open("rb") as file:
        header = file.read(13)
        tags = TagParser().feed(header + file.read())
    opening = [tag for tag in tags if tag.kind not in (AUDIO, VIDEO) or is_configuration(tag)]
    sent = [
        _with_stamp(tag)
        for tag in tags
        if tag not in opening and tag.timestamp_ms < SECONDS * 1000
        if tag.kind == VIDEO or with_sound
    ]
    sent.sort(key=lambda tag: tag.timestamp_ms)
    return Clip(header + b"".join(map(write_tag, opening)), tuple(sent), SECONDS * 1000)


def _with_stamp(tag: Tag) -> Tag:
    video = read_video(tag)
    if video is None or video.part != "access_unit":
        return tag
    unit = len(_UNIT).to_bytes(4, "big") + _UNIT
    return tag._replace(body=tag.body[:5] + unit + tag.body[5:])
