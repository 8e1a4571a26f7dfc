"""Streams as an operator writes them: ``FORMAT[:QUALITY[:CODEC[:WIDTHxHEIGHT]]]=URL``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from gateway.config import Stream
from room.errors import InvalidArgument

FORM: Final = "FORMAT[:QUALITY[:CODEC[:WIDTHxHEIGHT]]]=URL"
FORMATS: Final = ("flv", "mp4", "hls")

_WORD: Final = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)
_SIZE: Final = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", re.ASCII)


def read_stream(text: str) -> Stream:
    """Read one stream; parts that are left out, or empty, have their defaults.

    Raises:
        InvalidArgument: it is not of that form; the message says where.
    """
    described, equals, url = text.partition("=")
    kind, *more = described.strip().split(":")
    if not equals or kind not in FORMATS or len(more) > 3:
        raise InvalidArgument(f"{text!r} is not {FORM} with one of {', '.join(FORMATS)}")
    quality, codec, size = (*more, "", "", "")[:3]
    stream = Stream(kind, _read_url(url.strip()), quality or "source", codec or "h264")
    for word in (stream.quality, stream.codec):
        if _WORD.fullmatch(word) is None:
            raise InvalidArgument(f"{text!r}: {word!r} is not 1 to 32 of A-Z a-z 0-9 . _ -")
    return _sized(stream, size) if size else stream


def _sized(stream: Stream, size: str) -> Stream:
    match = _SIZE.fullmatch(size)
    if match is None:
        raise InvalidArgument(f"{size!r} is not WIDTHxHEIGHT, such as 1280x720")
    return Stream(
        stream.format, stream.url, stream.quality, stream.codec, int(match[1]), int(match[2])
    )


def _read_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidArgument(f"{url!r} is not an http:// or https:// address")
    if "{" in url.replace("{room}", "") or "}" in url.replace("{room}", ""):
        raise InvalidArgument(f"{url!r}: only {{room}} may stand in braces")
    return url


def check_streams(streams: Sequence[Stream]) -> None:
    """Refuse two streams that a player could not tell apart.

    Raises:
        InvalidArgument: two have format, quality and codec in common.
    """
    seen = set()
    for stream in streams:
        name = (stream.format, stream.quality, stream.codec)
        if name in seen:
            raise InvalidArgument(
                f"--stream: {stream.format}:{stream.quality}:{stream.codec} is given twice"
            )
        seen.add(name)
