"""Put a snapshot into an FLV file: the work that is measured, and a program that does no more.

python bench/video/inject_flv.py SNAPSHOT SOURCE TARGET
"""

from __future__ import annotations

import sys
from pathlib import Path

from sei.flv.filecopy import FlvCopied, copy_flv
from sei.insertion.state import Encoder


def inject(snapshot: bytes, source: Path, target: Path) -> FlvCopied:
    """Put a snapshot into a file as often as a live stream has it."""
    messages = Encoder().messages(snapshot)
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        return copy_flv(reader, writer, lambda _ms: messages)


if __name__ == "__main__":
    snapshot_file, source_file, target_file = map(Path, sys.argv[1:])
    inject(snapshot_file.read_bytes(), source_file, target_file)
