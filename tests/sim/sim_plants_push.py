"""The real parts of the push layer with one planted bug each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sim_plants import ENDS, LEVEL, Plant, plant

from gateway.push.audience import Audience, Member, _ToAll
from gateway.push.conversation import Conversation
from gateway.push.hub import Hub
from gateway.push.mailbox import BEYOND, Key, Line, Mailbox
from gateway.push.stay import Failures, Stay
from gateway.push.sweep import Course, Sweep
from room.position import Position
from room.snapshot import Snapshot, Stored


def staying(kind: type[Stay]) -> type[Conversation]:
    """Give a conversation whose stays are of a kind."""

    class Planted(Conversation):
        __slots__ = ()

        def _follow(
            self, room: str, docs: Sequence[str], have: Mapping[str, Position], failures: Failures
        ) -> None:
            if self._stays.get(room) is None and not self._is_closed:
                stay = kind(self._node, room, self.bearer, self.mailbox, self)
                stay.enter()
                self._stays.add(stay)
            super()._follow(room, docs, have, failures)

    return Planted


def lined(kind: type[Line]) -> type[Stay]:
    """Give a stay whose lines are of a kind."""

    class Planted(Stay):
        __slots__ = ()

        def _follow(self, doc: str, holds: Position | None) -> None:
            super()._follow(doc, holds)
            line = self._line(doc)
            if line is not None:
                line.__class__ = kind

    return Planted


class FollowsAfterReading(Stay):
    """Sends what there is, and follows a moment later."""

    __slots__ = ()

    def _follow(self, doc: str, holds: Position | None) -> None:
        super()._follow(doc, holds)
        line, hub = self._line(doc), self._node.hub
        assert line is not None
        hub.unfollow(line.key, line)

        def follow() -> None:
            if line.newest is not BEYOND:
                hub.follow(line.key, line)

        asyncio.get_running_loop().call_later(0.05, follow)


class StaysInAudience(Stay):
    """Leaves without saying so."""

    __slots__ = ()

    def leave(self) -> None:
        for line in tuple(self._lines):
            self._end(line)


class HearsPolicyOnce(Stay):
    """Is not told when its standing changes."""

    __slots__ = ()

    def hear_standing(self, stored: Stored) -> None:
        """Say nothing."""


class KeepsReading(Stay):
    """Goes on to send requests to who was an admin once."""

    __slots__ = ()

    def hear_standing(self, stored: Stored) -> None:
        self._tell_policy(stored)


class TakesAnything(Line):
    """Sends positions that the reader is past."""

    __slots__ = ()

    def offer(self, snapshot: Snapshot) -> bool:
        if self.newest is not BEYOND:
            self.newest = None
        return super().offer(snapshot)


class NeverEnds(Line):
    """Lets go of what waits, and brings what still comes by."""

    __slots__ = ()

    def end(self) -> None:
        self.mailbox.drop(self)


class KeepsTheFirst(Mailbox):
    """Keeps the snapshot that came first while the socket takes nothing."""

    __slots__ = ()

    def keep(self, line: Line, snapshot: Snapshot) -> None:
        if self._pending is None or line not in self._pending:
            super().keep(line, snapshot)


class OpensWithoutTheRest(Mailbox):
    """Lets new things out while older ones still wait."""

    __slots__ = ()

    def open(self) -> None:
        super().open()
        self.is_open = True


class NeverUnfollows(Hub):
    """Keeps the lines of those who left."""

    def unfollow(self, key: Key, follower: Any) -> None:
        """Keep it."""


class ForgetsTheSecondPass(Sweep):
    """Takes a pass that was overtaken for one that has brought the newest to everybody."""

    def _end(self, course: Course[Any], now_s: float) -> None:
        course.again = False
        super()._end(course, now_s)


class ForgetsWhileItRests(Sweep):
    """Forgets a course that was started while it rested."""

    def _begin_after(self, course: Course[Any], wait_s: float) -> None:
        if wait_s <= 0:
            self._begin(course)
        else:
            course.is_under_way = False


class ToWhoeverWasThere(_ToAll):
    """Tells those too who left since the pass began."""

    __slots__ = ()

    def visit(self, some: Sequence[Member]) -> int:
        for member in some:
            if self.message is not None:
                member.mailbox.say_latest(self.slot, self.message)
            if self.stored is not None:
                member.hear_standing(self.stored)
        return 0


class TellsWhoLeft(Audience):
    """Does not look who is still there."""

    def _course(self, here: Any, slot: str) -> _ToAll:
        course = super()._course(here, slot)
        course.__class__ = ToWhoeverWasThere
        return course


class EntersThoughClosed(Conversation):
    """Enters a room that was read for it though its peer left meanwhile."""

    __slots__ = ()

    def _follow(
        self, room: str, docs: Sequence[str], have: Mapping[str, Position], failures: Failures
    ) -> None:
        self._is_closed = False
        super()._follow(room, docs, have, failures)


RISES: Final = "positions on one connection rise"
FOLLOWED: Final = "what is brought is followed"
IN_ROOM: Final = "a room is heard by those in it"
EVEN: Final = "a node is level with the store"
GONE: Final = "nothing is carried to who left"

PUSH_TRAFFIC_PLANTS: Final[dict[str, Plant]] = {
    "mailbox opens before it is empty": plant(
        200, RISES, ENDS, LEVEL, EVEN, mailbox=OpensWithoutTheRest
    ),
    "sweep forgets those before it was overtaken": plant(
        450, ENDS, LEVEL, EVEN, sweep=ForgetsTheSecondPass
    ),
    "sweep forgets what came while it rested": plant(
        450, ENDS, LEVEL, EVEN, sweep=ForgetsWhileItRests
    ),
}
PUSH_PLANTS: Final[dict[str, Plant]] = {
    "read, then follow": plant(1000, ENDS, LEVEL, conversation=staying(FollowsAfterReading)),
    "listeners stay behind": plant(
        20, "the audience is empty", IN_ROOM, conversation=staying(StaysInAudience)
    ),
    "closed conversation enters a room": plant(
        200, "the audience is empty", "the hub is empty", conversation=EntersThoughClosed
    ),
    "policy is told once": plant(
        100, "the last policy heard is in force", conversation=staying(HearsPolicyOnce)
    ),
    "line takes an older position": plant(20, RISES, conversation=staying(lined(TakesAnything))),
    "line brings after its end": plant(
        1000, RISES, FOLLOWED, GONE, conversation=staying(lined(NeverEnds))
    ),
    "mailbox keeps the older snapshot": plant(200, ENDS, mailbox=KeepsTheFirst),
    "hub keeps who left": plant(20, "the hub is empty", FOLLOWED, hub=NeverUnfollows),
    "audience tells those who left": plant(1000, IN_ROOM, GONE, audience=TellsWhoLeft),
}
