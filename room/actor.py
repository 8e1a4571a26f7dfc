"""Who asks: an identity that a token proved, and what it weighs in one room."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from room.documents import Person, Rank, State

TokenKind = Literal["member", "service", "staff"]
"""What a token may say of its bearer."""
AccountKind = Literal["member", "service", "staff", "system"]
PlatformRole = Literal["operator", "reviewer"]

USER_ID: Final = re.compile(r"[A-Za-z0-9_.:@-]{1,64}", re.ASCII)

_WEIGHT: Final[dict[Rank, int]] = {"member": 0, "admin": 1, "owner": 2}


class Actor(msgspec.Struct, frozen=True):
    """The bearer of a valid token, or the server itself.

    ``roles`` are the platform's; owner and admin live in the room, not here.
    """

    user_id: str
    kind: AccountKind = "member"
    roles: tuple[str, ...] = ()
    nickname: str = ""
    avatar: str = ""
    docs: tuple[str, ...] = ()
    """``x-`` documents that a service may write; ``*`` for all."""

    @property
    def display_name(self) -> str:
        """What the seat shows: the nickname, or the id where there is none."""
        return self.nickname or self.user_id

    @property
    def person(self) -> Person:
        """What a seat keeps of this actor."""
        return Person(self.user_id, self.display_name, self.avatar)

    def is_staff_of(self, *roles: PlatformRole) -> bool:
        """Tell whether the platform gave this actor one of these roles."""
        return any(role in self.roles for role in roles)


SYSTEM: Final = Actor("seatsync:system", kind="system")
"""The server itself: nobody's token can say so."""


def outranks(state: State, actor_id: str, target_id: str) -> bool:
    """Tell whether one user may act upon another: only on a lower rank, or on themselves."""
    if actor_id == target_id:
        return True
    return _WEIGHT[state.rank_of(actor_id)] > _WEIGHT[state.rank_of(target_id)]
