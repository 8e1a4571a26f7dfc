"""From a snapshot and a conditional request to status, headers and body (PROTOCOL.md 4)."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from poller.cache import Found, Freshness
from poller.conditional import UNCONDITIONAL, Conditions, entity_tag
from room.position import Position
from room.snapshot import Published, Snapshot
from room.views import View

VARY: Final = "Authorization, Accept-Encoding"
CACHE_CONTROL: Final[dict[View, str]] = {
    "anonymous": "public, max-age=1, stale-while-revalidate=4",
    "member": "private, no-cache",
}

Headers = tuple[tuple[str, str], ...]


class Poll(NamedTuple):
    """What one request asks for, free of any framework."""

    view: View
    conditions: Conditions = UNCONDITIONAL
    gzip: bool = False
    """Whether it may be coded."""
    after: Position | None = None


class Answer(NamedTuple):
    """What one request gets."""

    status: int
    headers: Headers
    body: bytes


def answer(found: Found[Published], poll: Poll, interval_ms: int) -> Answer:
    """Decide between 200, 204 and 304.

    Args:
        found: the newest edition, and how it was come by.
        poll: what is asked.
        interval_ms: how often the reader should ask from now on.
    """
    snapshot = found.edition.view(poll.view)
    pace = ("Seatsync-Poll-Ms", str(interval_ms))
    if poll.after is not None and snapshot.position <= poll.after:
        return Answer(204, (("Cache-Control", "no-store"), ("Vary", VARY), pace), b"")
    gzipped = poll.gzip and gzip_pays(snapshot)
    common = (
        ("Cache-Control", CACHE_CONTROL[snapshot.view]),
        ("Vary", VARY),
        ("Cache-Status", cache_status(found)),
        pace,
        *_age(found),
    )
    tag = entity_tag(snapshot, gzipped=gzipped)
    held = poll.conditions.held(tag, entity_tag(snapshot, gzipped=not gzipped))
    if held is not None:
        return Answer(304, (("ETag", held), *common), b"")
    content = _content(snapshot, gzipped=gzipped)
    return Answer(200, (("ETag", tag), *common, *content), _body(snapshot, gzipped))


def gzip_pays(snapshot: Snapshot) -> bool:
    """Tell whether the coded body is the shorter one."""
    return len(snapshot.gzipped) < len(snapshot.body)


def cache_status(found: Found[Published]) -> str:
    """Say where the answer came from (RFC 9211); a negative ttl is the time since it went stale."""
    match found.freshness:
        case Freshness.HIT:
            return "seatsync; hit"
        case Freshness.STALE:
            return f"seatsync; hit; ttl=-{max(1, math.ceil(found.age_s - found.fresh_s))}"
        case Freshness.MISS:
            return "seatsync; fwd=miss"
        case Freshness.COLLAPSED:
            return "seatsync; fwd=miss; collapsed"


def _age(found: Found[Published]) -> Headers:
    if found.freshness is not Freshness.STALE:
        return ()
    return (("Age", str(math.floor(found.age_s))),)


def _content(snapshot: Snapshot, *, gzipped: bool) -> Headers:
    kind = ("Content-Type", "application/json")
    if gzipped:
        return (kind, ("Content-Encoding", "gzip"))
    return (kind, ("Repr-Digest", snapshot.repr_digest))


def _body(snapshot: Snapshot, gzipped: bool) -> bytes:
    return snapshot.gzipped if gzipped else snapshot.body
