"""Conditions and codings of a poll: RFC 9110 8.8.3 and 13.1.2 (entity tags), 12.5.3."""

from __future__ import annotations

import re
from typing import Final

from room.snapshot import Snapshot

_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_QUALITY_ZERO: Final = re.compile(r"q=0(?:\.0{0,3})?", re.IGNORECASE)


def entity_tag(snapshot: Snapshot, *, gzipped: bool) -> str:
    """Name a snapshot in one view and coding: ``"<epoch>.<version>[-m][.gz]"``."""
    view = "-m" if snapshot.view == "member" else ""
    return f'"{snapshot.position}{view}{".gz" if gzipped else ""}"'


def matches(if_none_match: str, snapshot: Snapshot) -> bool:
    """Tell whether the reader holds this snapshot; codings of one snapshot are the same to it."""
    if if_none_match.strip() == "*":
        return True
    tags = _TAG.findall(if_none_match)
    return any(entity_tag(snapshot, gzipped=gzipped) in tags for gzipped in (False, True))


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether gzip may be used: named, or covered by ``*``, with a quality above zero."""
    accepted: dict[str, bool] = {}
    for item in accept_encoding.lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        accepted[coding] = not any(_QUALITY_ZERO.fullmatch(part) for part in parameters)
    return accepted.get("gzip", accepted.get("x-gzip", accepted.get("*", False)))
