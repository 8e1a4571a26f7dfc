"""A moving test picture and a tone, as an endless FLV stream that is made while it is read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from itertools import count
from typing import Final

import av
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType

from sei.packets.memory import Memory

RATE_HZ: Final = 25
GROUP_PICTURES: Final = 50
SAMPLE_RATE_HZ: Final = 44_100
_PICTURE: Final = f"testsrc2=size=640x360:rate={RATE_HZ},format=yuv420p"
_TONE: Final = f"sine=frequency=440:sample_rate={SAMPLE_RATE_HZ},volume=0.1"
_X264: Final = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "threads": "1",
    "g": str(GROUP_PICTURES),
    "sc_threshold": "0",
}


class TestPicture:
    """640 by 360, 25 pictures a second; a file that one thread reads."""

    __test__ = False  # no test class, whatever its name makes of it

    def __init__(self) -> None:
        self._chunks: Final = self._flv()
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Give the next bytes, encoding no more than they need."""
        while not self._rest:
            self._rest = next(self._chunks)
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk

    def close(self) -> None:
        """Let the encoders go."""
        self._chunks.close()

    def _flv(self) -> Generator[bytes, None, None]:
        memory = Memory()
        with av.open(memory, "w", format="flv") as output:
            video = output.add_stream("libx264", RATE_HZ, _X264, width=640, height=360)
            audio = output.add_stream("aac", SAMPLE_RATE_HZ)
            for packet in _packets(video, audio):
                output.mux_one(packet)
                yield memory.drain()


def _packets(video: av.VideoStream, audio: av.AudioStream) -> Iterator[Packet[Stream]]:
    with (
        av.open(_PICTURE, "r", format="lavfi") as picture,
        av.open(_TONE, "r", format="lavfi") as tone,
    ):
        pictures, tones = picture.decode(video=0), tone.decode(audio=0)
        heard_samples = 0
        for number in count():
            frame = next(pictures)
            frame.pts, frame.time_base = number, Fraction(1, RATE_HZ)
            frame.pict_type = PictureType.NONE  # else each would be a keyframe, as it came
            yield from video.encode(frame)
            while heard_samples * RATE_HZ < number * SAMPLE_RATE_HZ:
                sound = next(tones)
                sound.pts, sound.time_base = heard_samples, Fraction(1, SAMPLE_RATE_HZ)
                heard_samples += sound.samples
                yield from audio.encode(sound)
