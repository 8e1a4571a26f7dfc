"""A reader: several roads into one reconciler, and what it shows."""

from __future__ import annotations

import json
from typing import Any

from sim_referee import Referee
from sim_wire import Item, Wire

from gateway.tokens.bearer import Bearer
from room.messages import Bye
from room.position import Position
from room.reconcile import Channel, Reconciler
from room.snapshot import Snapshot
from room.views import View


class Reader:
    """Shows the newest snapshot of each document of one room that any of its channels brought."""

    def __init__(
        self,
        name: str,
        room: str,
        bearer: Bearer,
        reconciler: Reconciler,
        referee: Referee,
        docs: tuple[str, ...] = ("state",),
    ) -> None:
        self.name = name
        self.room = room
        self.bearer = bearer
        self.docs = docs
        self._reconciler = reconciler
        self._referee = referee
        self.shown: dict[str, tuple[Position, View]] = {}
        self.policy: tuple[str, ...] | None = None
        """What the gateway last said that this reader may send."""
        self.wire: Wire | None = None
        """The connection that is open, from when it was told all that it missed."""
        self.connected_at_ms = 0
        self.requests: dict[str, str | None] = {}
        """What this connection heard of requests: the outcome, or None while they wait."""
        self.online: int | None = None

    @property
    def position(self) -> Position | None:
        """Where the reader stands with ``state``."""
        return self.at("state")

    def at(self, doc: str) -> Position | None:
        """Where the reader stands with a document."""
        shown = self.shown.get(doc)
        return None if shown is None else shown[0]

    def have(self) -> dict[str, Position]:
        """Name what is shown."""
        return {doc: position for doc, (position, _) in self.shown.items()}

    def begin(self, wire: Wire, now_ms: int) -> None:
        """A connection is open."""
        self.wire, self.connected_at_ms = wire, now_ms

    def end(self) -> None:
        """It is open no longer."""
        self.wire, self.online = None, None
        self.requests.clear()

    def receive(self, snapshot: Snapshot, channel: Channel) -> None:
        """Take a snapshot from a channel; positions shown only rise."""
        self._referee.check_body(snapshot)
        doc, position, view = snapshot.doc, snapshot.position, snapshot.view
        verdict = self._reconciler.offer(doc, position, view, channel)
        self._referee.saw(self.name, channel, doc, position, view, verdict)
        if not verdict.shows:
            return
        if doc in self.shown:
            held, held_view = self.shown[doc]
            refines = position == held and (view, held_view) == ("member", "anonymous")
            rule = "no reader shows an older position after a newer"
            self._referee.check(position > held or refines, rule, self.name, doc, held, position)
        self.shown[doc] = (position, view)

    def take(self, item: Item) -> bool:
        """Take what a connection brought; False at its end."""
        if isinstance(item, Snapshot):
            self.receive(item, "ws")
        elif not isinstance(item, Bye):
            self.hear(item.body)
        return not isinstance(item, Bye)

    def hear(self, message: bytes) -> dict[str, Any]:
        """Take a message that is no snapshot."""
        heard: dict[str, Any] = json.loads(message)
        if heard["type"] == "policy":
            self.policy = tuple(heard["commands"])
        elif heard["type"] == "online":
            self.online = heard["count"]
        elif heard["type"] == "request":
            request = heard["request"]
            self.requests[request["request_id"]] = request.get("outcome")
        detail = heard.get("code") or heard.get("request", "")
        self._referee.saw(self.name, "heard", heard["type"], detail)
        return heard
