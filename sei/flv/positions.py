"""What an FLV file says of itself in bytes: its size, and where its keyframes are. Pure.

The script data at the beginning may hold both, as AMF 0 numbers (a zero byte, then a double):
`filesize`, and `filepositions`, an array by which players seek. Where tags grow, both would lie.
Source: Adobe Flash Video File Format 10.1, E.5; the array is what every injector of metadata adds.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final, NamedTuple

from sei.flv.tags import FILE_HEADER_BYTES, SCRIPT, SIZE_BYTES, TAG_HEADER_BYTES

_NUMBER: Final = Struct(">d")
_SIZE: Final = re.compile(rb"\x00\x08filesize\x00")
_POSITIONS: Final = re.compile(rb"\x00\x0dfilepositions\x0a(.{4})", re.DOTALL)
_FIRST_TAG: Final = FILE_HEADER_BYTES + SIZE_BYTES
_LARGEST: Final = 2.0**53


class Growth(NamedTuple):
    """A tag that changed its size."""

    at: int
    """Where it began in the input."""
    total: int
    """By how much the file had grown behind it."""


class Patch(NamedTuple):
    """Bytes that are to stand at an offset of the output."""

    at: int
    content: bytes


def patches(beginning: bytes, growths: Sequence[Growth]) -> list[Patch]:
    """Say what to put right once a file is written.

    Args:
        beginning: of the input, with the whole of its first tag.
        growths: every tag that changed its size, in order.
    """
    if not growths:
        return []
    starts = [growth.at for growth in growths]
    script = _script(beginning)
    made = []
    for at in _numbers(script):
        (value,) = _NUMBER.unpack_from(script, at)
        if 0 < value < _LARGEST:
            before = bisect_left(starts, int(value))
            grown = growths[before - 1].total if before else 0
            made.append(Patch(_FIRST_TAG + at, _NUMBER.pack(value + grown)))
    return made


def _script(beginning: bytes) -> bytes:
    """Give the first tag of a file if it is script data and all there."""
    head = beginning[_FIRST_TAG : _FIRST_TAG + TAG_HEADER_BYTES]
    end = _FIRST_TAG + TAG_HEADER_BYTES + int.from_bytes(head[1:4], "big")
    if head[:1] != bytes((SCRIPT,)) or end > len(beginning):
        return b""
    return beginning[_FIRST_TAG:end]


def _numbers(script: bytes) -> Iterator[int]:
    """Give where the doubles stand that are offsets in the file."""
    for match in _SIZE.finditer(script):
        if match.end() + _NUMBER.size <= len(script):
            yield match.end()
    for match in _POSITIONS.finditer(script):
        count = int.from_bytes(match[1], "big")
        end = match.end() + count * (1 + _NUMBER.size)
        if end <= len(script):
            yield from range(match.end() + 1, end, 1 + _NUMBER.size)
