"""The one rule of every reader: keep the highest position (PROTOCOL.md 1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, NamedTuple

from room.position import Position
from room.views import View

Channel = Literal["ws", "sse", "poll", "sei"]
CHANNELS: Final[tuple[Channel, ...]] = ("ws", "sse", "poll", "sei")


class Verdict(StrEnum):
    """What becomes of a snapshot that arrived."""

    APPLIED = "applied"
    """Newer than what was held."""
    REFINED = "refined"
    """The same position, seen as a member where only the anonymous view was held."""
    DUPLICATE = "duplicate"
    """The position that is held."""
    STALE = "stale"
    """Older than what is held."""
    UNTRUSTED = "untrusted"
    """A newer epoch from an unsigned video: anybody could have written it."""

    @property
    def shows(self) -> bool:
        """Whether the reader shows this snapshot now."""
        return self in (Verdict.APPLIED, Verdict.REFINED)


class Held(NamedTuple):
    """What a reader shows of one document."""

    position: Position
    view: View


class Reconciler:
    """Judges every snapshot of one room, from every channel, in one order.

    Not bound to a clock or a channel: the same calls give the same verdicts.
    """

    def __init__(self) -> None:
        self._held: Final[dict[str, Held]] = {}
        self._trusts_epochs = False
        self.counts: Final[dict[tuple[Channel, Verdict], int]] = {}

    def held(self, doc: str = "state") -> Held | None:
        """Give what is shown of a document now."""
        return self._held.get(doc)

    def offer(
        self,
        doc: str,
        position: Position,
        view: View,
        channel: Channel,
        *,
        signed: bool = False,
    ) -> Verdict:
        """Judge one snapshot and, where it shows, hold it from now on; O(1).

        Args:
            doc: the document.
            position: where the snapshot stands.
            view: what it shows.
            channel: the road it came by.
            signed: a signature over it was verified.
        """
        verdict = self._judge(doc, position, view, channel, signed=signed)
        if channel != "sei":
            self._trusts_epochs = True
        if verdict.shows:
            self._held[doc] = Held(position, view)
        self.counts[channel, verdict] = self.counts.get((channel, verdict), 0) + 1
        return verdict

    def _judge(
        self, doc: str, position: Position, view: View, channel: Channel, *, signed: bool
    ) -> Verdict:
        held = self._held.get(doc)
        if held is None:
            return Verdict.APPLIED
        if position < held.position:
            return Verdict.STALE
        if position == held.position:
            refines = view == "member" and held.view == "anonymous"
            return Verdict.REFINED if refines else Verdict.DUPLICATE
        raises_epoch = position.epoch > held.position.epoch
        if raises_epoch and channel == "sei" and not signed and self._trusts_epochs:
            return Verdict.UNTRUSTED
        return Verdict.APPLIED
