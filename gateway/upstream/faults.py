"""What may be wrong with an upstream, as readers, the log and the metrics name it."""

from __future__ import annotations

from typing import Final, Literal, Self

from room.errors import SeatsyncError

Reason = Literal[
    "unreachable",
    "slow",
    "failing",
    "broken",
    "refused",
    "redirect",
    "content_type",
    "coded",
    "too_large",
    "bad_json",
    "bad_document",
    "no_position",
    "conflict",
    "open",
]

WORDS: Final[dict[Reason, str]] = {
    "unreachable": "the upstream can't be reached",
    "slow": "the upstream takes too long to answer",
    "failing": "the upstream says that it can't answer now",
    "broken": "the upstream's answer is no HTTP that can be read to its end",
    "refused": "the upstream's answer is neither 200 nor 304 nor 404",
    "redirect": "the upstream's answer is a redirect",
    "content_type": "the upstream's answer is not of a JSON type",
    "coded": "the upstream's answer is compressed",
    "too_large": "the upstream's answer is over 64 KB",
    "bad_json": "the upstream's answer is not JSON in UTF-8",
    "bad_document": "the upstream's answer can't be a document",
    "no_position": "the upstream's answer names no position",
    "conflict": "the upstream gave one position to two documents",
    "open": "the upstream failed several times and is left alone for a moment",
}
"""Titles of 503; nothing about where the upstream is."""

OUTAGES: Final[frozenset[Reason]] = frozenset({"unreachable", "slow", "failing", "broken"})
"""What says that the service is down; of the others each concerns one document of one room."""


class UpstreamFault(SeatsyncError):
    """There is no use for what an upstream answers, if it does; ``reason`` says why."""

    code = "UNAVAILABLE"

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{WORDS[reason]}: {detail}" if detail else WORDS[reason])
        self.reason: Final = reason
        self.detail: Final = detail

    def again(self) -> Self:
        """Give a copy: each reader is told another time to come back."""
        return type(self)(self.reason, self.detail)
