"""Conditions and codings of a poll: RFC 9110 8.8.3 and 13.1.2 (entity tags), 12.5.3."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from room.snapshot import Snapshot

_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_QUALITY_ZERO: Final = re.compile(r"q=0(?:\.0{0,3})?", re.IGNORECASE)


def entity_tag(snapshot: Snapshot, *, gzipped: bool) -> str:
    """Name a snapshot in one view and coding: ``"<epoch>.<version>[-m][.gz]"``."""
    view = "-m" if snapshot.view == "member" else ""
    return f'"{snapshot.position}{view}{".gz" if gzipped else ""}"'


class Conditions(NamedTuple):
    """What a reader says it holds (``If-None-Match``)."""

    any: bool = False
    """Whatever there is: ``*``."""
    tags: frozenset[str] = frozenset()
    """Compared weakly: without ``W/``."""

    def held(self, selected: str, other: str) -> str | None:
        """Give the tag by which the reader holds a snapshot; None if it does not.

        Another coding of the snapshot is as good to the reader as the one that it would get now;
        the answer then names the one it has (RFC 9111 4.3.4).

        Args:
            selected: the tag of what it would get.
            other: the tag of the other coding.
        """
        if self.any or selected in self.tags:
            return selected
        return other if other in self.tags else None


UNCONDITIONAL: Final = Conditions()


def read_conditions(if_none_match: str) -> Conditions:
    """Read an ``If-None-Match``; what is no tag in it is passed over."""
    if not if_none_match:
        return UNCONDITIONAL
    if if_none_match.strip() == "*":
        return Conditions(any=True)
    return Conditions(tags=frozenset(_TAG.findall(if_none_match)))


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether gzip may be used: named, or covered by ``*``, with a quality above zero."""
    accepted: dict[str, bool] = {}
    for item in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        accepted[coding] = not any(_QUALITY_ZERO.fullmatch(part) for part in parameters)
    return accepted.get("gzip", accepted.get("x-gzip", accepted.get("*", False)))
