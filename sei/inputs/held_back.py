"""A source that waits for who writes what it gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from sei.source import ByteSource, Opened


class HeldBack:
    """Gives the chunks of another source, each once the outputs have room.

    Args:
        source: one that may wait: a file, standard input.
        drained: waits until there is room.
    """

    def __init__(self, source: ByteSource, drained: Callable[[], Awaitable[None]]) -> None:
        self._source: Final = source
        self._drained: Final = drained

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Open the other source."""
        async with self._source.open() as opened:
            yield Opened(opened.container, self._chunks(opened.chunks))

    async def _chunks(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
            await self._drained()
