from __future__ import annotations

import pytest
from presence_samples import Node, World


@pytest.fixture
def world() -> World:
    started = World()
    started.open()
    return started


@pytest.fixture
def node(world: World) -> Node:
    return Node(world)
