"""When to come back: spread, so that those who were sent away together do not return together."""

from __future__ import annotations

import random
from typing import Final

from room.errors import SeatsyncError

ERROR_RETRY_MS: Final = (1000, 3000)
"""When to try again after an error that may pass, spread over this span."""


def hinted(error: SeatsyncError) -> SeatsyncError:
    """Give an error a hint when to try again, where that may help and it has none."""
    if error.travel.retryable and error.retry_after_ms is None:
        error.retry_after_ms = random.randint(*ERROR_RETRY_MS)  # noqa: S311 - spread, not secrecy
    return error
