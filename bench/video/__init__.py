"""Video: CPU of an injection beside ffmpeg, and what a signature costs."""

from __future__ import annotations

from collections.abc import Iterable

from bench.measure import Row
from bench.video import files, flv, signing


def rows() -> Iterable[Row]:
    """Measure."""
    yield from flv.rows()
    yield from files.rows()
    yield from signing.rows()
