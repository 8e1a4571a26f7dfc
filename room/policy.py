"""Who may send which command: a table of data (DOMAIN.md 3)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from room.actor import Actor
from room.documents import State
from room.errors import Refused

PLATFORM_ROLES: Final = frozenset({"operator", "reviewer"})

POLICY: Final[dict[str, frozenset[str]]] = {
    name: frozenset(who.split())
    for name, who in {
        "session.start": "owner operator",
        "session.end": "owner operator reviewer",
        "seat.take": "member admin owner",
        "seat.leave": "seated",
        "seat.move": "seated admin owner",
        "seat.kick": "admin owner reviewer operator",
        "seat.lock": "admin owner",
        "seat.unlock": "admin owner",
        "seat.mute": "admin owner reviewer",
        "seat.unmute": "admin owner reviewer",
        "user.mute": "admin owner reviewer operator",
        "user.unmute": "admin owner reviewer operator",
        "mic.set": "seated",
        "seat.mode.set": "admin owner",
        "seat.count.set": "owner operator",
        "request.apply": "member",
        "request.cancel": "member admin owner",
        "request.accept": "admin owner",
        "request.reject": "admin owner",
        "invite.send": "admin owner",
        "invite.cancel": "admin owner",
        "invite.accept": "member admin owner",
        "invite.reject": "member admin owner",
        "role.grant": "owner operator",
        "role.revoke": "owner operator",
        "user.ban": "admin owner reviewer operator",
        "user.unban": "admin owner reviewer operator",
        "system.reap": "system",
        "system.link": "system",
        "system.expire": "system",
    }.items()
}
"""Command to standings: a room rank, ``seated``, a role that the platform gave, or ``system``.

Whose a request is, is no standing: its rule looks (``request.cancel``, ``invite.accept``).
"""


def standings(state: State, actor: Actor) -> frozenset[str]:
    """Name everything that an actor is in a room; service and staff hold no room rank."""
    if actor.kind == "system":
        return frozenset({"system"})
    roles = set(actor.roles) & PLATFORM_ROLES
    if actor.kind == "member":
        roles.add(state.rank_of(actor.user_id))
        if state.seat_of(actor.user_id) is not None:
            roles.add("seated")
    return frozenset(roles)


def allowed_commands(
    state: State, actor: Actor | None, now_ms: int | None = None
) -> tuple[str, ...]:
    """List what a caller may send now, in the table's order; nothing without a token.

    Args:
        state: the room.
        actor: the caller.
        now_ms: for bans that end; None: every ban that is written down holds.
    """
    if actor is None or is_banned(state, actor, now_ms):
        return ()
    return open_to(standings(state, actor))


@lru_cache(maxsize=256)
def open_to(roles: frozenset[str]) -> tuple[str, ...]:
    """List the commands of one who is all of this; few sets of standings ever come up."""
    return tuple(name for name, who in POLICY.items() if who & roles)


def is_banned(state: State, actor: Actor, now_ms: int | None) -> bool:
    """Tell whether the room holds a person's commands back; other accounts are not persons."""
    return actor.kind == "member" and any(
        ban.user_id == actor.user_id and (now_ms is None or ban.holds_at(now_ms))
        for ban in state.bans
    )


def check_permission(state: State, actor: Actor, name: str) -> bool:
    """Refuse a command that this actor may never send in this room.

    Whether a member is seated is not asked here: standing up twice is a no-op, and the other
    commands of the seated have an error of their own, ``NOT_ON_SEAT``.

    Returns:
        whether the platform permits it, by a role that this very command is open to.

    Raises:
        Refused: ``FORBIDDEN``.
    """
    roles = standings(state, actor)
    who = POLICY[name]
    seatable = actor.kind == "member" and "seated" in who
    if not (who & roles or seatable):
        raise Refused(f"{name} is not yours to send in this room", code="FORBIDDEN")
    return bool(who & roles & PLATFORM_ROLES)


def check_readable(doc: str, state: State, actor: Actor | None) -> None:
    """Keep a document from callers who may not read it; requests are for owner and admins.

    Raises:
        Refused: ``FORBIDDEN``.
    """
    if doc != "requests":
        return
    if actor is None or actor.kind != "member" or state.rank_of(actor.user_id) == "member":
        raise Refused("requests are for owner and admins", code="FORBIDDEN")


def changed_standings(before: State, after: State) -> frozenset[str]:
    """Name the users who may send other commands after a change than before it."""
    return frozenset(
        before.seated_users() ^ after.seated_users()
        | set(before.admins) ^ set(after.admins)
        | {ban.user_id for ban in set(before.bans) ^ set(after.bans)}
        | ({before.owner_id} ^ {after.owner_id})
    )
