"""Answers that are given again, byte for byte, to the same request."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from poller import Cached


class Again:
    """One answer of one era, for every connection that asks for it in the same words.

    It holds while the document is the newest and fresh, and for no longer than its era: once a
    second each connection is looked at in full, its token, its signs of life and its deadlines.

    Args:
        source: what the answer tells, as it is held.
        era: of the tick.
        counts: of answers.
        kind: the one of them that this is.
    """

    __slots__ = ("_counts", "_kind", "era", "source", "whole")

    def __init__(
        self,
        source: Cached[Any],
        era: int,
        counts: Counter[tuple[int, str]],
        kind: tuple[int, str],
    ) -> None:
        self.source: Final = source
        self.era: Final = era
        self.whole = b""
        """Head and body, once they were sent first."""
        self._counts = counts
        self._kind = kind

    def holds(self, era: int, now_s: float) -> bool:
        """Tell whether it may be given again now."""
        source = self.source
        return self.era == era and source.is_newest and now_s <= source.fresh_until_s

    def count(self) -> None:
        """Count it once more."""
        self._counts[self._kind] += 1
