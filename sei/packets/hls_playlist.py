"""Playlists of an HLS input, made harmless before the demuxer sees them (RFC 8216). Pure.

It gets one rendition, the best, with its sound; addresses in full, since it knows nothing of
redirects; and segments that claim to last 1 s, since nothing wakes it while it waits for what they
say. How often a playlist is fetched is decided here, where the wait can be ended.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urljoin

from sei.errors import BadMedia, SourceFailed

MAGIC: Final = b"#EXTM3U"
MAX_PLAYLIST_BYTES: Final = 1024 * 1024
MAX_LINES: Final = 50_000
"""A day of segments of 6 s. Each is an address that the demuxer keeps, and joins if it fails."""
MAX_PREPARED_BYTES: Final = 8 * 1024 * 1024
"""A short name becomes a whole address, which may have thousands of characters."""
_ATTRIBUTE: Final = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)')
_URI: Final = re.compile(r'URI="([^"]*)"')
_VARIANT: Final = "#EXT-X-STREAM-INF:"
_KEYS: Final = ("#EXT-X-KEY:", "#EXT-X-SESSION-KEY:")

_FETCHED: Final = ("http://", "https://")
_SOUND_CODECS: Final = ("mp4a", "ac-3", "ec-3", "opus")


class MediaPlaylist(NamedTuple):
    """What the demuxer gets, and when to look for more."""

    text: str
    is_live: bool
    """Whether more is to come; playlists that only list others are not."""
    target_s: float


def prepare(text: str, base_url: str) -> MediaPlaylist:
    """Prepare a playlist.

    Args:
        text: as it was fetched.
        base_url: from where, redirects followed.

    Raises:
        BadMedia: its segments are encrypted, or not to be fetched over HTTP.
        SourceFailed: it names too many.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_LINES or len(text) + len(lines) * len(base_url) > MAX_PREPARED_BYTES:
        raise SourceFailed(f"a playlist of the input has {len(lines)} lines, which is too long")
    for line in lines:
        if line.startswith(_KEYS) and _attributes(line).get("METHOD") != "NONE":
            raise BadMedia("the segments of the input are encrypted")
    if any(line.startswith(_VARIANT) for line in lines):
        return MediaPlaylist("\n".join(_best(lines, base_url)) + "\n", False, 0.0)
    ended = any(line.startswith("#EXT-X-ENDLIST") for line in lines)
    made = "\n".join(_media_line(line, base_url) for line in lines) + "\n"
    return MediaPlaylist(made, not ended, _target_s(lines))


def _best(lines: list[str], base_url: str) -> list[str]:
    """Keep the variant of the highest bandwidth, and the sound that belongs to it."""
    variants = [
        (line, lines[at + 1])
        for at, line in enumerate(lines[:-1])
        if line.startswith(_VARIANT) and not lines[at + 1].startswith("#") and _has_video(line)
    ]
    if not variants:
        raise BadMedia("the playlist names no video")
    line, address = max(variants, key=lambda variant: _bandwidth(variant[0]))
    group = _attributes(line).get("AUDIO")
    sounds = [
        entry
        for entry in lines
        if entry.startswith("#EXT-X-MEDIA:")
        and _attributes(entry).get("TYPE") == "AUDIO"
        and _attributes(entry).get("GROUP-ID") == group
    ]
    sounds.sort(key=lambda entry: _attributes(entry).get("DEFAULT") != "YES")
    kept = [_with_full_uri(entry, base_url) for entry in sounds[:1]]
    return ["#EXTM3U", *kept, line, _full(base_url, address)]


def _media_line(line: str, base_url: str) -> str:
    if line.startswith("#EXTINF:"):
        return "#EXTINF:1,"
    if line.startswith("#EXT-X-TARGETDURATION:"):
        return "#EXT-X-TARGETDURATION:1"
    if line.startswith("#"):
        return _with_full_uri(line, base_url)
    return _full(base_url, line)


def _with_full_uri(line: str, base_url: str) -> str:
    return _URI.sub(lambda match: f'URI="{_full(base_url, match[1])}"', line)


def _full(base_url: str, address: str) -> str:
    url = urljoin(base_url, address)
    if not url.startswith(_FETCHED):
        raise BadMedia("the playlist names what is not fetched over HTTP")
    return url


def _attributes(line: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(line.partition(":")[2])}


def _has_video(line: str) -> bool:
    attributes = _attributes(line)
    codecs = [codec.strip() for codec in attributes.get("CODECS", "").split(",") if codec.strip()]
    return not codecs or any(not codec.startswith(_SOUND_CODECS) for codec in codecs)


def _bandwidth(line: str) -> int:
    value = _attributes(line).get("BANDWIDTH", "")
    return int(value[:18]) if value.isascii() and value.isdigit() else 0


def _target_s(lines: list[str]) -> float:
    for line in lines:
        value = line.removeprefix("#EXT-X-TARGETDURATION:")
        if value != line and value.isascii() and value.isdigit():
            return min(60.0, float(value[:4]))
    return 6.0
