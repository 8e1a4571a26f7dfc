"""A signature made and verified, beside Ed25519 of ``cryptography`` alone over the same text."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.core import full_room
from bench.measure import Row, in_turns, microseconds, row
from room.snapshot import encode_state
from sei.wire import base64url
from sei.wire.keys import KeySet
from sei.wire.payload import StreamSnapshot, room_tag
from sei.wire.signature import Signer, signed_text, verify

CALLS = 500


def rows() -> Iterable[Row]:
    """Measure; each run is the median of its calls."""
    snapshot = encode_state(full_room(), "anonymous")
    key = Ed25519PrivateKey.generate()
    signer, public = Signer(key, "bench"), key.public_key()
    keys = KeySet([signer.public])
    place = (snapshot.position, snapshot.ts_ms, snapshot.body)
    signature = signer.sign(snapshot.room, *place)
    found = StreamSnapshot(room_tag(snapshot.room), *place, signature)
    if verify(found, keys) != "valid":
        raise AssertionError("what was signed does not verify")
    text = signed_text(found.room_tag, *place)
    value = base64url.read_exactly(signature.value, 64) or b""
    size = f"a snapshot of {len(snapshot.body):,} bytes"
    raw = in_turns(
        lambda: _median_s(lambda: verify(found, keys)),
        lambda: _median_s(lambda: public.verify(value, text)),
    )
    yield row(f"verify {size}", "Ed25519 of cryptography alone", raw, microseconds)
    raw = in_turns(
        lambda: _median_s(lambda: signer.sign(snapshot.room, *place)),
        lambda: _median_s(lambda: key.sign(text)),
    )
    yield row(f"sign {size}, once a version", "Ed25519 of cryptography alone", raw, microseconds)


def _median_s(work: Callable[[], Any]) -> float:
    """Run something often; gives the median of its wall-clock times in seconds."""
    times = []
    for _ in range(CALLS):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return statistics.median(times)
