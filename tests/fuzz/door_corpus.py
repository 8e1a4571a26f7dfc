"""Write the seed corpus of the door: ``python -m tests.fuzz.door_corpus``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.fuzz.door_target import BYTEWISE, LATER, LEAVES, LENT
from tests.unit.gateway_edge.smuggling_corpus import CANARY, CASES, get, post

CORPUS: Final = Path(__file__).parent / "corpus" / "door"
LONGEST: Final = 1000


def seeds() -> Iterator[tuple[str, bytes]]:
    """Give each seed with its name: the cases of smuggling, each in one of the ways to send it."""
    ways = (0, BYTEWISE, LATER, LENT, LATER | BYTEWISE, LENT | BYTEWISE, LENT | LEAVES)
    for raw in (case.raw + CANARY for case in CASES if len(case.raw) <= LONGEST):
        digest = hashlib.sha256(raw).digest()
        yield digest[:8].hex(), bytes((ways[digest[8] % len(ways)], *digest[9:11])) + raw
    for way in ways:
        mixed = get() + post(b"Content-Length: 2", body=b"ab") + get() + get(b"Connection: close")
        yield f"mixed_{way}", bytes((way, 7, 7)) + mixed


def main() -> None:
    """Write every seed; the same bytes each time."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds():
        (CORPUS / name).write_bytes(seed)


if __name__ == "__main__":
    main()
