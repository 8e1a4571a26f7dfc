"""Copy a media file packet by packet, rewriting those of the video streams that carry messages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from av.stream import Stream

from sei.files.flow import flow
from sei.files.media import Media, Video, display_order, explained, open_media
from sei.files.output import FAILED, RAW_FORMATS, Muxer, format_of, open_output
from sei.files.report import Meter, Progress, Report
from sei.files.track import MessagesAt, Track, VideoTrack
from sei.insertion.rewrite import Rewriter

_IN_BAND: Final = {"mpegts", *RAW_FORMATS}
"""These carry decoder configurations in the stream, and no packet brings one beside it."""


def remux(source: Path, target: Path, messages_at: MessagesAt, progress: Progress | None) -> Report:
    """Copy a file; ``target`` appears when it is whole, and on an error nothing is left.

    Raises:
        BadMedia: the input cannot be read, or the output not written.
    """
    format_name = format_of(target)
    with open_media(source) as media:
        needs_order = media.is_raw and format_name not in RAW_FORMATS
        order = display_order(source) if needs_order else None
        with open_output(media, target) as muxer:
            tracks = _tracks(media, muxer, messages_at)
            meter = Meter(media.size_bytes, progress)
            with explained(target, FAILED):
                muxer.output.mux(flow(media, tracks, meter, order))
            meter.finish()
            dropped = tuple(muxer.dropped)
        return _report(tracks, dropped)


def _tracks(media: Media, muxer: Muxer, messages_at: MessagesAt) -> list[Track | None]:
    """Give what becomes of each stream of the input, by its index; None: it is left out."""
    tracks: list[Track | None] = []
    videos = {video.stream.index: video for video in media.videos}
    for stream in media.container.streams:
        target = muxer.streams.get(stream.index)
        video = videos.get(stream.index)
        if target is None:
            tracks.append(None)
        elif video is None:
            tracks.append(Track(stream, target, strict=muxer.strict))
        else:
            tracks.append(_video_track(media, video, messages_at, muxer, target))
    return tracks


def _video_track(
    media: Media, video: Video, messages_at: MessagesAt, muxer: Muxer, target: Stream
) -> VideoTrack:
    in_band = muxer.output.format.name in _IN_BAND
    return VideoTrack(
        video,
        Rewriter(video.codec, video.extradata, in_band=in_band),
        messages_at,
        target,
        strict=muxer.strict,
        may_change=media.container.format.name not in _IN_BAND,
    )


def _report(tracks: list[Track | None], dropped: tuple[str, ...]) -> Report:
    videos = [track for track in tracks if isinstance(track, VideoTrack)]
    return Report(
        access_units=sum(track.access_units for track in videos),
        injected=sum(track.injected for track in videos),
        removed=sum(track.removed for track in videos),
        duration_s=max(track.duration_s for track in videos),
        dropped_streams=dropped,
    )
