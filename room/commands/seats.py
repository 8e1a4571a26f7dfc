"""Commands about sessions and seats."""

from __future__ import annotations

from typing import Literal

import msgspec

from room.commands.arguments import CooldownSeconds, Reason, SeatCount, SeatIndex, UserId
from room.documents import Kind, SeatMode


class SessionStart(msgspec.Struct, frozen=True):
    """Open a session; what is not said comes from the room."""

    kind: Kind | None = None
    seat_count: SeatCount | None = None
    seat_mode: SeatMode | None = None


class SessionEnd(msgspec.Struct, frozen=True):
    """End the session and every participation in it."""

    reason: Reason | None = None


class SeatTake(msgspec.Struct, frozen=True):
    """Sit down; ``ANY_SEAT`` for the first free seat."""

    seat_index: SeatIndex


class SeatLeave(msgspec.Struct, frozen=True):
    """Stand up."""


class SeatMove(msgspec.Struct, frozen=True):
    """Change seats, keeping the participation; ``policy`` says what becomes of an occupant."""

    to: SeatIndex
    user_id: UserId | None = None
    policy: Literal["abort", "swap", "replace"] = "abort"


class SeatKick(msgspec.Struct, frozen=True):
    """Take a person off their seat; ``seat_index`` guards against a stale screen."""

    user_id: UserId
    seat_index: SeatIndex | None = None
    cooldown_s: CooldownSeconds = 0


class SeatLock(msgspec.Struct, frozen=True):
    """Close a seat, or all but the owner's; an occupant stays unless ``evict``."""

    seat_index: SeatIndex | Literal["all"]
    evict: bool = False


class SeatUnlock(msgspec.Struct, frozen=True):
    """Open a seat, or all."""

    seat_index: SeatIndex | Literal["all"]


class SeatMute(msgspec.Struct, frozen=True):
    """Silence a seat, whoever sits there."""

    seat_index: SeatIndex


class SeatUnmute(msgspec.Struct, frozen=True):
    """Lift the silence of a seat."""

    seat_index: SeatIndex


class MicSet(msgspec.Struct, frozen=True):
    """The occupant's own wish to be heard."""

    on: bool


class SeatModeSet(msgspec.Struct, frozen=True):
    """Say how seats are given from now on, until the session ends."""

    mode: SeatMode


class SeatCountSet(msgspec.Struct, frozen=True):
    """Add seats at the end, or take the last ones away; an occupant goes only with ``evict``."""

    count: SeatCount
    evict: bool = False
