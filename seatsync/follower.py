"""Judges what arrives, whichever channel it came by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from room import wire
from room.position import Position
from room.reconcile import Channel, Reconciler, Verdict
from room.snapshot import Snapshot, StateSnapshot
from room.views import View
from seatsync.sources.source import Arrival

_STATE: Final = msgspec.json.Decoder(StateSnapshot)


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot that arrived, and what became of it."""

    snapshot: Snapshot
    channel: Channel
    verdict: Verdict
    signed: bool = False
    """Whether a trusted key vouches for it, out of the video."""
    lag_ms: int
    """From its commit to its arrival, by the clocks of the server and of this machine."""
    received_at_ms: int
    """Unix time."""

    def state(self) -> StateSnapshot:
        """Decode the document.

        Raises:
            InvalidArgument: it is not of the schema that this client knows.
        """
        return wire.read(_STATE, self.snapshot.body)


class Follower:
    """Keeps the highest position of one room's ``state``, over all channels; no I/O, no clock."""

    def __init__(self, view: View) -> None:
        self._view: Final = view
        self._reconciler: Final = Reconciler()
        self._have: Position | None = None
        self.shown: Update | None = None
        """What a reader shows now."""

    @property
    def counts(self) -> Mapping[tuple[Channel, Verdict], int]:
        """How many arrivals each channel brought, by verdict; a live view."""
        return MappingProxyType(self._reconciler.counts)

    def have(self) -> Position | None:
        """Say which position a server need not send again.

        Only what came from the gateway itself, in the view that it gives this caller: a forged
        video must not make it silent, and an anonymous snapshot must not stand for a member's.
        """
        return self._have

    def judge(self, arrival: Arrival, received_at_ms: int) -> Update:
        """Judge one arrival and, where it shows, show it from now on."""
        snapshot = arrival.snapshot
        verdict = self._reconciler.offer(
            snapshot.doc, snapshot.position, snapshot.view, arrival.channel, signed=arrival.signed
        )
        if arrival.channel != "sei" and snapshot.view == self._view:
            self._have = max(self._have or snapshot.position, snapshot.position)
        update = Update(
            snapshot=snapshot,
            channel=arrival.channel,
            verdict=verdict,
            signed=arrival.signed,
            lag_ms=received_at_ms - snapshot.ts_ms,
            received_at_ms=received_at_ms,
        )
        if verdict.shows:
            self.shown = update
        return update
