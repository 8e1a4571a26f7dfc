"""Copy a media file packet by packet, rewriting those of the video streams that carry messages."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

from av.packet import Packet
from av.stream import Stream

from sei.errors import BadMedia
from sei.files.flow import flow
from sei.files.flvcopy import copy_tags, may_stay_tags
from sei.files.media import STANDARD_INPUT, Media, explained, open_media
from sei.files.output import (
    FAILED,
    IN_BAND,
    RAW_FORMATS,
    STANDARD_OUTPUT,
    Muxer,
    container_of,
    open_output,
)
from sei.files.report import Meter, Progress, Report
from sei.files.track import MessagesAt, Track, VideoTrack
from sei.insertion.cadence import Cadence, Injection
from sei.insertion.rewrite import Rewriter
from sei.packets.order import display_order

_EARLIEST_US: Final = -500_000


def remux(
    source: Path,
    target: Path,
    messages_at: MessagesAt,
    progress: Progress | None,
    *,
    container: str | None = None,
    injection: Injection = "on",
) -> Report:
    """Copy a file; ``target`` appears when it is whole, and on an error nothing is left.

    Args:
        source: the file; ``-``: standard input.
        target: the file to write; ``-``: standard output.
        messages_at: what is to go in.
        progress: told how far it is.
        container: what to write, of ``CONTAINERS``; None: what the suffix says.
        injection: when messages go in.

    Raises:
        BadMedia: the input cannot be read, or the output not written.
    """
    form = container_of(target, container)
    with open_media(source) as media:
        media.check_decodable()
        if form.muxer == "flv" and target != STANDARD_OUTPUT and may_stay_tags(media):
            report = copy_tags(source, target, messages_at, progress, injection)
            if report is not None:
                return report
        needs_order = media.is_raw and form.muxer not in RAW_FORMATS
        if needs_order and source == STANDARD_INPUT:
            raise BadMedia("a raw stream needs a file: it is read twice")
        order = display_order(source) if needs_order else None
        with open_output(media, target, form) as muxer:
            meter = Meter(media.size_bytes, progress)
            tracks = _tracks(media, muxer, messages_at, meter, injection)
            with explained(target, FAILED):
                # Typed as what it once took; it asks for one packet after the other.
                packets = cast("Sequence[Packet[Stream]]", flow(media, tracks, order))
                muxer.output.mux(packets)
            dropped = tuple(muxer.dropped)
        meter.finish()
        return _report(tracks, dropped)


def _tracks(
    media: Media, muxer: Muxer, messages_at: MessagesAt, meter: Meter, injection: Injection
) -> list[Track | None]:
    """Give what becomes of each stream of the input, by its index; None: it is left out."""
    tracks: list[Track | None] = []
    videos = {video.stream.index: video for video in media.videos}
    shift_s = _shift_s(media)
    for stream in media.container.streams:
        target = muxer.streams.get(stream.index)
        video = videos.get(stream.index)
        if target is None:
            tracks.append(None)
        elif video is None:
            tracks.append(Track(stream, target, strict=muxer.strict, shift_s=shift_s))
        else:
            in_band = muxer.output.format.name in IN_BAND
            track = VideoTrack(
                video,
                Rewriter(
                    video.codec,
                    video.extradata,
                    in_band=in_band,
                    keeps_lengths=True,
                    cadence=Cadence(injection),
                ),
                messages_at,
                target,
                meter,
                strict=muxer.strict,
                may_change=media.container.format.name not in IN_BAND,
                shift_s=shift_s,
            )
            tracks.append(track)
    return tracks


def _shift_s(media: Media) -> Fraction:
    """Say by how much an input is moved that begins far before zero, as one whose clock wraps.

    MP4 would not show what is before zero. Sound and reordered pictures begin a little before it
    as a rule, and muxers know what to do with that.
    """
    start_us = media.container.start_time or 0
    return Fraction(-start_us, 1_000_000) if start_us < _EARLIEST_US else Fraction(0)


def _report(tracks: list[Track | None], dropped: tuple[str, ...]) -> Report:
    videos = [track for track in tracks if isinstance(track, VideoTrack)]
    return Report(
        access_units=sum(track.access_units for track in videos),
        injected=sum(track.injected for track in videos),
        removed=sum(track.removed for track in videos),
        duration_s=max(track.duration_s for track in videos),
        dropped_streams=dropped,
    )
