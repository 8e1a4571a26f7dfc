"""The loop that every packet of a copy passes: one place, with nothing in it that could be outside.

Written out, where functions would read better: it is the difference between us and FFmpeg alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from av.packet import Packet
from av.stream import Stream

from sei.files.media import Media
from sei.files.track import LATEST_TICKS, Track, VideoTrack


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
    kept = [media.container.streams[index] for index, track in enumerate(tracks) if track]
    with explained(media.path):
        for packet in media.container.demux(*kept):
            size = packet.size
            if not size:  # what flushes a decoder at the end of input
                continue
            if inspect is not None:
                inspect(packet)
            index = packet.stream_index
            video = videos[index]
            track = tracks[index]
            if video is not None:
                taken = video.take(packet, size)
                if taken is None:
                    continue
                packet = taken
            elif track is not None:
                dts, pts = packet.dts, packet.pts
                if dts is None or pts is None or not track.least_ticks <= dts <= pts < LATEST_TICKS:
                    track.repair(packet)
                else:
                    track.least_ticks = dts + track.step_ticks
            packet.stream = track.target
            track.last = packet
            yield packet
