"""Which requests the front door answers, and which are for the API behind it (PROTOCOL.md 3)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from sys import intern
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from gateway.edge.entries import Entries
from gateway.edge.exchange import Exchange, Responder
from gateway.edge.polls import Polls
from gateway.edge.replies import problem_reply
from room.errors import SeatsyncError
from room.names import is_external

if TYPE_CHECKING:
    from gateway.edge.head import Head

RoomResponder = Callable[[Exchange, str], Coroutine[Any, Any, None] | None]
"""Answers for one room, whose id is decoded and not checked yet."""

READ: Final = ("GET", "HEAD")
READ_OR_SET: Final = ("GET", "HEAD", "PUT")
FOLLOW: Final = ("GET",)
OF_THE_API: Final = frozenset({"commands", "media"})


class Routes:
    """The paths of the front door.

    The responder that is found is good for every request with that very head: a door keeps it for
    as long as the same head comes again.

    Args:
        polls: answer the poll channel.
        entries: answer the start of a page.
        push: opens a WebSocket on one room.
        push_all: opens one over many rooms.
        events: opens a stream of Server-Sent Events.
    """

    def __init__(
        self,
        polls: Polls,
        entries: Entries,
        *,
        push: RoomResponder,
        push_all: Responder,
        events: RoomResponder,
    ) -> None:
        self._polls = polls
        self._push_all = push_all
        self._of_rooms: dict[str, tuple[tuple[str, ...], RoomResponder]] = {
            "push": (FOLLOW, push),
            "events": (FOLLOW, events),
            "entry": (READ, entries.respond),
        }

    def find(self, head: Head) -> Responder | None:
        """Say who answers a request; None: the API behind the door."""
        parts = head.path.split("/")
        if "%" in head.path:
            parts = [unquote(part) for part in parts]
        if parts[:2] != ["", "v1"] or _is_preflight(head):
            return None
        match parts[2:]:
            case ["push"]:
                return self._push_all if head.method in FOLLOW else _refuse(FOLLOW)
            case ["rooms", room, part] if room and part:
                return self._of_room(head, room, part)
        return None

    def _of_room(self, head: Head, room: str, part: str) -> Responder | None:
        if part in self._of_rooms:
            methods, responder = self._of_rooms[part]
            if head.method not in methods:
                return _refuse(methods)
            room = intern(room) if len(room) <= 64 else room
            return lambda exchange: responder(exchange, room)
        if part in OF_THE_API or (head.method == "PUT" and is_external(part)):
            return None
        if head.method not in READ:
            return _refuse(READ_OR_SET if is_external(part) else READ)
        return self._polls.responder(room, part)


def _is_preflight(head: Head) -> bool:
    """Tell whether a browser asks what it may send (WHATWG Fetch 3.2.2); the API answers that."""
    names = (b"origin", b"access-control-request-method")
    return head.method == "OPTIONS" and all(name in head.fields for name in names)


def _refuse(methods: tuple[str, ...]) -> Responder:
    return partial(_not_allowed, ", ".join(methods))


def _not_allowed(allow: str, exchange: Exchange) -> None:
    error = SeatsyncError("that method does nothing here", code="METHOD_NOT_ALLOWED")
    exchange.reply(problem_reply(error, allow))
