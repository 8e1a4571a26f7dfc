from __future__ import annotations

import pytest
from poller_samples import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
