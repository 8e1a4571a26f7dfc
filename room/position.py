"""Where a document stands: the one order across every channel (PROTOCOL.md 1)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from room.errors import InvalidArgument

LARGEST: Final = 2**53 - 1
"""The largest integer that a JavaScript reader holds exactly."""

_TEXT: Final = re.compile(r"(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})", re.ASCII)


class Position(NamedTuple):
    """A version of a document within an epoch; ordered by epoch first, then version."""

    epoch: int
    """Store clock in ms; raised when continuity can't be proven, never lowered."""
    version: int
    """Rises by exactly 1 with each committed change."""

    def __str__(self) -> str:
        return f"{self.epoch}.{self.version}"


def parse_position(text: str) -> Position:
    """Read the text form ``<epoch>.<version>``.

    Raises:
        InvalidArgument: the text is not of that form, or a number is over ``LARGEST``.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise InvalidArgument("a position is written <epoch>.<version>")
    position = Position(int(match[1]), int(match[2]))
    if max(position) > LARGEST:
        raise InvalidArgument(f"a position's numbers end at {LARGEST}")
    return position
