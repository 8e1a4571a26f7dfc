"""Goodbyes: an error as the last message of a connection, and when to come back."""

from __future__ import annotations

import random

from gateway.config import RETRY_SPREAD_MS
from room.errors import SeatsyncError
from room.messages import Bye


def retry_after_ms() -> int:
    """Pick when one client is to come back."""
    return random.randint(*RETRY_SPREAD_MS)  # noqa: S311 - spread, not secrecy


def farewell(error: SeatsyncError) -> Bye:
    """Say an error as the last message of a connection."""
    code = error.travel.close
    if code >= 4500:
        return Bye(code=code, reason=error.message)
    return Bye(
        code=code,
        reason=error.message,
        retry_after_ms=error.retry_after_ms or retry_after_ms(),
    )
