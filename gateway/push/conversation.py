"""One push connection as a plain object: what it follows, what it hears, what it may ask.

A driver feeds it the text of frames and sends what its mailbox holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from gateway.bearer import Bearer
from gateway.metrics import Metrics
from gateway.push.audience import Audience
from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Mailbox
from gateway.retry import hinted
from gateway.rooms import Rooms
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
    Policy,
    Pong,
    Speaking,
    Subscribe,
    Unsubscribe,
    Welcome,
    problem,
    read_client_message,
    request_message,
)
from room.names import check_doc, check_room
from room.policy import allowed_commands, check_readable
from room.position import Position, parse_position
from room.requests_news import pending_for
from room.snapshot import SCHEMA, Stored
from store.port import Clock

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
        presence: Presence,
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
        self._presence = presence
        self._metrics = metrics
        self._clock_ms = clock_ms
        self._home = home
        self._followed: dict[Key, None] = {}
        self._entered: set[str] = set()
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
            except SeatsyncError as error:
                self._say_problem(error)
                return
            try:
                await self._dispatch(message, text)
            except SeatsyncError as error:
                self._say_problem(error, room=getattr(message, "room", None) or self._home)

    def close(self) -> None:
        """Stop following everything."""
        for key in self._followed:
            self._hub.unfollow(key, self.mailbox)
        for room in tuple(self._entered):
            self._leave(room)
        self._followed.clear()
        self._presence.gone(self.conn_id)

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
            case Speaking():
                self._speak(message)

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
            self._metrics.count_command(name, error.code)
            raise

    async def _execute(self, room: str, actor: Actor, request: Request) -> Ack:
        try:
            return await self._rooms.execute(room, actor, request)
        finally:
            self._presence.touch(room, actor.user_id)  # refused or not: they are there

    def _speak(self, message: Speaking) -> None:
        if self.bearer.actor is None:
            raise Unauthenticated("only people on a seat speak")
        room = self._room(message.room)
        self._presence.speak(room, self.bearer.actor.user_id, self.conn_id, on=message.on)

    async def _subscribe(self, message: Subscribe) -> None:
        room = self._room(message.room)
        try:
            have = {doc: parse_position(text) for doc, text in message.have.items()}
            await self._rooms.find(room)
            await self._follow_room(room, message.docs, have)
        except SeatsyncError as error:
            self._say_problem(error, room=room)

    def _unsubscribe(self, message: Unsubscribe) -> None:
        room = self._room(message.room)
        for key in tuple(self._followed):
            if key.room == room and (message.docs is None or key.doc in message.docs):
                self._unfollow(key)
        self._leave_unless_followed(room)

    def _leave_unless_followed(self, room: str) -> None:
        """Be present only in rooms that this connection follows."""
        if not any(key.room == room for key in self._followed):
            self._leave(room)

    async def _follow_room(
        self, room: str, docs: Sequence[str], have: Mapping[str, Position]
    ) -> None:
        """Policy first, then each document; follow before reading, so that no change is missed."""
        if not 1 <= len(docs) <= MAX_DOCS:
            raise InvalidArgument(f"docs names 1 to {MAX_DOCS} documents")
        await self._enter(room)
        for doc in dict.fromkeys(docs):
            try:
                await self._follow(Key(room, check_doc(doc)), have.get(doc))
            except SeatsyncError as error:
                self._say_problem(error, room=room, doc=doc)
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
        try:
            document = await self._rooms.find_document(key.room, key.doc)
        except SeatsyncError as error:
            if error.code != "DOC_NOT_FOUND":
                raise
        else:  # else its first snapshot follows when it is set
            if key in self._followed:  # the right may have gone while it was read
                self.mailbox.offer(document.edition.view(self.mailbox.view))

    async def _enter(self, room: str) -> None:
        """Be present in a room, and hear what concerns the caller there."""
        actor = self.bearer.actor
        is_new = room not in self._entered
        if is_new:
            self._entered.add(room)
            user_id = None if actor is None else actor.user_id
            listener = None if actor is None else self._on_standing
            self._audience.enter(room, user_id, self.mailbox, listener)
        found = await self._rooms.find(room)
        self._tell_policy(found.edition.stored)
        self._tell_requests(found.edition.stored)
        if actor is not None:
            self._presence.touch(room, actor.user_id)
        if is_new:
            self._presence.came(room)
            self._tell_speaking(room)

    def _tell_speaking(self, room: str) -> None:
        speaking = self._presence.speaking(room)
        if speaking is not None:
            self.mailbox.say_latest(("speaking", room), speaking)

    def _on_standing(self, stored: Stored) -> None:
        """Say what the caller may do now, and take away what they may not read any more."""
        self._tell_policy(stored)
        for key in tuple(self._followed):
            if key.room != stored.room:
                continue
            try:
                check_readable(key.doc, stored.state, self.bearer.actor)
            except SeatsyncError as error:
                self._unfollow(key)
                self._say_problem(error, room=key.room, doc=key.doc)

    def _unfollow(self, key: Key) -> None:
        self._hub.unfollow(key, self.mailbox)
        self.mailbox.forget(key)
        del self._followed[key]

    def _tell_policy(self, stored: Stored) -> None:
        """Say what the caller may do, unless they heard of a newer state of the room."""
        room = stored.room
        if stored.position < self._policy_at.get(room, stored.position):
            return
        self._policy_at[room] = stored.position
        commands = allowed_commands(stored.state, self.bearer.actor, self._clock_ms())
        policy = Policy(room=room, view=self.mailbox.view, commands=commands)
        self.mailbox.say_latest(("policy", room), wire.encode(policy))

    def _tell_requests(self, stored: Stored) -> None:
        """Say which requests wait that the caller is a party of."""
        if self.bearer.actor is None:
            return
        owner_id = stored.state.owner_id
        for request in pending_for(stored.requests, self.bearer.actor.user_id, owner_id):
            message = request_message(stored.room, request, owner_id, None)
            slot = (f"request {request.request_id}", stored.room)
            self.mailbox.say_latest(slot, wire.encode(message))

    def _leave(self, room: str) -> None:
        """Be present no more; that they were until now is a sign of life, the last one."""
        if room in self._entered and self.bearer.actor is not None:
            self._presence.touch(room, self.bearer.actor.user_id)
        self._policy_at.pop(room, None)
        self._entered.discard(room)
        self._audience.leave(room, self.mailbox)

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


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
