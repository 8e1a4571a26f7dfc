"""A fixed address in front of a server that may change, and a line that may be held up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Forwarder:
    """Passes TCP connections on to a port of this machine."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._flows = asyncio.Event()
        self._flows.set()
        self._carriers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def hold(self) -> None:
        """Let nothing through from now on: both ends stay connected and hear nothing."""
        self._flows.clear()

    async def switch(self, target: int) -> None:
        """Cut every connection; those that come next go elsewhere."""
        self._target = target
        await self._cut()

    async def _cut(self) -> None:
        carriers = tuple(self._carriers)
        for carrier in carriers:
            carrier.cancel()
        await asyncio.gather(*carriers, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrier = asyncio.create_task(self._carry(reader, writer))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(back)
            ways = [
                asyncio.create_task(self._pump(reader, back)),
                asyncio.create_task(self._pump(there, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # nobody listens there now: whoever came sees the connection end
        finally:
            for end in ends:
                end.transport.abort()
                with suppress(OSError):
                    await end.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            part = await reader.read(65536)
            await self._flows.wait()
            if not part:
                return
            writer.write(part)
            await writer.drain()

    @classmethod
    @asynccontextmanager
    async def to(cls, target: int) -> AsyncIterator[Forwarder]:
        """Listen on a free port; nothing of it is left afterwards."""
        forwarder = cls(target)
        forwarder._server = await asyncio.start_server(forwarder._accept, "127.0.0.1", 0)
        try:
            yield forwarder
        finally:
            forwarder._server.close()
            await forwarder._cut()
            await forwarder._server.wait_closed()
