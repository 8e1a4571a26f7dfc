"""Commands that only the server itself sends (DOMAIN.md 5)."""

from __future__ import annotations

import msgspec

from room.commands.arguments import ParticipationId
from room.documents import EndReason, Link


class SystemReap(msgspec.Struct, frozen=True):
    """End an abandoned participation."""

    participation_id: ParticipationId
    cause: EndReason


class SystemLink(msgspec.Struct, frozen=True):
    """Say how well the server reaches whoever holds a participation."""

    participation_id: ParticipationId
    link: Link


class SystemExpire(msgspec.Struct, frozen=True):
    """End what has run out: requests, and a session that nobody has sat in for long."""
