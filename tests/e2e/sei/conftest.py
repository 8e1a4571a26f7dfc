"""Streams that every test here may use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rtmp_peers import nginx_rtmp
from sei_files import (
    encode,
)

__all__ = ["nginx_rtmp", "synthetic"]


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a small stream of a kind once and give its file."""
    folder = tmp_path_factory.mktemp("synthetic")

    def make(kind: str) -> Path:
        path = folder / f"{kind.replace(' ', '_')}.mp4"
        if not path.exists():
            encode(path, kind)
        return path

    return make
