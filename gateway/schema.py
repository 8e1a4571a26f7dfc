"""Which form of a snapshot a reader understands (PROTOCOL.md 1, 6)."""

from __future__ import annotations

from room.errors import InvalidArgument, SeatsyncError
from room.snapshot import SCHEMA


def check_schema(text: str | None) -> None:
    """Refuse a reader who is too old for the bytes that are served.

    Args:
        text: the highest schema that the reader understands, of the query; None: the first.

    Raises:
        InvalidArgument: it is no whole number.
        SeatsyncError: ``UPGRADE_REQUIRED``.
    """
    if text is None:
        return
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidArgument("schema is a whole number")
    if int(text) < SCHEMA:
        raise SeatsyncError(f"schema {SCHEMA} is the oldest served", code="UPGRADE_REQUIRED")
