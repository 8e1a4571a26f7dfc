"""The loop that every packet of a copy passes: one place, with nothing in it that could be outside.

Written out, where functions would read better: it is the difference between us and FFmpeg alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from av.packet import Packet
from av.stream import Stream

from sei.files.media import Media, explained
from sei.files.track import Track, VideoTrack


def flow(
    media: Media, tracks: Sequence[Track | None], order: Sequence[int] | None
) -> Iterator[Packet[Stream]]:
    """Give the packets of a file as they are to be written, in its order.

    Each must have been written when the next is asked for.

    Args:
        media: the file.
        tracks: what becomes of each of its streams, by index; None: it is left out.
        order: as of ``Media.packets``.

    Raises:
        BadMedia: as of ``Media.packets`` and ``VideoTrack.take``.
    """
    videos = [track if isinstance(track, VideoTrack) else None for track in tracks]
    inspect = media.inspection(order)
    last: Packet[Stream] | None = None
    with explained(media.path):
        for read in media.demux():
            size = read.size
            if not size:  # what flushes a decoder at the end of input
                continue
            last = read
            if inspect is not None:
                inspect(read)
            index = read.stream_index
            video = videos[index]
            if video is not None:
                packet = video.take(read, size)
                if packet is None:
                    continue
                packet.stream = video.target
                video.last = packet
                yield packet
            else:
                other = tracks[index]
                if other is None:
                    continue
                dts, pts, latest = read.dts, read.pts, other.latest_ticks
                if dts is None or pts is None or not other.least_ticks <= dts <= pts < latest:
                    other.repair(read)
                else:
                    other.least_ticks = dts + other.step_ticks
                read.stream = other.target
                other.last = read
                yield read
    media.check_end(last, any(video is not None and video.access_units for video in videos))
