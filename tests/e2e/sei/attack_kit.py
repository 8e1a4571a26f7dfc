"""A relay under attack: origins with a script, and who watches another stream meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from sei.flv.tags import VIDEO, TagParser

PATIENCE_S = 60.0
NOBODY = "http://127.0.0.1:1"
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def origin(speak: Speak) -> AsyncIterator[int]:
    """Serve on a free port; whoever hangs up ends his script alone."""
    scripts: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await speak(reader, writer)
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = asyncio.create_task(serve(reader, writer))
        scripts.add(script)
        script.add_done_callback(scripts.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for script in scripts:
            script.cancel()
        await asyncio.gather(*scripts, return_exceptions=True)
        await server.wait_closed()


async def flood(writer: asyncio.StreamWriter, stream: bytes) -> None:
    """Send something again and again, as fast as it is taken."""
    while True:
        writer.write(stream)
        await writer.drain()
        await asyncio.sleep(0)


def table(name: str, source: str | Path, *outputs: str | Path, **keys: bool) -> str:
    """Write a stream of a configuration."""
    listed = ", ".join(f'"{output}"' for output in outputs)
    rest = "".join(f"{key} = {str(value).lower()}\n" for key, value in keys.items())
    text = f'[[stream]]\nname = "{name}"\nroom = "r"\ninput = "{source}"\noutputs = [{listed}]\n'
    return text + rest


class Relay:
    """A running ``seatsync relay``."""

    def __init__(self, program: Any, session: aiohttp.ClientSession, root: str, page: str) -> None:
        self.program = program
        self.root = root
        self._session = session
        self._page = page

    async def status(self) -> Any:
        """Give all of ``/status.json``."""
        async with self._session.get(f"{self._page}status.json") as response:
            return await response.json()

    async def until(self, name: str, holds: Callable[[Any], object]) -> Any:
        """Look at a stream until something holds."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = {one["name"]: one for one in (await self.status())["streams"]}
                if holds(found[name]):
                    return found[name]
                await asyncio.sleep(0.05)

    async def pictures(self, name: str, count: int) -> None:
        """Watch a stream until so many pictures came."""
        parser, seen = TagParser(), 0
        async with (
            asyncio.timeout(PATIENCE_S),
            self._session.get(f"{self.root}/live/{name}.flv") as response,
        ):
            assert response.status == 200
            async for chunk in response.content.iter_any():
                seen += sum(tag.kind == VIDEO for tag in parser.feed(chunk))
                if seen >= count:
                    return
        raise AssertionError(f"{name} ended after {seen} pictures")

    async def workers(self) -> list[int]:
        """Give the process ids of the workers."""
        return [one["pid"] for one in (await self.status())["workers"]]


def resident_bytes(pid: int) -> int:
    """Say how much memory a process uses."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def relay(start: Any, folder: Path, *tables: str) -> AsyncIterator[Relay]:
    """Run a relay of one worker; it has no complaint of its own at the end."""
    config = folder / "relay.toml"
    head = f'gateway = "{NOBODY}"\nlisten = "127.0.0.1:0"\nstatus_listen = "127.0.0.1:0"\n'
    config.write_text(head + "".join(tables))
    program = await start("relay", "--config", str(config))
    root = await program.find(r"relay (http://\S+) with")
    page = await program.find(r"status (http://\S+)")
    async with aiohttp.ClientSession() as session:
        yield Relay(program, session, root, page)
    program.terminate()
    assert await program.ended() == 0
    assert "Traceback" not in program.log.read_text()
