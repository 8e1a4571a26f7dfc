"""The first bytes of an input, read before it is decided who takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sei.errors import SourceFailed
from sei.inputs.container import LOOK_BYTES


async def read_head(chunks: AsyncIterator[bytes]) -> bytes:
    """Read until a container can be told, or to the end.

    Raises:
        SourceFailed: the input is empty.
    """
    head = bytearray()
    async for chunk in chunks:
        head += chunk
        if len(head) >= LOOK_BYTES:
            break
    if not head:
        raise SourceFailed("the input ended before it began")
    return bytes(head)


async def with_head(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give what was read, then the rest; who made ``chunks`` closes it."""
    yield head
    async for chunk in chunks:
        yield chunk
