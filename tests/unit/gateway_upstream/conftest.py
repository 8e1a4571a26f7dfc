from __future__ import annotations

import pytest
from upstream_samples import Bench


@pytest.fixture
async def bench() -> Bench:
    return Bench()
