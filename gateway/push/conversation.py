"""One push connection as a plain object: what it follows, what it hears, what it may ask.

A driver feeds it the text of frames and sends what its mailbox holds.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.bearer import Bearer
from gateway.metrics import Metrics
from gateway.push.audience import Audience, Listener
from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Mailbox
from gateway.rooms import Rooms
from room import wire
from room.commands import read_envelope, read_request
from room.errors import InvalidArgument, SeatsyncError, Unauthenticated
from room.messages import (
    Applied,
    Cmd,
    FromClient,
    Ping,
    Policy,
    Pong,
    Subscribe,
    Unsubscribe,
    Welcome,
    problem,
    read_client_message,
)
from room.names import check_doc, check_room
from room.policy import allowed_commands, check_readable
from room.position import Position, parse_position
from room.snapshot import SCHEMA, Stored
from store.port import Clock

log = logging.getLogger(__name__)

MAX_DOCS: Final = 64
"""Documents that one request may name."""
MAX_FOLLOWED: Final = 10_000
"""Documents that one connection may follow."""


class Named(msgspec.Struct, frozen=True):
    """What an answer to a command refers to, whatever else is wrong with the command."""

    cmd: Any = None
    cmd_id: Any = None
    room: Any = None


_NAMED: Final = msgspec.json.Decoder(Named)


class Conversation:
    """What one caller says and hears over one connection; no socket, no framework."""

    def __init__(
        self,
        conn_id: str,
        bearer: Bearer,
        mailbox: Mailbox,
        *,
        rooms: Rooms,
        hub: Hub,
        audience: Audience,
        metrics: Metrics,
        clock_ms: Clock,
        home: str | None = None,
    ) -> None:
        self.conn_id: Final = conn_id
        self.bearer: Final = bearer
        self.mailbox: Final = mailbox
        self._rooms = rooms
        self._hub = hub
        self._audience = audience
        self._metrics = metrics
        self._clock_ms = clock_ms
        self._home = home
        self._followed: dict[Key, None] = {}
        self._listeners: dict[str, Listener] = {}
        self._policy_at: dict[str, Position] = {}

    async def open(self, docs: Sequence[str], have: Mapping[str, Position], ping_ms: int) -> None:
        """Welcome the caller and, on a connection of one room, follow its documents.

        Raises:
            RoomNotFound: there is no such room.
            Unavailable: the store is away and the room is not in memory.
        """
        if self._home is not None:
            await self._rooms.find(self._home)
        welcome = Welcome(
            conn_id=self.conn_id, schema=SCHEMA, ping_ms=ping_ms, server_ts=self._clock_ms()
        )
        self.mailbox.say(wire.encode(welcome))
        if self._home is not None:
            await self._follow_room(self._home, docs, have)

    async def receive(self, text: bytes) -> None:
        """Answer one message; what is wrong with it becomes an ``error``, and nothing ends."""
        with self.mailbox.answering():
            try:
                message = read_client_message(text)
                await self._dispatch(message, text)
            except SeatsyncError as error:
                self.mailbox.say(wire.encode(problem(error)))

    def close(self) -> None:
        """Stop following everything."""
        for key in self._followed:
            self._hub.unfollow(key, self.mailbox)
        for room in tuple(self._listeners):
            self._leave_audience(room)
        self._followed.clear()

    async def _dispatch(self, message: FromClient, text: bytes) -> None:
        match message:
            case Cmd():
                await self._command(text)
            case Subscribe():
                await self._subscribe(message)
            case Unsubscribe():
                self._unsubscribe(message)
            case Ping():
                pong = Pong(id=message.id, server_ts=self._clock_ms())
                self.mailbox.say(wire.encode(pong))
            case Applied():
                self._metrics.observe_applied(message.channel, message.lag_ms)
            case _:
                log.debug("speaking is not carried yet", extra={"conn": self.conn_id})

    async def _command(self, text: bytes) -> None:
        named = wire.read(_NAMED, text)
        try:
            if self.bearer.actor is None:
                raise Unauthenticated("commands need a token")
            envelope = read_envelope(text)
            room = self._room(envelope.room)
            request = read_request(envelope)
            ack = await self._rooms.execute(room, self.bearer.actor, request)
        except SeatsyncError as error:
            self._metrics.count_command(str(named.cmd), error.code)
            refusal = problem(error, cmd_id=_text(named.cmd_id), room=_text(named.room))
            self.mailbox.say(wire.encode(refusal))
        else:
            self._metrics.count_command(envelope.cmd, "ok")
            self.mailbox.say(wire.encode(ack))

    async def _subscribe(self, message: Subscribe) -> None:
        room = self._room(message.room)
        try:
            have = {doc: parse_position(text) for doc, text in message.have.items()}
            await self._rooms.find(room)
            await self._follow_room(room, message.docs, have)
        except SeatsyncError as error:
            self.mailbox.say(wire.encode(problem(error, room=room)))

    def _unsubscribe(self, message: Unsubscribe) -> None:
        room = self._room(message.room)
        for key in tuple(self._followed):
            if key.room == room and (message.docs is None or key.doc in message.docs):
                self._hub.unfollow(key, self.mailbox)
                self.mailbox.forget(key)
                del self._followed[key]
        self._leave_unless_followed(room)

    def _leave_unless_followed(self, room: str) -> None:
        """Hear of the caller's standing only in rooms that this connection follows."""
        if not any(key.room == room for key in self._followed):
            self._leave_audience(room)

    async def _follow_room(
        self, room: str, docs: Sequence[str], have: Mapping[str, Position]
    ) -> None:
        """Policy first, then each document; follow before reading, so that no change is missed."""
        if not 1 <= len(docs) <= MAX_DOCS:
            raise InvalidArgument(f"docs names 1 to {MAX_DOCS} documents")
        await self._say_policy(room)
        for doc in dict.fromkeys(docs):
            try:
                await self._follow(Key(room, check_doc(doc)), have.get(doc))
            except SeatsyncError as error:
                self.mailbox.say(wire.encode(problem(error, room=room, doc=doc)))
        self._leave_unless_followed(room)

    async def _follow(self, key: Key, position: Position | None) -> None:
        found = await self._rooms.find(key.room)
        check_readable(key.doc, found.edition.stored.state, self.bearer.actor)
        if key not in self._followed and len(self._followed) >= MAX_FOLLOWED:
            raise InvalidArgument(f"a connection follows {MAX_FOLLOWED} documents at most")
        self.mailbox.forget(key)
        if position is not None:
            self.mailbox.know(key, position)
        self._followed[key] = None
        self._hub.follow(key, self.mailbox)
        if key.doc == "state":
            found = await self._rooms.find(key.room)
            self.mailbox.offer(found.edition.view(self.mailbox.view))

    async def _say_policy(self, room: str) -> None:
        actor = self.bearer.actor
        if actor is not None and room not in self._listeners:
            listener = functools.partial(self._tell_policy, room)
            self._listeners[room] = listener
            self._audience.join(room, actor.user_id, listener)
        found = await self._rooms.find(room)
        self._tell_policy(room, found.edition.stored)

    def _tell_policy(self, room: str, stored: Stored) -> None:
        """Say what the caller may do, unless they heard of a newer state of the room."""
        if stored.position < self._policy_at.get(room, stored.position):
            return
        self._policy_at[room] = stored.position
        commands = allowed_commands(stored.state, self.bearer.actor)
        policy = Policy(room=room, view=self.mailbox.view, commands=commands)
        self.mailbox.say_policy(room, wire.encode(policy))

    def _leave_audience(self, room: str) -> None:
        self._policy_at.pop(room, None)
        listener = self._listeners.pop(room, None)
        if listener is not None and self.bearer.actor is not None:
            self._audience.leave(room, self.bearer.actor.user_id, listener)

    def _room(self, named: str | None) -> str:
        """Name the room that a message means."""
        room = named if named is not None else self._home
        if room is None:
            raise InvalidArgument("say which room: this connection has none of its own")
        if self._home is not None and room != self._home:
            raise InvalidArgument("this connection is for another room")
        return check_room(room)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
