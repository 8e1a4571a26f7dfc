"""Rooms, people and short cuts that the tests of the core share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from room.actor import SYSTEM, Actor
from room.commands import Command
from room.documents import (
    Participation,
    Person,
    RequestKind,
    Requests,
    Seat,
    SeatRequest,
    Session,
    State,
)
from room.errors import Refused
from room.rules import Change, Context, reduce

NOW_MS = 1_732_150_000_123
STARTED_MS = 1_732_146_400_123

OWNER = Actor("owner", nickname="Owner")
ADMIN = Actor("admin", nickname="Admin")
SECOND_ADMIN = Actor("admin2", nickname="Second")
MEMBER = Actor("member", nickname="Member")
OTHER = Actor("other", nickname="Other")
SERVICE = Actor("service", kind="service")
OPERATOR = Actor("operator", kind="staff", roles=("operator",))
REVIEWER = Actor("reviewer", kind="staff", roles=("reviewer",))
MEMBER_WHO_REVIEWS = Actor("moonlighter", roles=("reviewer",))
MEMBER_WHO_OPERATES = Actor("operating", roles=("operator",))
EVERYBODY = (
    OWNER,
    ADMIN,
    SECOND_ADMIN,
    MEMBER,
    OTHER,
    SERVICE,
    OPERATOR,
    REVIEWER,
    MEMBER_WHO_REVIEWS,
    MEMBER_WHO_OPERATES,
    SYSTEM,
)


def idle_room(**fields: Any) -> State:
    """A room with an owner and two admins, and no session."""
    return State(**{"owner_id": "owner", "admins": ("admin", "admin2"), **fields})


def stay(user_id: str, **fields: Any) -> Participation:
    """The participation of a user, with ids that tests can foresee."""
    person = Person(user_id, user_id.title(), f"face/{user_id}")
    return Participation(
        **{
            "participation_id": f"p_{user_id}",
            "person": person,
            "since_ms": STARTED_MS,
            **fields,
        }
    )


def live_room(
    occupants: Mapping[int, str] | None = None,
    *,
    count: int = 5,
    locked: tuple[int, ...] = (),
    audio_locked: tuple[int, ...] = (),
    **fields: Any,
) -> State:
    """A room with a live session; ``occupants`` by seat index."""
    sitting = {index: stay(user_id) for index, user_id in (occupants or {}).items()}
    seats = tuple(
        Seat(locked=i in locked, audio_locked=i in audio_locked, occupant=sitting.get(i))
        for i in range(count)
    )
    empty_since_ms = None if sitting else STARTED_MS
    session = Session("s_1", "voice", STARTED_MS, empty_since_ms)
    return idle_room(**{"session": session, "seats": seats, **fields})


def fresh_ids() -> Callable[[], str]:
    """Ids in place of random ones: new1, new2, …"""
    numbers = itertools.count(1)
    return lambda: f"new{next(numbers)}"


def waiting(
    kind: RequestKind,
    user_id: str,
    seat_index: int | None = None,
    *,
    expires_at_ms: int = NOW_MS + 10_000,
    by: str | None = None,
) -> SeatRequest:
    """A request that waits; its id tells whom it is to seat."""
    return SeatRequest(
        request_id=f"r_{kind}_{user_id}",
        kind=kind,
        person=Person(user_id, user_id.title(), f"face/{user_id}"),
        by=by or (user_id if kind == "apply" else "owner"),
        created_at_ms=NOW_MS - 10_000,
        expires_at_ms=expires_at_ms,
        seat_index=seat_index,
    )


def queue(*items: SeatRequest) -> Requests:
    """These requests, and none that ended."""
    return Requests(items)


def send(
    state: State,
    command: Command,
    actor: Actor,
    now_ms: int = NOW_MS,
    requests: Requests = Requests(),  # noqa: B008 - a frozen value
) -> Change:
    """Reduce one command."""
    return reduce(state, command, Context(actor, now_ms, fresh_ids(), requests))


def refused(
    state: State,
    command: Command,
    actor: Actor,
    now_ms: int = NOW_MS,
    requests: Requests = Requests(),  # noqa: B008 - a frozen value
) -> Refused:
    """Reduce a command that the rules must refuse, and give the refusal."""
    with pytest.raises(Refused) as caught:
        send(state, command, actor, now_ms, requests)
    return caught.value


def outcomes(change: Change) -> dict[str, str]:
    """How each request ended that is kept in a change, by id."""
    assert change.requests is not None
    return {item.request.request_id: item.outcome for item in change.requests.ended}


def sitting(state: State) -> dict[int, str]:
    """Who sits where."""
    return {
        index: seat.occupant.person.user_id
        for index, seat in enumerate(state.seats)
        if seat.occupant is not None
    }
