"""What a reader sees of a document: allow-lists, field by field (PROTOCOL.md 2).

A field that is not named here does not leave the server. The order of the fields is the order on
the wire, which golden files freeze.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from room.documents import (
    OWNER_SEAT,
    Link,
    Participation,
    Person,
    Rank,
    RequestKind,
    Requests,
    Seat,
    SeatMode,
    SeatRequest,
    State,
)

View = Literal["anonymous", "member"]
VIEWS: Final[tuple[View, ...]] = ("anonymous", "member")


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """The live session."""

    session_id: str
    kind: str
    status: Literal["live"] = "live"
    owner_id: str | UnsetType = UNSET
    started_at: int


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """The person on a seat; an anonymous reader gets a masked nickname and nothing else."""

    user_id: str | UnsetType = UNSET
    nickname: str
    avatar: str | UnsetType = UNSET
    role: Rank | UnsetType = UNSET


class SeatView(msgspec.Struct, frozen=True, kw_only=True):
    """A seat; what stands after ``audio_locked`` is there only while it is occupied."""

    index: int
    status: Literal["empty", "occupied"]
    locked: bool
    audio_locked: bool
    participation_id: str | UnsetType = UNSET
    user: UserView | UnsetType = UNSET
    mic_on: bool | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    link: Link | UnsetType = UNSET
    since: int | UnsetType = UNSET


class StateView(msgspec.Struct, frozen=True, kw_only=True):
    """The ``state`` document as a reader gets it."""

    session: SessionView | None
    seat_mode: SeatMode
    owner_seat: int = OWNER_SEAT
    seats: tuple[SeatView, ...]


def project(state: State, view: View) -> StateView:
    """Choose what one view shows of a room; O(seats)."""
    return StateView(
        session=_session(state, view),
        seat_mode=state.seat_mode,
        seats=tuple(_seat(state, index, seat, view) for index, seat in enumerate(state.seats)),
    )


def mask(nickname: str) -> str:
    """Hide a nickname but for its first character."""
    return f"{nickname[:1]}*"


def _session(state: State, view: View) -> SessionView | None:
    session = state.session
    if session is None:
        return None
    return SessionView(
        session_id=session.session_id,
        kind=session.kind,
        owner_id=state.owner_id if view == "member" else UNSET,
        started_at=session.started_at_ms,
    )


def _seat(state: State, index: int, seat: Seat, view: View) -> SeatView:
    occupant = seat.occupant
    if occupant is None:
        return SeatView(
            index=index, status="empty", locked=seat.locked, audio_locked=seat.audio_locked
        )
    member = view == "member"
    return SeatView(
        index=index,
        status="occupied",
        locked=seat.locked,
        audio_locked=seat.audio_locked,
        participation_id=occupant.participation_id if member else UNSET,
        user=_user(state, occupant, view),
        mic_on=occupant.mic_on,
        muted=occupant.person.user_id in state.muted_users,
        link=occupant.link,
        since=occupant.since_ms if member else UNSET,
    )


def _user(state: State, occupant: Participation, view: View) -> UserView:
    person = occupant.person
    if view == "anonymous":
        return UserView(nickname=mask(person.nickname))
    return UserView(
        user_id=person.user_id,
        nickname=person.nickname,
        avatar=person.avatar,
        role=state.rank_of(person.user_id),
    )


MAX_LISTED: Final = 100


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """Who is to sit, as owner and admins see them."""

    user_id: str
    nickname: str
    avatar: str


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits, as owner and admins see it; ``seat_index`` is null for any seat."""

    request_id: str
    kind: RequestKind
    user: PersonView
    seat_index: int | None
    by: str
    created_at: int
    expires_at: int


def project_requests(requests: Requests) -> tuple[RequestView, ...]:
    """Choose what owner and admins see: the oldest ``MAX_LISTED``."""
    return tuple(_request(item) for item in requests.items[:MAX_LISTED])


def _request(item: SeatRequest) -> RequestView:
    return RequestView(
        request_id=item.request_id,
        kind=item.kind,
        user=_person(item.person),
        seat_index=item.seat_index,
        by=item.by,
        created_at=item.created_at_ms,
        expires_at=item.expires_at_ms,
    )


def _person(person: Person) -> PersonView:
    return PersonView(user_id=person.user_id, nickname=person.nickname, avatar=person.avatar)
