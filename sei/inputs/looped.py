"""Where the pictures of a live stream come from: a test picture, or a file played over and over."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType
from av.video.stream import VideoStream

from sei.errors import BadMedia
from sei.files.media import Media, display_order, open_media
from sei.files.timeline import Timeline, rescale
from sei.insertion.rewrite import Rewriter


class Tracks(NamedTuple):
    """A source that was started."""

    rewriter: Rewriter
    """For the packets of its video."""
    packets: Iterator[Packet[Stream]]
    """Endless, with the streams and times of the output, decoding times rising from about 0.

    To be read once the output's header is written; may raise BadMedia.
    """


class LiveSource(Protocol):
    """Where packets come from for ever; used by one thread."""

    def start(self, output: OutputContainer) -> Tracks:
        """Add the streams to an output.

        Raises:
            BadMedia: the source cannot be read, or the output cannot hold it.
        """


class TestPicture:
    """A moving test picture, 640 by 360 at 25 pictures a second, and a tone."""

    __test__ = False  # no test class, whatever its name makes of it

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

    def start(self, output: OutputContainer) -> Tracks:
        """Add H.264 and AAC."""
        video = output.add_stream("libx264", self.RATE_HZ, self._X264, width=640, height=360)
        audio = output.add_stream("aac", self.SAMPLE_RATE_HZ)
        # The encoder's own packets have start codes.
        return Tracks(Rewriter("h264", b""), self._packets(video, audio))

    def _packets(self, video: VideoStream, audio: AudioStream) -> Iterator[Packet[Stream]]:
        with (
            av.open(self._PICTURE, "r", format="lavfi") as picture,
            av.open(self._TONE, "r", format="lavfi") as tone,
        ):
            pictures, tones = picture.decode(video=0), tone.decode(audio=0)
            heard_samples = 0
            for number in count():
                frame = next(pictures)
                frame.pts, frame.time_base = number, Fraction(1, self.RATE_HZ)
                frame.pict_type = PictureType.NONE  # else each would be a keyframe, as it came
                yield from video.encode(frame)
                while heard_samples * self.RATE_HZ < number * self.SAMPLE_RATE_HZ:
                    sound = next(tones)
                    sound.pts, sound.time_base = heard_samples, Fraction(1, self.SAMPLE_RATE_HZ)
                    heard_samples += sound.samples
                    yield from audio.encode(sound)


class MediaLoop:
    """A media file, its first video and audio stream, played over and over without re-encoding.

    Args:
        path: the file; opened anew for each round.
    """

    def __init__(self, path: Path) -> None:
        self._path: Final = path

    def start(self, output: OutputContainer) -> Tracks:
        """Add the file's streams."""
        with open_media(self._path) as media:
            video = media.videos[0]
            added = {stream.index: self._add(output, stream) for stream in _played(media)}
            order = display_order(self._path) if media.is_raw else None
            rewriter = Rewriter(video.codec, video.extradata)
        return Tracks(rewriter, self._packets(added, order))

    def _add(self, output: OutputContainer, stream: Stream) -> Stream:
        try:
            return output.add_stream_from_template(stream, opaque=True)
        except ValueError as error:
            kind = stream.codec_context.name
            raise BadMedia(f"{self._path.name}: a live stream cannot hold {kind}") from error

    def _packets(
        self, added: dict[int, Stream], order: list[int] | None
    ) -> Iterator[Packet[Stream]]:
        """Read the file for ever; a round begins where the one before it ended."""
        timelines = {
            index: Timeline(_time_base(stream), strict=False) for index, stream in added.items()
        }
        end_s = Fraction(0)
        while True:
            with open_media(self._path) as media:
                offset_s: Fraction | None = None
                for packet in media.packets(*_played(media), order=order):
                    if offset_s is None and packet.dts is not None:
                        offset_s = end_s - packet.dts * packet.time_base
                    index = packet.stream.index
                    shift_s = offset_s or Fraction(0)
                    end_s = max(end_s, _place(packet, added[index], timelines[index], shift_s))
                    yield packet


def _place(
    packet: Packet[Stream], stream: Stream, timeline: Timeline, offset_s: Fraction
) -> Fraction:
    """Move a packet to a stream of the output and to its times; give when it ends."""
    old, new = packet.time_base, _time_base(stream)
    offset = round(offset_s / new)
    duration = rescale(packet.duration or 0, old, new)
    times = timeline.place(
        None if packet.dts is None else rescale(packet.dts, old, new) + offset,
        None if packet.pts is None else rescale(packet.pts, old, new) + offset,
        duration,
    )
    packet.dts, packet.pts, packet.duration = times.dts, times.pts, duration
    packet.time_base = new
    packet.stream = stream
    return (times.dts + duration) * new


def _played(media: Media) -> tuple[Stream, ...]:
    return (media.videos[0].stream, *media.container.streams.audio[:1])


def _time_base(stream: Stream) -> Fraction:
    return stream.time_base or Fraction(1, 1000)
