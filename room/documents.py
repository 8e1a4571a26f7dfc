"""What a room is made of: frozen values, private facts included.

Nothing here is ever sent as it is: what a reader sees is chosen field by field in ``room.views``.
Stores write these values as JSON and leave out what is as by default, so a default that is changed
changes rooms that were written before. Words and rules: DOMAIN.md 1 and 2.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Kind = Literal["voice", "video"]
SeatMode = Literal["free", "apply", "invite"]
Rank = Literal["owner", "admin", "member"]
Link = Literal["ok", "weak", "lost"]
EndReason = Literal[
    "left",
    "kicked",
    "banned",
    "replaced",
    "seat_removed",
    "lease_expired",
    "moderated",
    "session_ended",
]
RequestKind = Literal["apply", "invite"]
Outcome = Literal["accepted", "rejected", "cancelled", "expired", "failed"]

OWNER_SEAT: Final = 0
SEAT_COUNT_BY_KIND: Final[dict[Kind, int]] = {"voice": 9, "video": 5}


class Person(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who sits on a seat, as the token described them when they sat down."""

    user_id: str
    nickname: str
    avatar: str


class Participation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One user's one stay on a seat; it keeps its id when the user moves to another seat."""

    participation_id: str
    person: Person
    since_ms: int
    mic_on: bool = False
    """The occupant's own wish; whether anybody hears them also needs both mutes to be off."""
    link: Link = "ok"


class Seat(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A numbered place; its index is where it stands in ``State.seats``."""

    locked: bool = False
    audio_locked: bool = False
    """Muted by an admin for whoever sits here."""
    occupant: Participation | None = None


class Session(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One interactive show in a room."""

    session_id: str
    kind: Kind
    started_at_ms: int
    empty_since_ms: int | None = None
    """Since when nobody has been seated; None while somebody is."""


class Cooldown(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A kicked user may not take a seat before ``until_ms``."""

    user_id: str
    until_ms: int


class Ban(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A user who may send nothing in this room; None: until somebody lifts it."""

    user_id: str
    until_ms: int | None = None

    def holds_at(self, now_ms: int) -> bool:
        """Tell whether the ban is in force."""
        return self.until_ms is None or now_ms < self.until_ms


class State(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The ``state`` document of a room, with the private facts that change with it.

    ``seats`` is empty and ``muted_users`` and ``cooldowns`` too while ``session`` is None; admins
    and bans outlast sessions.
    """

    owner_id: str
    kind: Kind = "voice"
    """What a session is where ``session.start`` does not say."""
    seat_count: int | None = None
    """Seats of a session where ``session.start`` does not say; None: by kind."""
    room_seat_mode: SeatMode = "free"
    """Mode of a session where ``session.start`` does not say."""
    seat_mode: SeatMode = "free"
    """Mode in force now."""
    admins: tuple[str, ...] = ()
    session: Session | None = None
    seats: tuple[Seat, ...] = ()
    muted_users: tuple[str, ...] = ()
    """Muted persons of this session, seated or not; the mute follows them to any seat."""
    cooldowns: tuple[Cooldown, ...] = ()
    bans: tuple[Ban, ...] = ()

    def rank_of(self, user_id: str) -> Rank:
        """Give the room rank of a user: owner over admin over member."""
        if user_id == self.owner_id:
            return "owner"
        return "admin" if user_id in self.admins else "member"

    def seat_of(self, user_id: str) -> int | None:
        """Give the index of the seat that a user holds; O(seats)."""
        for index, seat in enumerate(self.seats):
            if seat.occupant is not None and seat.occupant.person.user_id == user_id:
                return index
        return None

    def seated_users(self) -> frozenset[str]:
        """Name everybody who holds a seat; O(seats)."""
        return frozenset(
            seat.occupant.person.user_id for seat in self.seats if seat.occupant is not None
        )


class SeatRequest(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A wish for a seat that waits for an answer: an application, or an invitation."""

    request_id: str
    kind: RequestKind
    person: Person
    """Who is to sit: the applicant, or the invitee."""
    by: str
    """User id of who made it: the applicant, or the owner or admin who invites."""
    created_at_ms: int
    expires_at_ms: int
    seat_index: int | None = None
    """The seat asked for; None: any."""


class EndedRequest(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A request that was answered, and how; kept for a while so that both parties hear of it."""

    request: SeatRequest
    outcome: Outcome
    at_ms: int


class Requests(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The ``requests`` document of a room: what waits, oldest first, and what ended lately."""

    items: tuple[SeatRequest, ...] = ()
    ended: tuple[EndedRequest, ...] = ()
    """Private; nobody reads it but the two parties, each their own."""
