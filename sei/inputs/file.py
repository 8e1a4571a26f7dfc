"""A file as an input: as fast as it is taken, or an FLV file at the pace of its tags."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

from sei.errors import BadMedia
from sei.flv.tags import FILE_HEADER_BYTES, SIZE_BYTES
from sei.inputs.container import LOOK_BYTES, container_of
from sei.inputs.paced import Piece, TagTimes
from sei.inputs.pacer import Pacer
from sei.source import ContainerName, Opened

_READ_BYTES: Final = 64 * 1024
_BETWEEN_ROUNDS_S: Final = 0.02
"""The step with which ``sei.flv.clock`` joins times that begin again."""


class FileSource:
    """A media file on disk.

    Args:
        path: of the file.
        paced: whether FLV is held back until its time; other containers never are: who demuxes
            them knows their times.
        loop: whether it begins again at its end, and its times with it.
        now_s: the clock that paces.
    """

    def __init__(
        self,
        path: Path,
        *,
        paced: bool = False,
        loop: bool = False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path: Final = path
        self._paced: Final = paced
        self._loop: Final = loop
        self._now_s: Final = now_s

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Open the file.

        Raises:
            BadMedia: it cannot be read, is no regular file, or empty.
        """
        with self._opened() as file:
            head = await _read(file, LOOK_BYTES)
            if not head:
                raise BadMedia(f"{self._path.name} is empty")
            container = container_of(head)
            async with aclosing(self._chunks(file, head, container)) as chunks:
                yield Opened(container, chunks)

    def _opened(self) -> BinaryIO:
        if self._path.exists() and not self._path.is_file():  # to open a pipe would wait for ever
            raise BadMedia(f"{self._path.name} is no file")
        try:
            return self._path.open("rb", buffering=0)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no such name"
            raise BadMedia(f"{self._path.name} cannot be read: {reason}") from error

    async def _chunks(
        self, file: BinaryIO, head: bytes, container: ContainerName
    ) -> AsyncGenerator[bytes, None]:
        file.seek(0)
        if container == "flv" and (self._paced or self._loop):
            begin = int.from_bytes(head[5:FILE_HEADER_BYTES], "big") + SIZE_BYTES
            async with aclosing(self._tags(file, begin)) as tags:
                async for chunk in tags:
                    yield chunk
            return
        while True:
            async with aclosing(read_file(file)) as chunks:
                async for chunk in chunks:
                    yield chunk
            if not self._loop:
                return
            file.seek(0)

    async def _tags(self, file: BinaryIO, begin: int) -> AsyncGenerator[bytes, None]:
        """Give whole tags when they are due; a further round leaves the file header out."""
        times, begins_with_header = TagTimes(), True
        while True:
            pacer, has_tags = Pacer(), False
            while chunk := await _read(file, _READ_BYTES):
                pieces = times.feed(chunk)
                has_tags = has_tags or len(pieces) > begins_with_header
                for wait_s, content in self._due(pieces, pacer):
                    if wait_s > 0:
                        await asyncio.sleep(wait_s)
                    else:
                        yield content
            left = times.end().content  # of a file that is cut off
            if not (self._loop and has_tags):
                yield left
                return
            begins_with_header = False
            await asyncio.sleep(_BETWEEN_ROUNDS_S)
            file.seek(begin)

    def _due(self, pieces: list[Piece], pacer: Pacer) -> Iterator[tuple[float, bytes]]:
        """Give in turns how long to wait, and what is due then; looks at the clock as it goes."""
        ready: list[bytes] = []
        for piece in pieces:
            now_s = self._now_s()
            wait_s = pacer.due_s(piece.time_ms / 1000, now_s) - now_s if self._paced else 0.0
            if wait_s > 0:
                if ready:
                    yield 0.0, b"".join(ready)
                    ready.clear()
                yield wait_s, b""
            ready.append(piece.content)
        if ready:
            yield 0.0, b"".join(ready)


async def read_file(file: BinaryIO) -> AsyncGenerator[bytes, None]:
    """Read a file from where it stands to its end."""
    while chunk := await _read(file, _READ_BYTES):
        yield chunk


async def _read(file: BinaryIO, size: int) -> bytes:
    """Read in a thread; when cancelled, wait for it: nobody may close the file under it."""
    reading = asyncio.ensure_future(asyncio.to_thread(file.read, size))
    try:
        return await asyncio.shield(reading)
    except OSError as error:
        raise BadMedia(f"the file cannot be read: {error.strerror}") from error
    finally:
        if not reading.done():
            await asyncio.wait([reading])
