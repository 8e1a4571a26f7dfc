"""The table of readers: what each finds of our messages, found by the tests, kept in the docs.

``WRITE_READERS=1`` writes the table anew; without it every finding has to be in the table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
TABLE: Final = ROOT / "docs" / "SEI-READERS.md"
EVERY: Final = "every message"
LATER: Final = "all but those before its first remux"
AS_SHOWN: Final = "every message, in the order in which the pictures are shown"
NONE: Final = "none"
MAX_BEHIND: Final = 4
"""Messages that a player may not have come to yet when it is asked."""
_COMMAND: Final = "WRITE_READERS=1 make test ARGS=tests/e2e/sei/test_sei_browsers.py"
_HEAD: Final = f"""# Readers, and what each finds

Made by the tests from players on a running relay: `{_COMMAND}`.
They fail where a line is no longer true. How the messages are written: [SEI.md](SEI.md).

| reader | over | the stream plays | of our messages it finds |
| --- | --- | --- | --- |
"""


def judge(found: Sequence[Hashable], expected: Sequence[Hashable]) -> str:
    """Say how much of what is in the bytes was found; a state that changes marks the place.

    Raises:
        AssertionError: something in the middle is missing, or was never there.
    """
    if not found:
        return NONE
    assert len(set(found)) > 1, "without a change it is not to be seen where the first is missing"
    for first in range(len(expected) - len(found) + 1):
        if list(found) == list(expected[first : first + len(found)]):
            assert len(expected) - len(found) - first <= MAX_BEHIND
            return LATER if first else EVERY
    raise AssertionError(f"{len(found)} were found which are not {len(expected)} in the stream")


def version_of(library: str) -> str:
    """Give name and version of a library for browsers, as it is locked."""
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    return f"{library} {lock['packages'][f'node_modules/{library}']['version']}"


class ReadersTable:
    """Takes what tests found."""

    def __init__(self) -> None:
        self._is_new: Final = os.environ.get("WRITE_READERS") == "1"
        self._rows: Final[dict[tuple[str, str], str]] = {}

    def found(self, reader: str, over: str, finds: str, *, plays: str = "yes") -> None:
        """Note one finding; it has to be in the table, unless that is written anew."""
        row = f"| {reader} | {over} | {plays} | {finds} |"
        before = self._rows.setdefault((reader, over), row)
        assert before == row, f"two engines, two findings: {before} {row}"
        if not self._is_new:
            assert row in TABLE.read_text().splitlines(), f"{TABLE.name} does not say: {row}"

    def end(self) -> None:
        """Write the table if that was asked for."""
        if self._is_new:
            TABLE.write_text(_HEAD + "\n".join(self._rows.values()) + "\n")
