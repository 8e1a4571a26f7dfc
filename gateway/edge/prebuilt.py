"""Answers to polls, each built once per snapshot and shared by everybody who asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from gateway.edge.again import Again
from gateway.edge.replies import Reply, reply_of
from poller import Answer, Found, Freshness, Poll, answer
from poller.answer import gzip_pays
from poller.conditional import entity_tag
from room.snapshot import Published, Snapshot


class Printed(NamedTuple):
    """An answer as bytes."""

    status: int
    reply: Reply


class Forms:
    """The answers of one fresh snapshot, by what is asked; it must not hold the snapshot."""

    __slots__ = ("_coded", "_plain", "_position", "_zips", "interval_ms", "printed")

    def __init__(self, snapshot: Snapshot, interval_ms: int) -> None:
        self.interval_ms: Final = interval_ms
        self.printed: Final[dict[str | bool | None, Printed]] = {}
        self._position = snapshot.position
        self._plain = entity_tag(snapshot, gzipped=False)
        self._coded = entity_tag(snapshot, gzipped=True)
        self._zips: bool | None = None

    def variant(self, poll: Poll, snapshot: Snapshot) -> str | bool | None:
        """Name the answer to a poll: a tag of 304, whether 200 is coded, or None of 204."""
        if poll.after is not None and self._position <= poll.after:
            return None
        coded = poll.gzip and self._pays(snapshot)
        conditions = poll.conditions
        if not (conditions.tags or conditions.any):
            return coded
        tags = (self._coded, self._plain) if coded else (self._plain, self._coded)
        held = conditions.held(*tags)
        return coded if held is None else held

    def _pays(self, snapshot: Snapshot) -> bool:
        if self._zips is None:
            self._zips = gzip_pays(snapshot)
        return self._zips


class Prebuilt:
    """Answers by snapshot; they go with it.

    Args:
        pace: how often a reader should ask from now on, in ms; may change at any time.
    """

    def __init__(self, pace: Callable[[], int]) -> None:
        self._pace = pace
        self._forms: WeakKeyDictionary[Snapshot, Forms] = WeakKeyDictionary()

    def __len__(self) -> int:
        """Count the snapshots with answers."""
        return len(self._forms)

    def answer(self, found: Found[Published], poll: Poll) -> Printed:
        """Give the answer to a poll; one that is not fresh is built for its moment."""
        if found.freshness is not Freshness.HIT:
            return _print(answer(found, poll, self._pace()))
        snapshot = found.edition.view(poll.view)
        forms = self._forms_of(snapshot)
        variant = forms.variant(poll, snapshot)
        printed = forms.printed.get(variant)
        if printed is None:
            printed = forms.printed[variant] = _print(answer(found, poll, forms.interval_ms))
        return printed

    def again(
        self, found: Found[Published], poll: Poll, era: int, counts: Counter[tuple[int, str]]
    ) -> Again | None:
        """Give what answers the same request for the rest of an era; None: nothing may.

        Args:
            found: what was answered.
            poll: what was asked.
            era: of the tick.
            counts: of answers.
        """
        source = found.source
        if source is None:
            return None
        snapshot = found.edition.view(poll.view)
        forms = self._forms_of(snapshot)
        variant = forms.variant(poll, snapshot)
        key = (snapshot.doc, snapshot.view, variant)
        again: Again | None = source.memo.get(key)
        if again is None or again.era != era:
            kind = (forms.printed[variant].status, found.freshness.value)
            again = source.memo[key] = Again(source, era, counts, kind)
        return again

    def _forms_of(self, snapshot: Snapshot) -> Forms:
        interval_ms = self._pace()
        forms = self._forms.get(snapshot)
        if forms is None or forms.interval_ms != interval_ms:
            forms = self._forms[snapshot] = Forms(snapshot, interval_ms)
        return forms


def _print(given: Answer) -> Printed:
    return Printed(given.status, reply_of(*given))
