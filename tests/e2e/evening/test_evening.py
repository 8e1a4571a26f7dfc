"""The tour is true: the evening is played against real processes, and docs/TOUR.md is its record.

After a change that is meant, write the tour anew and read what is different in it::

    WRITE_TOUR=1 .venv/bin/pytest tests/e2e/evening
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from evening import play_evening

TOUR = Path(__file__).parents[3] / "docs" / "TOUR.md"
LIMIT_S = 100


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server")
async def test_the_evening_goes_as_the_tour_tells(tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT_S):
        told = await play_evening(tmp_path)
    if os.environ.get("WRITE_TOUR"):
        TOUR.write_text(told)
    assert told == TOUR.read_text()
