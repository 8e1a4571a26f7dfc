"""Boxes, of which every MP4 is made (ISO/IEC 14496-12 4.2)."""

from __future__ import annotations

from struct import Struct
from typing import Final

_HEADER: Final = Struct(">I4s")
_VERSION: Final = Struct(">I")


def box(kind: bytes, *contents: bytes) -> bytes:
    """Write a box: its size, its type of four characters, its contents."""
    content = b"".join(contents)
    return _HEADER.pack(8 + len(content), kind) + content


def full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """Write a box that has a version and 24 bits of flags."""
    return box(kind, _VERSION.pack(version << 24 | flags), *contents)
