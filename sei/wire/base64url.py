"""Unpadded base64url, one text for each value (RFC 4648 5 and 3.5)."""

from __future__ import annotations

import base64
import re
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def write(value: bytes) -> str:
    """Write bytes as unpadded base64url."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def read_exactly(text: str, size: int) -> bytes | None:
    """Read a value of so many bytes.

    Returns:
        The value; None where the text is anything but the one text that ``write`` gives for it:
        padded, of another alphabet or length, or with spare bits set.
    """
    if len(text) != -(-size * 4 // 3) or _ALPHABET.fullmatch(text) is None:
        return None
    value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return value if write(value) == text else None
