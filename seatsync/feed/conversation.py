"""What is said on the push connection of a feed (PROTOCOL.md 6); no socket."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
from msgspec import UNSET

from room import wire
from room.messages import Ping, Problem, Subscribe, Unsubscribe, Welcome
from room.position import Position
from seatsync.errors import SourceEnded
from seatsync.feed.subscriptions import Subscriptions
from seatsync.sources import inbound
from seatsync.sources.source import Arrival, read_arrival
from seatsync.sources.ws import SLACK_S

PING_S: Final = 5.0
"""How often the gateway is asked for a sign of life, so that ages are known to be small."""
_PING_INTERVALS: Final = 2
_LONGEST_SILENCE_S: Final = 300.0


class _About(msgspec.Struct):
    """Which document of which room a message is about."""

    room: str = ""
    doc: str = "state"


_ABOUT: Final = msgspec.json.Decoder(_About)
_PROBLEM: Final = msgspec.json.Decoder(Problem)
_WELCOME: Final = msgspec.json.Decoder(Welcome)
_PING: Final = wire.encode(Ping(id="feed"))


class Host(Protocol):
    """Whoever wants the rooms."""

    def have(self, room: str) -> Position | None:
        """Say what is held of a room."""
        ...

    def welcomed(self) -> None:
        """The gateway lets us in."""
        ...

    def pushed(self, arrival: Arrival) -> None:
        """A snapshot of a room came."""
        ...

    def confirmed(self, room: str) -> None:
        """A room is followed from now on."""
        ...

    def refused(self, room: str, ended: SourceEnded) -> None:
        """A room is not followed, at least for now."""
        ...


class Conversation:
    """Takes what the gateway says and gives what it is to be told; one for each connection.

    Args:
        subscriptions: the rooms that are wanted; shared by one connection after the other.
        host: told of everything.
        welcome_timeout_s: how long the gateway may be silent at first.
        slack_s: how much later than two ping intervals it is given up.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        host: Host,
        *,
        welcome_timeout_s: float,
        slack_s: float = SLACK_S,
    ) -> None:
        self._subscriptions: Final = subscriptions
        self._host: Final = host
        self._slack_s: Final = slack_s
        self._leaving: Final[list[str]] = []
        self.is_welcome = False
        self.silence_s = welcome_timeout_s
        """How long the connection may be silent."""

    def leave(self, room: str) -> None:
        """Want a room no more."""
        if self._subscriptions.remove(room):
            self._leaving.append(room)

    def outgoing(self, now_ms: int) -> list[bytes]:
        """Give what is to be sent now, in order."""
        if not self.is_welcome:
            return []
        messages = [wire.encode(Unsubscribe(room=room)) for room in self._leaving]
        self._leaving.clear()
        messages.extend(map(self._subscribe, self._subscriptions.due(now_ms)))
        return messages

    @property
    def ping(self) -> bytes:
        """The message that asks for a sign of life."""
        return _PING

    def receive(self, body: bytes, now_ms: int) -> None:
        """Take one message.

        Raises:
            SourceEnded: it ends the connection, or is malformed.
        """
        kind = inbound.kind_of(body)
        match kind:
            case "welcome":
                self._welcome(inbound.read(_WELCOME, body))
            case "policy":
                self._confirm(inbound.read(_ABOUT, body).room)
            case "snapshot":
                self._snapshot(inbound.read(_ABOUT, body), body)
            case "error":
                self._refuse(inbound.read(_PROBLEM, body), now_ms)
            case "bye":
                inbound.take("ws", "", kind, body)

    def _welcome(self, welcome: Welcome) -> None:
        pings_s = _PING_INTERVALS * max(0, welcome.ping_ms) / 1000
        self.silence_s = min(pings_s + self._slack_s, _LONGEST_SILENCE_S)
        self.is_welcome = True
        self._host.welcomed()

    def _snapshot(self, about: _About, body: bytes) -> None:
        if about.doc != "state" or about.room not in self._subscriptions:
            return  # of a room that was left a moment ago
        self._host.pushed(read_arrival("ws", about.room, body))
        self._confirm(about.room)

    def _confirm(self, room: str) -> None:
        if self._subscriptions.confirm(room):
            self._host.confirmed(room)

    def _refuse(self, problem: Problem, now_ms: int) -> None:
        room = problem.room
        if isinstance(room, msgspec.UnsetType) or room not in self._subscriptions:
            return
        hint_ms = None if problem.retry_after_ms is UNSET else problem.retry_after_ms
        self._subscriptions.refuse(room, now_ms, hint_ms)
        ended = SourceEnded(
            f"{problem.code}: {problem.message}",
            permanent=not problem.retryable,
            retry_after_ms=hint_ms,
            code=problem.code,
        )
        self._host.refused(room, ended)

    def _subscribe(self, room: str) -> bytes:
        held = self._host.have(room)
        have = {} if held is None else {"state": str(held)}
        return wire.encode(Subscribe(room=room, docs=("state",), have=have))
