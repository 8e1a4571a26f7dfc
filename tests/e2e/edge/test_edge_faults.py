"""The table of faults names tests that are there, and leaves none of the faults out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TABLE = (Path(__file__).parent / "faults.md").read_text()
NAMED = sorted(set(re.findall(r"`(test_\w+)`", TABLE)))
FAULTS = [f"F{number}" for number in (*range(21, 27), 28, *range(31, 50))]


@pytest.fixture(scope="module")
def there() -> set[str]:
    """Every test of the tree, by its name."""
    files = Path(__file__).parents[2].rglob("test_*.py")
    pattern = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)
    return {name for file in files for name in pattern.findall(file.read_text())}


def test_every_fault_has_a_row_with_a_test() -> None:
    rows = dict(re.findall(r"^\| (F\d+) \|(.+)\|$", TABLE, re.MULTILINE))
    assert list(rows) == FAULTS
    assert [fault for fault, row in rows.items() if "`test_" not in row] == []


@pytest.mark.parametrize("name", NAMED)
def test_test_of_the_table_is_there(there: set[str], name: str) -> None:
    assert name in there
