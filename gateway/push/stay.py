"""One connection in one room: the documents that it follows there, and what it may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol

from gateway.config import MAX_DOCS
from gateway.metrics.instruments import Metrics
from gateway.push.audience import Audience
from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Line, Mailbox
from gateway.retry import hinted
from gateway.rooms import Rooms
from gateway.tokens.bearer import Bearer
from room import wire
from room.errors import InvalidArgument, RoomNotFound, SeatsyncError
from room.messages import Policy, problem, request_message
from room.names import check_doc, is_external
from room.policy import allowed_commands, check_readable
from room.position import Position
from room.requests_news import pending_for
from room.snapshot import Edition, Encoded, Published, Snapshot, Stored
from room.views import View
from store.port import Clock

Failures = Mapping[str, SeatsyncError]
"""Why documents could not be read, by name."""


class Presence(Protocol):
    """What is known of people beside the documents: who is there, who speaks."""

    def touch(self, room: str, user_id: str) -> None:
        """A user gave a sign of life in a room."""
        ...

    def speak(self, room: str, user_id: str, conn_id: str, *, on: bool) -> None:
        """A user on a seat begins or ends to speak.

        Raises:
            Refused: ``NOT_ON_SEAT``.
        """
        ...

    def gone(self, conn_id: str) -> None:
        """A connection has ended."""
        ...

    def came(self, room: str) -> None:
        """A connection has entered a room, and is to hear how many there are."""
        ...

    def speaking(self, room: str) -> bytes | None:
        """Give the ``speaking`` message of a room; None while nobody speaks."""
        ...


class Node(Protocol):
    """What a connection uses of its node."""

    @property
    def rooms(self) -> Rooms: ...  # noqa: D102 - the type says it

    @property
    def hub(self) -> Hub: ...  # noqa: D102

    @property
    def audience(self) -> Audience: ...  # noqa: D102

    @property
    def presence(self) -> Presence: ...  # noqa: D102

    @property
    def metrics(self) -> Metrics: ...  # noqa: D102

    @property
    def clock_ms(self) -> Clock: ...  # noqa: D102


class Host(Protocol):
    """Whoever keeps the stays of a connection."""

    def leave_unless_followed(self, stay: Stay) -> None:
        """End a stay that follows nothing."""
        ...


class GuardedLine(Line):
    """A line of a document that not everybody may read.

    Rights are lost by the change that a sweep carries: whoever has not heard of it yet is offered
    the document all the same.
    """

    __slots__ = ("_may_read",)

    def __init__(
        self,
        key: Key,
        mailbox: Mailbox,
        holds: Position | None,
        may_read: Callable[[str], bool],
    ) -> None:
        super().__init__(key, mailbox, holds)
        self._may_read = may_read

    def offer(self, snapshot: Snapshot) -> bool:
        """Send a snapshot to somebody who may read it now."""
        return self._may_read(self.key.doc) and super().offer(snapshot)


class Stay:
    """A member of a room's audience; synchronous: the room is in memory when it begins.

    Args:
        node: where this is.
        room: a checked room id, of a room that this node holds.
        bearer: whose connection it is.
        mailbox: of the connection.
        host: told when nothing is followed any more though nobody asked for that.
    """

    __slots__ = ("_bearer", "_host", "_lines", "_node", "_policy_at", "mailbox", "room")

    def __init__(self, node: Node, room: str, bearer: Bearer, mailbox: Mailbox, host: Host) -> None:
        self.room: Final = room
        self.mailbox: Final = mailbox
        self._node = node
        self._bearer = bearer
        self._host = host
        self._lines: tuple[Line, ...] = ()
        self._policy_at: Position | None = None

    @property
    def user_id(self) -> str | None:
        """Whose connection it is; None for a caller without a token."""
        return None if self._bearer.actor is None else self._bearer.actor.user_id

    def __len__(self) -> int:
        """Count the documents that it follows."""
        return len(self._lines)

    def enter(self) -> None:
        """Be present, and hear what concerns the caller.

        Raises:
            RoomNotFound: this node holds no such room any more.
        """
        edition = self._edition()
        self._node.audience.enter(self.room, self)
        self._greet(edition)
        self._node.presence.came(self.room)
        speaking = self._node.presence.speaking(self.room)
        if speaking is not None:
            self.mailbox.say_latest(("speaking", self.room), Encoded(speaking))

    def leave(self) -> None:
        """Be present no more; that they were until now is a sign of life, the last one."""
        for line in tuple(self._lines):
            self._end(line)
        if self.user_id is not None:
            self._node.presence.touch(self.room, self.user_id)
        self._node.audience.leave(self.room, self)

    def greet(self) -> None:
        """Say what the caller may do, and which requests wait for them.

        Raises:
            RoomNotFound: this node holds no such room any more.
        """
        self._greet(self._edition())

    def _greet(self, edition: Edition) -> None:
        stored = edition.stored
        self._tell_policy(stored)
        self._tell_requests(stored)
        if self.user_id is not None:
            self._node.presence.touch(self.room, self.user_id)

    def hear_standing(self, stored: Stored) -> None:
        """Say what the caller may do now, and take away what they may not read any more."""
        if self._policy_at is not None and stored.position < self._policy_at:
            return
        self._tell_policy(stored)
        for line in tuple(self._lines):
            try:
                check_readable(line.key.doc, stored.state, self._bearer.actor)
            except SeatsyncError as error:
                self._end(line)
                self._say_problem(error, line.key.doc)
        if not self._lines:
            self._host.leave_unless_followed(self)

    def follow(
        self, docs: Sequence[str], have: Mapping[str, Position], failures: Failures, left: int
    ) -> None:
        """Follow documents, and send what the reader does not hold; errors are said, not raised.

        Args:
            docs: names, as they were sent.
            have: what the reader holds.
            failures: of those that could not be read just now.
            left: how many more the connection may follow.
        """
        most = min(len(self._lines) + left, MAX_DOCS)
        for doc in dict.fromkeys(docs):
            try:
                if len(self._lines) >= most and self._line(doc) is None:
                    raise InvalidArgument("this connection follows as much as it may")
                self._follow(check_doc(doc), have.get(doc))
                if doc in failures:
                    raise failures[doc]
            except SeatsyncError as error:
                self._say_problem(error, doc)

    def unfollow(self, docs: Sequence[str] | None) -> None:
        """Stop following some documents, or all."""
        for line in tuple(self._lines):
            if docs is None or line.key.doc in docs:
                self._end(line)

    def _follow(self, doc: str, holds: Position | None) -> None:
        """Follow and read in one step, so that no change is missed in between."""
        edition = self._edition()
        check_readable(doc, edition.stored.state, self._bearer.actor)
        known = self._line(doc)
        if known is not None:
            self._end(known)
        line = self._new_line(self._node.hub.key(self.room, doc), holds)
        self._lines += (line,)
        self._node.hub.follow(line.key, line)
        held = edition if doc == "state" else self._held(doc)
        if held is not None:  # else its first snapshot follows when it is set
            line.offer(held.view(line.view))

    def _new_line(self, key: Key, holds: Position | None) -> Line:
        if key.doc == "requests":
            return GuardedLine(key, self.mailbox, holds, self._may_read)
        return Line(key, self.mailbox, holds)

    def _may_read(self, doc: str) -> bool:
        """Tell whether the caller may read a document, by what this node holds now."""
        try:
            check_readable(doc, self._edition().stored.state, self._bearer.actor)
        except SeatsyncError:
            return False
        return True

    def _end(self, line: Line) -> None:
        self._node.hub.unfollow(line.key, line)
        line.end()
        self._lines = tuple(one for one in self._lines if one is not line)

    def _line(self, doc: str) -> Line | None:
        return next((line for line in self._lines if line.key.doc == doc), None)

    def _edition(self) -> Edition:
        held = self._node.rooms.held(self.room)
        if not isinstance(held, Edition):
            raise RoomNotFound(self.room)
        return held

    def _held(self, doc: str) -> Published | None:
        if is_external(doc):
            return self._node.rooms.held(self.room, doc)
        try:
            return self._edition().document(doc)
        except SeatsyncError as error:
            if error.code != "DOC_NOT_FOUND":
                raise
            return None

    def _tell_policy(self, stored: Stored) -> None:
        """Say what the caller may do, unless they heard of a newer state of the room."""
        if self._policy_at is not None and stored.position < self._policy_at:
            return
        self._policy_at = stored.position
        commands = allowed_commands(stored.state, self._bearer.actor, self._node.clock_ms())
        said = _policy(self.room, self.mailbox.view, commands)
        self.mailbox.say_latest(("policy", self.room), said)

    def _tell_requests(self, stored: Stored) -> None:
        """Say which requests wait that the caller is a party of."""
        if self.user_id is None:
            return
        owner_id = stored.state.owner_id
        for request in pending_for(stored.requests, self.user_id, owner_id):
            message = request_message(self.room, request, owner_id, None)
            slot = (f"request {request.request_id}", self.room)
            self.mailbox.say_latest(slot, Encoded(wire.encode(message)))

    def _say_problem(self, error: SeatsyncError, doc: str) -> None:
        """Say what is wrong; where trying again may help, also when."""
        self.mailbox.say(wire.encode(problem(hinted(error), room=self.room, doc=doc)))


@lru_cache(maxsize=4096)
def _policy(room: str, view: View, commands: tuple[str, ...]) -> Encoded:
    """Encode once what all of one standing in a room are told."""
    return Encoded(wire.encode(Policy(room=room, view=view, commands=commands)))
