from __future__ import annotations

import pytest
from push_samples import Bell, Node


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
async def node() -> Node:
    started = Node()
    await started.start()
    return started
