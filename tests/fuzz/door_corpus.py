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
    short = [case for case in CASES if len(case.raw) <= LONGEST]
    for number, case in enumerate(short):
        raw = case.raw + CANARY
        yield name_of(raw), bytes((ways[number % len(ways)], number % 256, 1)) + raw
    for way in ways:
        mixed = get() + post(b"Content-Length: 2", body=b"ab") + get() + get(b"Connection: close")
        yield f"mixed_{way}", bytes((way, 7, 7)) + mixed


def name_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]


def main() -> None:
    """Write every seed; the same bytes each time."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds():
        (CORPUS / name).write_bytes(seed)


if __name__ == "__main__":
    main()
