"""Live one life of a source and tell it as a list of words."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from seatsync.errors import SourceEnded
from seatsync.sources.source import Arrival, Source


async def told(source: Source, count: int) -> list[int | str]:
    """Take so many signals, then close: versions, and ``opened`` for signs of life."""
    story: list[int | str] = []
    async with aclosing(source.arrivals()) as signals:
        async for signal in signals:
            is_arrival = isinstance(signal, Arrival)
            story.append(signal.snapshot.position.version if is_arrival else "opened")
            if len(story) == count:
                break
    return story


async def ending(source: Source) -> SourceEnded:
    """Live until the source ends by itself."""
    with pytest.raises(SourceEnded) as caught:
        async for _ in source.arrivals():
            pass
    return caught.value
