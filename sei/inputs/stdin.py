"""Standard input as an input: a pipe, a socket, a terminal or a file."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import BinaryIO, Final

from sei.errors import BadMedia, SourceFailed
from sei.inputs.container import container_of
from sei.inputs.file import read_file
from sei.inputs.head import read_head, with_head
from sei.source import Opened

_READ_BYTES: Final = 64 * 1024


class StdinSource:
    """Standard input. It is read once: what has been read cannot come again.

    It has no stall time-out: no second attempt would find more there.

    Args:
        descriptor: what is read; duplicated, and left open.
    """

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor: Final = descriptor
        self._was_opened = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Begin to read.

        Raises:
            SourceFailed: it ended before it began.
            BadMedia: it was read before, or is closed.
        """
        if self._was_opened:
            raise BadMedia("standard input is over; it cannot begin anew")
        self._was_opened = True
        async with aclosing(self._chunks()) as chunks:
            head = await read_head(chunks)
            yield Opened(container_of(head), with_head(head, chunks))

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
            descriptor = os.dup(self._descriptor)
        except OSError as error:
            raise BadMedia(f"standard input cannot be read: {error.strerror}") from error
        was_blocking = os.get_blocking(descriptor)
        file = os.fdopen(descriptor, "rb", buffering=0)
        try:
            async with aclosing(read_file(file) if is_file else _read_pipe(file)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            file.close()
            os.set_blocking(self._descriptor, was_blocking)  # shared with who gave it to us


async def _read_pipe(file: BinaryIO) -> AsyncGenerator[bytes, None]:
    """Read what cannot be read in a thread: nothing would end that."""
    reader = asyncio.StreamReader(limit=_READ_BYTES)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), file
        )
    except (OSError, ValueError) as error:
        raise BadMedia(f"standard input cannot be read: {error}") from error
    try:
        while chunk := await reader.read(_READ_BYTES):
            yield chunk
    except OSError as error:
        raise SourceFailed(f"standard input broke off: {error.strerror}") from error
    finally:
        transport.close()
