"""What an HLS playlist names (RFC 8216), as far as a probe wants to know. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from sei.errors import BadMedia

MAX_PLAYLIST_BYTES: Final = 256 * 1024
_MAX_LINES: Final = 5_000
_URI: Final = re.compile(r'(?:^|[,:])URI="([^"]*)"')
_DURATION: Final = re.compile(r"#EXTINF:([0-9]{1,6}(?:\.[0-9]{1,9})?)")


class Segment(NamedTuple):
    """A piece of the stream."""

    address: str
    duration_s: float
    initialisation: str | None
    """Address of what a reader needs first."""


class Playlist(NamedTuple):
    """Either variants of a stream, or its segments, oldest first."""

    variants: tuple[str, ...]
    segments: tuple[Segment, ...]
    is_ended: bool = False
    """Whether nothing more will come."""


def read_playlist(body: bytes) -> Playlist:
    """Read a playlist.

    Raises:
        BadMedia: it is none, is encrypted, or names ranges of files.
    """
    lines = body.decode("utf-8", "replace").splitlines()[:_MAX_LINES]
    if not lines or lines[0].strip() != "#EXTM3U":
        raise BadMedia("what answered is no playlist")
    variants: list[str] = []
    segments: list[Segment] = []
    initialisation: str | None = None
    duration_s = 0.0
    is_variant = is_ended = False
    for line in map(str.strip, lines[1:]):
        _refuse(line)
        if line.startswith("#EXT-X-STREAM-INF:"):
            is_variant = True
        elif line.startswith("#EXT-X-MAP:"):
            found = _URI.search(line.removeprefix("#EXT-X-MAP"))
            initialisation = found[1] if found else None
        elif match := _DURATION.match(line):
            duration_s = float(match[1])
        elif line == "#EXT-X-ENDLIST":
            is_ended = True
        elif line and not line.startswith("#"):
            if is_variant:
                variants.append(line)
            else:
                segments.append(Segment(line, duration_s, initialisation))
            is_variant = False
    return Playlist(tuple(variants), tuple(segments), is_ended)


def newest(segments: tuple[Segment, ...], for_s: float) -> tuple[Segment, ...]:
    """Choose the newest segments that together last for a time, of one initialisation."""
    chosen: list[Segment] = []
    lasting_s = 0.0
    for segment in reversed(segments):
        if chosen and (lasting_s >= for_s or segment.initialisation != chosen[0].initialisation):
            break
        chosen.append(segment)
        lasting_s += segment.duration_s
    return tuple(reversed(chosen))


def after(segments: tuple[Segment, ...], address: str) -> tuple[Segment, ...]:
    """Give the segments after one; all where it is not among them any more."""
    places = [place for place, segment in enumerate(segments) if segment.address == address]
    return segments[places[-1] + 1 :] if places else segments


def _refuse(line: str) -> None:
    if line.startswith("#EXT-X-KEY:") and "METHOD=NONE" not in line:
        raise BadMedia("the segments are encrypted")
    if line.startswith("#EXT-X-BYTERANGE:") or (
        line.startswith("#EXT-X-MAP:") and "BYTERANGE=" in line
    ):
        raise BadMedia("the segments are ranges of files")
