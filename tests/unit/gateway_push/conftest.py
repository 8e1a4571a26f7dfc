from __future__ import annotations

import pytest
from push_samples import Node


@pytest.fixture
async def node() -> Node:
    started = Node()
    await started.start()
    return started
