"""A reader: several roads into one reconciler, and what it shows."""

from __future__ import annotations

import json
from typing import Any

from sim_referee import Referee

from gateway.bearer import Bearer
from room.position import Position
from room.reconcile import Channel, Reconciler
from room.snapshot import Snapshot
from room.views import View


class Reader:
    """Shows the newest snapshot of one room that any of its channels brought."""

    def __init__(
        self, name: str, room: str, bearer: Bearer, reconciler: Reconciler, referee: Referee
    ) -> None:
        self.name = name
        self.room = room
        self.bearer = bearer
        self._reconciler = reconciler
        self._referee = referee
        self.shown: tuple[Position, View] | None = None
        self.policy: tuple[str, ...] | None = None
        """What the gateway last said that this reader may send."""

    @property
    def position(self) -> Position | None:
        """Where the reader stands."""
        return None if self.shown is None else self.shown[0]

    def receive(self, snapshot: Snapshot, channel: Channel) -> None:
        """Take a snapshot from a channel; positions shown only rise."""
        self._referee.check_body(snapshot)
        position, view = snapshot.position, snapshot.view
        verdict = self._reconciler.offer(snapshot.doc, position, view, channel)
        self._referee.saw(self.name, channel, position, view, verdict)
        if not verdict.shows:
            return
        if self.shown is not None:
            held, held_view = self.shown
            refines = position == held and (view, held_view) == ("member", "anonymous")
            rule = "no reader shows an older position after a newer"
            self._referee.check(position > held or refines, rule, self.name, held, position)
        self.shown = (position, view)

    def hear(self, message: bytes) -> dict[str, Any]:
        """Take a message that is no snapshot."""
        heard: dict[str, Any] = json.loads(message)
        if heard["type"] == "policy":
            self.policy = tuple(heard["commands"])
        self._referee.saw(self.name, "heard", heard["type"], heard.get("code", ""))
        return heard
