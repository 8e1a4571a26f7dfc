"""Every push connection of this node, by room and user: for what is said beside the documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from gateway.push.mailbox import Mailbox
from gateway.push.sweep import Course, Sweep
from room.snapshot import Encoded, Stored


class Member(Protocol):
    """A connection, as those see it who share a room with it."""

    @property
    def user_id(self) -> str | None:
        """Whose it is; None for a caller without a token."""
        ...

    @property
    def mailbox(self) -> Mailbox:
        """Where messages for it go."""
        ...

    def hear_standing(self, stored: Stored) -> None:
        """Learn that what the user may do in a room has changed."""
        ...


class _Room:
    """The connections of one room."""

    __slots__ = ("courses", "members", "users")

    def __init__(self) -> None:
        self.members: dict[Member, None] = {}
        self.users: dict[str, tuple[Member, ...]] = {}
        self.courses: dict[str, _ToAll] = {}


class _ToAll(Course[Member]):
    """Something that a whole room is to hear, of which only the newest matters."""

    __slots__ = ("message", "room", "slot", "stored")

    def __init__(self, room: _Room) -> None:
        super().__init__()
        self.room = room
        self.slot = ("", "")
        self.message: Encoded | None = None
        self.stored: Stored | None = None

    def targets(self) -> Sequence[Member]:
        """Give those who are there now."""
        return tuple(self.room.members)

    def visit(self, some: Iterable[Member]) -> int:
        """Tell those of some who are still there; it counts as no delivery of a document."""
        for member in some:
            if member not in self.room.members:
                continue
            if self.message is not None:
                member.mailbox.say_latest(self.slot, self.message)
            if self.stored is not None:
                member.hear_standing(self.stored)
        return 0

    def rest(self) -> None:
        """Let go of what everybody has heard."""
        self.message = self.stored = None


class Audience:
    """Who is connected where; what is said here is lossy but for what each connection hears last.

    A message has a slot: a later one of the same slot replaces one that was not sent yet.

    Args:
        sweep: brings what a whole room is to hear to its connections, in slices.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._rooms: dict[str, _Room] = {}

    def enter(self, room: str, member: Member) -> None:
        """Add one connection."""
        here = self._rooms.get(room)
        if here is None:
            here = self._rooms[room] = _Room()
        here.members[member] = None
        if member.user_id is not None:
            here.users[member.user_id] = (*here.users.get(member.user_id, ()), member)

    def leave(self, room: str, member: Member) -> None:
        """Remove one connection; unknown ones are fine."""
        here = self._rooms.get(room)
        if here is None or member not in here.members:
            return
        del here.members[member]
        if not here.members:
            del self._rooms[room]
        if member.user_id is not None:
            others = tuple(one for one in here.users[member.user_id] if one is not member)
            if others:
                here.users[member.user_id] = others
            else:
                del here.users[member.user_id]

    def is_present(self, room: str, user_id: str) -> bool:
        """Tell whether a user has a connection here."""
        here = self._rooms.get(room)
        return here is not None and user_id in here.users

    def count(self, room: str) -> int:
        """Count the connections of a room."""
        here = self._rooms.get(room)
        return 0 if here is None else len(here.members)

    def rooms(self) -> Iterable[str]:
        """Name the rooms that somebody is connected to."""
        return tuple(self._rooms)

    def tell(self, stored: Stored, user_ids: Iterable[str] | None) -> None:
        """Tell every connection of these users, or of all in the room, that standings changed."""
        here = self._rooms.get(stored.room)
        if here is None:
            return
        if user_ids is None:
            course = self._course(here, "standing")
            course.stored = stored
            self._sweep.start(course)
            return
        for member in _of(here, user_ids):
            if member in here.members:  # what one is told may make another leave
                member.hear_standing(stored)

    def say(self, room: str, slot: str, message: bytes) -> None:
        """Say something to every connection of a room."""
        here = self._rooms.get(room)
        if here is None:
            return
        course = self._course(here, slot)
        course.slot, course.message = (slot, room), Encoded(message)
        self._sweep.start(course)

    def say_to(self, room: str, user_ids: Iterable[str], slot: str, message: bytes) -> None:
        """Say something to every connection of some users."""
        here = self._rooms.get(room)
        if here is None:
            return
        said = Encoded(message)
        for member in _of(here, user_ids):
            member.mailbox.say_latest((slot, room), said)

    def _course(self, here: _Room, slot: str) -> _ToAll:
        course = here.courses.get(slot)
        if course is None:
            course = here.courses[slot] = _ToAll(here)
        return course


def _of(here: _Room, user_ids: Iterable[str]) -> tuple[Member, ...]:
    return tuple(
        member for user_id in dict.fromkeys(user_ids) for member in here.users.get(user_id, ())
    )
