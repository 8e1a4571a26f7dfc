"""Copy a media file packet by packet, rewriting those of the video streams that carry messages."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Final

from av.packet import Packet
from av.stream import Stream

from sei.files.media import Media, Video, display_order, open_media, seconds
from sei.files.output import RAW_FORMATS, format_of, open_output
from sei.files.packet import new_extradata, with_bytes
from sei.files.report import Meter, Progress, Report
from sei.files.timeline import Timeline
from sei.insertion.rewrite import Rewriter

MessagesAt = Callable[[float], tuple[bytes, ...]]
"""Gives the messages of the newest snapshot at a stream time in seconds."""


class VideoTrack:
    """Rewrites the packets of one video stream and counts.

    Args:
        video: the stream.
        format_name: the container that the packets go to.
    """

    def __init__(self, video: Video, format_name: str) -> None:
        in_band = format_name == "mpegts" or format_name in RAW_FORMATS
        self.stream: Final = video.stream
        self.access_units = self.injected = self.removed = 0
        self.duration_s = 0.0
        self._rewriter: Final = Rewriter(video.codec, video.extradata, in_band=in_band)
        self._timeline: Timeline | None = None
        self._start: int | None = None

    def rewrite(self, packet: Packet[Stream], messages_at: MessagesAt) -> Packet[Stream]:
        """Give the packet to write in place of one that was read."""
        extradata = new_extradata(packet)
        if extradata is not None:
            self._rewriter.reconfigure(extradata)
        time_s = self._advance(packet)
        content = bytes(packet)
        done = self._rewriter.rewrite(
            content,
            dts_ms=time_s * 1000,
            is_keyframe=packet.is_keyframe,
            messages=messages_at(time_s),
        )
        self.access_units += 1
        self.injected += done.injected
        self.removed += done.removed
        return packet if done.packet is content else with_bytes(packet, done.packet)

    def _advance(self, packet: Packet[Stream]) -> float:
        """Give the stream time of a packet, counted from the first one and never running back."""
        if self._timeline is None:
            self._timeline = Timeline(packet.time_base)
        duration = packet.duration or 0
        decoded = self._timeline.place(packet.dts, None, duration).dts
        self._start = decoded if self._start is None else self._start
        self.duration_s = seconds(decoded - self._start + duration, packet.time_base)
        return seconds(decoded - self._start, packet.time_base)


def remux(source: Path, target: Path, messages_at: MessagesAt, progress: Progress | None) -> Report:
    """Copy a file; ``target`` appears when it is whole, and on an error nothing is left.

    Raises:
        BadMedia: the input cannot be read, or the output not written.
    """
    format_name = format_of(target)
    with open_media(source) as media:
        meter = Meter(media, progress)
        tracks = {video.stream.index: VideoTrack(video, format_name) for video in media.videos}
        needs_order = media.is_raw and format_name not in RAW_FORMATS
        packets = media.packets(order=display_order(source) if needs_order else None)
        first = next(packets)  # what cannot be read at all is told before anything is written
        with open_output(media, target) as muxer:
            for packet in chain((first,), packets):
                stream = packet.stream
                meter.add(packet.size)
                if not muxer.holds(stream):
                    continue
                track = tracks.get(stream.index)
                made = packet if track is None else track.rewrite(packet, messages_at)
                muxer.write(made, stream)
            dropped = tuple(muxer.dropped)
        meter.finish()
        return _report(media, tracks, dropped)


def _report(media: Media, tracks: dict[int, VideoTrack], dropped: tuple[str, ...]) -> Report:
    return Report(
        access_units=sum(track.access_units for track in tracks.values()),
        injected=sum(track.injected for track in tracks.values()),
        removed=sum(track.removed for track in tracks.values()),
        duration_s=max(track.duration_s for track in tracks.values()),
        dropped_streams=dropped,
    )
