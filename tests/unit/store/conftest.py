from __future__ import annotations

from pathlib import Path

import pytest
from sqlite_samples import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rooms.db"
