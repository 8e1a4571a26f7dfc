from __future__ import annotations

import subprocess
import sys

import pytest

import seatsync


@pytest.mark.parametrize("name", seatsync.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(seatsync, name) is not None


def test_names_that_are_not_public_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Chair'"):
        _ = seatsync.Chair


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import seatsync", {"aiohttp", "av"}),
        ("from seatsync import Room", {"av", "gateway", "store", "poller"}),
    ],
)
def test_import_loads_no_more_than_it_needs(statement: str, absent: set[str]) -> None:
    program = f"import sys; {statement}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert not absent & set(loaded.stdout.decode().split())
