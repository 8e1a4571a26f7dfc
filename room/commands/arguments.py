"""What arguments of commands may be."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

SeatIndex = Annotated[int, Meta(ge=-1)]
UserId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.:@-]{1,64}\Z")]
SeatCount = Annotated[int, Meta(ge=1, le=50)]
Reason = Annotated[str, Meta(max_length=200)]
CooldownSeconds = Annotated[int, Meta(ge=0, le=86_400)]
BanSeconds = Annotated[int, Meta(ge=1, le=10 * 365 * 86_400)]
RequestId = Annotated[str, Meta(min_length=1, max_length=64)]
ParticipationId = Annotated[str, Meta(min_length=1, max_length=64)]

ANY_SEAT: Final = -1
"""As ``seat_index``: the first one that is free."""
