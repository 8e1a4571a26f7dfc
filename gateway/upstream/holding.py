"""One document of an upstream as it is held, and what an answer makes of it; pure."""

from __future__ import annotations

import hashlib
from typing import Final, Literal, NamedTuple

from gateway.upstream.answers import Confirmed, Whole
from gateway.upstream.contents import Content, read_content
from gateway.upstream.faults import UpstreamFault
from gateway.upstream.lifetimes import Lifetime
from room.snapshot import External, StoredDocument

FORMS: Final = 5
"""Of what is held there are so many copies at most: data, snapshot, frame, event, gzip."""

Outcome = Literal["changed", "same", "stale"]


class Holding(NamedTuple):
    """A document, how it was sent, and how long it may be believed."""

    edition: External
    ts_ms: int | None
    """As the upstream says; None: it does not."""
    etag: str | None
    digest: bytes
    """SHA-256 of the body that it came in."""
    lifetime: Lifetime
    confirmed_at_s: float

    @property
    def cost_bytes(self) -> int:
        """Memory, roughly and at most."""
        return 1024 + FORMS * len(self.edition.stored.data)


def take(
    key: tuple[str, str], held: Holding | None, answer: Whole | Confirmed, now_s: float, now_ms: int
) -> tuple[Holding, Outcome]:
    """Judge an answer against what is held (PROTOCOL.md 1).

    An older position confirms what is held: the upstream has said it before, and a part of it lags.

    Args:
        key: room and document.
        held: when the question was sent, and since.
        answer: the upstream's.
        now_s: monotonic.
        now_ms: wall clock.

    Returns:
        what to hold from now on, and how it came about.

    Raises:
        UpstreamFault: the answer is no document, or another one at the position that is held.
    """
    if isinstance(answer, Confirmed):
        if held is None:
            raise UpstreamFault("refused")
        lifetime = answer.lifetime or held.lifetime
        return held._replace(lifetime=lifetime, confirmed_at_s=now_s), "same"
    digest = hashlib.sha256(answer.body).digest()
    if held is not None and held.digest == digest:
        return _renewed(held, answer, digest, now_s), "same"
    content = read_content(answer.body)
    if held is None or content.position > held.edition.position:
        edition = External(_document(key, content, now_ms))
        return Holding(
            edition, content.ts_ms, answer.etag, digest, answer.lifetime, now_s
        ), "changed"
    if content.position < held.edition.position:
        return held._replace(lifetime=answer.lifetime, confirmed_at_s=now_s), "stale"
    if (content.fingerprint, content.ts_ms) != (held.edition.stored.fingerprint, held.ts_ms):
        raise UpstreamFault("conflict")
    return _renewed(held, answer, digest, now_s), "same"


def _renewed(held: Holding, answer: Whole, digest: bytes, now_s: float) -> Holding:
    return held._replace(
        etag=answer.etag, digest=digest, lifetime=answer.lifetime, confirmed_at_s=now_s
    )


def _document(key: tuple[str, str], content: Content, now_ms: int) -> StoredDocument:
    room, doc = key
    return StoredDocument(
        room=room,
        doc=doc,
        position=content.position,
        ts_ms=now_ms if content.ts_ms is None else content.ts_ms,
        data=content.data,
        fingerprint=content.fingerprint,
    )
