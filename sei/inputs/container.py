"""Tell a container by its first bytes. Pure."""

from __future__ import annotations

from typing import Final

from sei.errors import BadMedia, SourceFailed
from sei.source import ContainerName

LOOK_BYTES: Final = 189
"""Two packets of MPEG-TS begin within."""
_SYNC: Final = 0x47
_BY_CONTENT_TYPE: Final[dict[str, ContainerName]] = {
    "video/x-flv": "flv",
    "video/mp2t": "mpegts",
    "video/mp4": "mp4",
}


def container_of(head: bytes, content_type: str = "") -> ContainerName:
    """Tell what a stream is.

    Args:
        head: its first bytes, up to ``LOOK_BYTES``.
        content_type: what its server says of it; counts where the bytes say nothing.

    Raises:
        SourceFailed: it is a page for people.
        BadMedia: it is a playlist.
    """
    if head.startswith(b"FLV"):
        return "flv"
    if head[:1] == bytes((_SYNC,)) and (len(head) < LOOK_BYTES or head[LOOK_BYTES - 1] == _SYNC):
        return "mpegts"
    if head[4:8] in (b"ftyp", b"styp", b"moov"):
        return "mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head.startswith(b"#EXTM3U"):
        raise BadMedia("the input is a playlist; the address of one ends in .m3u8")
    media_type = content_type.partition(";")[0].strip().lower()
    if head.lstrip()[:1] == b"<" or media_type.startswith(("text/", "application/json")):
        raise SourceFailed("the input answers with a text and not with a stream")
    return _BY_CONTENT_TYPE.get(media_type, "unknown")
