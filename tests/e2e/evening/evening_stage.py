"""The stage: two gateways on one Redis with a replica, all of them real processes.

| who | where |
| --- | --- |
| gateways A and B | free ports; each a ``seatsync serve`` |
| their store | one fixed port, a forwarder: to the primary, later to the promoted replica |
| the replica's line | a forwarder too, so that writes can get lost on their way to it |
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from evening_forwarder import Forwarder
from evening_processes import Processes
from evening_redis import Redis

SECRET = "the secret of one evening, long enough for HS256"


class Stage:
    """What runs; ``urls`` says where each gateway listens."""

    def __init__(
        self,
        processes: Processes,
        folder: Path,
        primary: Redis,
        replica: Redis,
        store: Forwarder,
        replication: Forwarder,
    ) -> None:
        self.urls: dict[str, str] = {}
        self._processes = processes
        self._folder = folder
        self._primary = primary
        self._replica = replica
        self._store = store
        self._replication = replication

    async def start_gateway(self, node: str) -> None:
        """Start a gateway, at the address that it had before if there was one."""
        before = self.urls.get(node, "http://127.0.0.1:0")
        name = f"gateway-{node}"
        await self._processes.start(
            name,
            *(sys.executable, "-m", "seatsync", "serve"),
            *("--listen", before.removeprefix("http://"), "--metrics-listen", "127.0.0.1:0"),
            *("--store", f"redis://127.0.0.1:{self._store.port}/0"),
            environment=self._environment(node),
        )
        self.urls[node] = await self._processes.find(name, r"serving (http://\S+)")

    def _environment(self, node: str) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("SEATSYNC_")
        }
        data = str(self._folder / f"data-{node}")
        return {**inherited, "SEATSYNC_JWT_SECRET": SECRET, "SEATSYNC_DATA": data}

    async def kill_gateway(self, node: str) -> None:
        """``kill -9`` a gateway."""
        await self._processes.kill(f"gateway-{node}")

    async def hold_replication(self) -> None:
        """From now on nothing that the primary acknowledges reaches the replica."""
        await self._primary.wait_for_replica()
        self._replication.hold()

    async def lose_primary(self) -> None:
        """End the primary; whatever its replica did not get is lost."""
        await self._primary.kill()

    async def promote_replica(self) -> None:
        """Make the replica the primary, and point the gateways at it."""
        await self._replica.promote()
        await self._store.switch(self._replica.port)

    def logs(self) -> str:
        """Give the end of what each program logged."""
        parts = []
        for log in sorted(self._folder.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()
            telling = [line for line in lines if '"level": "info"' not in line]
            parts.append(f"--- {log.stem}\n" + "\n".join(telling[-12:]))
        return "\n".join(parts)


@asynccontextmanager
async def set_up(folder: Path) -> AsyncIterator[Stage]:
    """Start everything on 127.0.0.1; nothing of it is left at the end, nor after a failure."""
    async with AsyncExitStack() as stack:
        processes = await stack.enter_async_context(Processes.in_folder(folder))
        primary = Redis(processes, "primary", folder)
        replica = Redis(processes, "replica", folder)
        await primary.start()
        store = await stack.enter_async_context(Forwarder.to(primary.port))
        replication = await stack.enter_async_context(Forwarder.to(primary.port))
        await replica.start(replica_of=replication.port)
        stage = Stage(processes, folder, primary, replica, store, replication)
        await stage.start_gateway("A")
        await stage.start_gateway("B")
        try:
            yield stage
        except Exception as error:
            error.add_note(stage.logs())
            raise
