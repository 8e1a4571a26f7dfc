from __future__ import annotations

from collections.abc import Iterator

import pytest
from openapi_kit import Stage, running_stage


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """One gateway for all tests of this folder; each test has rooms of its own."""
    with running_stage() as running:
        yield running
