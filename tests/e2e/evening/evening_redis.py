"""A real redis-server as a process of its own, and a word with it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from evening_processes import PATIENCE_S, Processes


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


async def ask_redis(port: int, *commands: str) -> str:
    """Send commands on one connection and give the last reply as text."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        reply = ""
        for command in commands:
            writer.write(command.encode() + b"\r\n")
            reply = (await reader.readline()).decode().strip()
            if reply.startswith("$"):
                reply = (await reader.readexactly(int(reply[1:]) + 2)).decode()
            assert not reply.startswith("-"), reply
        return reply
    finally:
        writer.close()
        await writer.wait_closed()


class Redis:
    """One server that keeps everything in memory, on a free port."""

    def __init__(self, processes: Processes, name: str, folder: Path) -> None:
        self.port = free_port()
        self.name = name
        self._processes = processes
        self._folder = folder

    async def start(self, replica_of: int | None = None) -> None:
        """Start it, as the replica of a primary at some port or on its own."""
        place = self._folder / self.name
        place.mkdir()
        replica = [] if replica_of is None else ["--replicaof", "127.0.0.1", str(replica_of)]
        await self._processes.start(
            self.name,
            *("redis-server", "--bind", "127.0.0.1", "--port", str(self.port)),
            *("--dir", str(place), "--save", "", "--appendonly", "yes", "--loglevel", "warning"),
            *("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", *replica),
        )
        awaited = "role:master" if replica_of is None else "master_link_status:up"
        async with asyncio.timeout(PATIENCE_S):
            while awaited not in await self._facts():  # noqa: ASYNC110 another program: no event
                await asyncio.sleep(0.02)

    async def _facts(self) -> str:
        try:
            return await ask_redis(self.port, "INFO replication")
        except ConnectionError:
            return ""

    async def wait_for_replica(self) -> None:
        """Wait until a replica has everything that was written so far."""
        reply = await ask_redis(self.port, "SELECT 1", "SET mark 1", "WAIT 1 5000")
        assert reply == ":1", "the replica does not follow"

    async def promote(self) -> None:
        """Make a replica the primary."""
        await ask_redis(self.port, "REPLICAOF NO ONE")

    async def kill(self) -> None:
        """End it as a power cut does."""
        await self._processes.kill(self.name)
