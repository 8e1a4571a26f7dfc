"""One push connection as a plain object: which rooms it is in, what it may ask.

A driver feeds it the text of messages, and its mailbox sends what it says.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.config import MAX_DOCS
from gateway.push.cold import bring, is_at_hand
from gateway.push.mailbox import Mailbox
from gateway.push.stay import Failures, Node, Stay
from gateway.push.stays import Stays
from gateway.retry import hinted
from gateway.tokens.bearer import Bearer
from room import wire
from room.actor import Actor
from room.commands import Request, read_envelope, read_request
from room.errors import InvalidArgument, SeatsyncError, Unauthenticated
from room.messages import (
    Ack,
    Applied,
    Cmd,
    FromClient,
    Ping,
    Pong,
    Speaking,
    Subscribe,
    Unsubscribe,
    Welcome,
    problem,
    read_client_message,
)
from room.names import check_room
from room.position import Position, parse_position
from room.snapshot import SCHEMA

MAX_FOLLOWED: Final = 10_000
"""Documents that one connection may follow."""
MAX_MISSING: Final = 256
"""Times that one connection may have the store asked for a document that is not there."""

Rest = Coroutine[Any, Any, None] | None
"""What has yet to be awaited before the next message is read; None: all is done."""


class Named(msgspec.Struct, frozen=True):
    """What an answer to a command refers to, whatever else is wrong with the command."""

    cmd: Any = None
    cmd_id: Any = None
    room: Any = None


_NAMED: Final = msgspec.json.Decoder(Named)


class Conversation:
    """What one caller says and hears over one connection; no socket, no framework.

    Synchronous as far as what is needed is in memory: only commands, and rooms and documents that
    are cold, are awaited.
    """

    __slots__ = (
        "_home",
        "_is_closed",
        "_missing",
        "_node",
        "_stays",
        "bearer",
        "conn_id",
        "mailbox",
    )

    def __init__(
        self, conn_id: str, bearer: Bearer, mailbox: Mailbox, node: Node, home: str | None = None
    ) -> None:
        self.conn_id: Final = conn_id
        self.bearer: Final = bearer
        self.mailbox: Final = mailbox
        self._node = node
        self._home = home
        self._is_closed = False
        self._missing = 0
        self._stays = Stays()

    def open(self, docs: Sequence[str], have: Mapping[str, Position], ping_ms: int) -> Rest:
        """Welcome the caller and, on a connection of one room, follow its documents.

        Raises:
            RoomNotFound: there is no such room.
            Unavailable: the store is away and the room is not in memory.
            InvalidArgument: too many documents, or none.
        """
        if self._home is None:
            self._welcome(ping_ms)
            return None
        _check_docs(docs)
        if is_at_hand(self._node.rooms, self._home, docs):
            self._welcome(ping_ms)
            self._follow(self._home, docs, have, {})
            return None
        return self._open_cold(self._home, docs, have, ping_ms)

    async def _open_cold(
        self, home: str, docs: Sequence[str], have: Mapping[str, Position], ping_ms: int
    ) -> None:
        failures = await self._read(home, docs)
        self._welcome(ping_ms)
        self._follow(home, docs, have, failures)

    def receive(self, text: bytes) -> Rest:
        """Answer one message; what is wrong with it becomes an ``error``, and nothing ends."""
        self.mailbox.begin_answer()
        rest: Rest = None
        try:
            rest = self._receive(text)
        finally:
            if rest is None:
                self.mailbox.end_answer()
        return None if rest is None else self._finish(rest)

    async def _finish(self, rest: Coroutine[Any, Any, None]) -> None:
        try:
            await rest
        finally:
            self.mailbox.end_answer()

    def close(self) -> None:
        """Leave every room, and enter none any more."""
        self._is_closed = True
        for stay in self._stays.all():
            stay.leave()
            self._stays.drop(stay)
        self._node.presence.gone(self.conn_id)

    def _receive(self, text: bytes) -> Rest:
        try:
            message = read_client_message(text)
        except SeatsyncError as error:
            self._say_problem(error)
            return None
        try:
            return self._dispatch(message, text)
        except SeatsyncError as error:
            self._say_problem(error, room=getattr(message, "room", None) or self._home)
            return None

    def _dispatch(self, message: FromClient, text: bytes) -> Rest:
        match message:
            case Cmd():
                return self._command(text)
            case Subscribe():
                return self._subscribe(message)
            case Unsubscribe():
                self._unsubscribe(message)
            case Ping():
                pong = Pong(id=message.id, server_ts=self._node.clock_ms())
                self.mailbox.say(wire.encode(pong))
            case Applied():
                self._node.metrics.observe_applied(message.channel, message.lag_ms)
            case Speaking():
                self._speak(message)
        return None

    def _welcome(self, ping_ms: int) -> None:
        welcome = Welcome(
            conn_id=self.conn_id, schema=SCHEMA, ping_ms=ping_ms, server_ts=self._node.clock_ms()
        )
        self.mailbox.say(wire.encode(welcome))

    async def _command(self, text: bytes) -> None:
        named = wire.read(_NAMED, text)
        try:
            ack = await self._execute(*self._read_command(text, str(named.cmd)))
        except SeatsyncError as error:
            self._say_problem(error, cmd_id=_text(named.cmd_id), room=_text(named.room))
        else:
            self.mailbox.say(wire.encode(ack))

    def _read_command(self, text: bytes, name: str) -> tuple[str, Actor, Request]:
        """Read a command; one that is not well formed is counted here, the others by the room."""
        try:
            if self.bearer.actor is None:
                raise Unauthenticated("commands need a token")
            envelope = read_envelope(text)
            return self._room(envelope.room), self.bearer.actor, read_request(envelope)
        except SeatsyncError as error:
            self._node.metrics.count_command(name, error.code)
            raise

    async def _execute(self, room: str, actor: Actor, request: Request) -> Ack:
        try:
            return await self._node.rooms.execute(room, actor, request)
        finally:
            self._node.presence.touch(room, actor.user_id)  # refused or not: they are there

    def _speak(self, message: Speaking) -> None:
        if self.bearer.actor is None:
            raise Unauthenticated("only people on a seat speak")
        room = self._room(message.room)
        self._node.presence.speak(room, self.bearer.actor.user_id, self.conn_id, on=message.on)

    def _subscribe(self, message: Subscribe) -> Rest:
        room = self._room(message.room)
        try:
            _check_docs(message.docs)
            have = {doc: parse_position(text) for doc, text in message.have.items()}
            if is_at_hand(self._node.rooms, room, message.docs):
                self._follow(room, message.docs, have, {})
                return None
        except SeatsyncError as error:
            self._say_problem(error, room=room)
            return None
        return self._subscribe_cold(room, message.docs, have)

    async def _subscribe_cold(
        self, room: str, docs: Sequence[str], have: Mapping[str, Position]
    ) -> None:
        try:
            self._follow(room, docs, have, await self._read(room, docs))
        except SeatsyncError as error:
            self._say_problem(error, room=room)

    def _unsubscribe(self, message: Unsubscribe) -> None:
        room = self._room(message.room)
        stay = self._stays.get(room)
        if stay is None:
            return
        stay.unfollow(message.docs)
        self.leave_unless_followed(stay)

    async def _read(self, room: str, docs: Sequence[str]) -> Failures:
        """Bring a room and its documents into memory; what fails of the documents is given back.

        Raises:
            RoomNotFound: there is no such room.
            Unavailable: the store is away and the room is not in memory.
            SeatsyncError: ``RATE_LIMITED``: the store was asked for too much that is not there.
        """
        if self._missing >= MAX_MISSING:
            raise SeatsyncError(
                "this connection asks for documents that are not there", code="RATE_LIMITED"
            )
        failures, missing = await bring(self._node.rooms, room, docs)
        self._missing += missing
        return failures

    def _follow(
        self, room: str, docs: Sequence[str], have: Mapping[str, Position], failures: Failures
    ) -> None:
        """Policy first, then each document."""
        if self._is_closed:  # the peer left while the room was read
            return
        stay = self._stays.get(room)
        if stay is None:
            stay = Stay(self._node, room, self.bearer, self.mailbox, self)
            self._stays.add(stay)
            try:
                stay.enter()
            except BaseException:
                self._stays.drop(stay)
                stay.leave()
                raise
        else:
            stay.greet()
        stay.follow(docs, have, failures, MAX_FOLLOWED - self._stays.followed)
        self.leave_unless_followed(stay)

    def leave_unless_followed(self, stay: Stay) -> None:
        """Be present only in rooms that this connection follows."""
        if not len(stay):
            stay.leave()
            self._stays.drop(stay)

    def _say_problem(self, error: SeatsyncError, **about: str | None) -> None:
        """Say what is wrong; where trying again may help, also when."""
        self.mailbox.say(wire.encode(problem(hinted(error), **about)))

    def _room(self, named: str | None) -> str:
        """Name the room that a message means."""
        room = named if named is not None else self._home
        if room is None:
            raise InvalidArgument("say which room: this connection has none of its own")
        if self._home is not None and room != self._home:
            raise InvalidArgument("this connection is for another room")
        return check_room(room)


def _check_docs(docs: Sequence[str]) -> None:
    if not 1 <= len(docs) <= MAX_DOCS:
        raise InvalidArgument(f"docs names 1 to {MAX_DOCS} documents")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
