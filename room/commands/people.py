"""Commands about persons, wherever they sit."""

from __future__ import annotations

from typing import Literal

import msgspec

from room.commands.arguments import BanSeconds, UserId


class UserMute(msgspec.Struct, frozen=True):
    """Silence a person for the session, wherever they sit."""

    user_id: UserId


class UserUnmute(msgspec.Struct, frozen=True):
    """Lift the silence of a person."""

    user_id: UserId


class UserBan(msgspec.Struct, frozen=True):
    """Keep a person from sending anything in this room; for good where no term is given."""

    user_id: UserId
    ttl_s: BanSeconds | None = None


class UserUnban(msgspec.Struct, frozen=True):
    """Lift a ban."""

    user_id: UserId


class RoleGrant(msgspec.Struct, frozen=True):
    """Make a person an admin of this room."""

    user_id: UserId
    role: Literal["admin"]


class RoleRevoke(msgspec.Struct, frozen=True):
    """Make an admin a member again."""

    user_id: UserId
    role: Literal["admin"]
