"""Who and what is planted in a room, by words that stand nowhere else."""

from __future__ import annotations

import secrets
from typing import Any, Final, NamedTuple

from tests.e2e.gateway.gateway_kit import SECRET, token


class Planted(NamedTuple):
    """A person of whom every part can be recognised wherever it turns up."""

    user_id: str
    nickname: str
    avatar: str
    token: str


def plant(name: str, **claims: Any) -> Planted:
    """Make a person; the first character of the nickname is shown to everybody."""
    mark = f"{name}-{secrets.token_hex(6)}"
    user_id, nickname, avatar = f"id-{mark}", f"Nick-{mark}", f"face-{mark}"
    signed = token(user_id, nickname=nickname, avatar=avatar, **claims)
    return Planted(user_id, nickname, avatar, signed)


class Plants:
    """Everything that is hidden in one room, and in another one."""

    def __init__(self) -> None:
        self.owner = plant("owner")
        self.admin = plant("admin")
        self.idle_admin = plant("idle")
        self.seated = plant("seated")
        self.member = plant("member")
        self.applicant = plant("applicant")
        self.invitee = plant("invitee")
        self.muted = plant("muted")
        self.banned = plant("banned")
        self.kicked = plant("kicked")
        self.operator = plant("operator", kind="staff", roles=["operator"])
        self.service = plant("service", kind="service", docs=["*"])
        self.learnt: dict[str, str] = {}
        """What the server itself named, by what it is."""

    @property
    def callers(self) -> dict[str, Planted | None]:
        """Everybody who asks, by name; None has no token."""
        return {"anonymous": None, **{name: vars(self)[name] for name in WITH_TOKEN}}

    def people(self) -> dict[str, Planted]:
        """Give everybody by name."""
        return {name: one for name, one in vars(self).items() if isinstance(one, Planted)}

    def markers(self) -> dict[str, str]:
        """Give every word that is looked for, by what it is."""
        found = dict(self.learnt)
        for name, one in self.people().items():
            found[f"{name}.user_id"] = one.user_id
            found[f"{name}.nickname"] = one.nickname[1:]
            found[f"{name}.avatar"] = one.avatar
            found[f"{name}.token"] = one.token.rpartition(".")[2]
        found["secret"] = SECRET.decode()
        return found


WITH_TOKEN: Final = (
    "member",
    "applicant",
    "invitee",
    "seated",
    "banned",
    "admin",
    "owner",
    "operator",
    "service",
)
