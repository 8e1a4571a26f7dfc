"""Many polls at once on a room that a server has never read: how often it reads the store."""

from __future__ import annotations

import asyncio
import resource
import tempfile
from collections.abc import Iterable
from pathlib import Path

import uvloop

from bench.edge.ours import ROOM, ours
from bench.edge.plan import Plan
from bench.measure import Row

READS = "seatsync_store_reads"
AT_ONCE = 200
ASKING = f"GET {ROOM}/state HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


def rows(plan: Plan) -> Iterable[Row]:
    """Measure one start a turn."""
    raw: dict[str, list[float]] = {"reads": [], "answered": []}
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as name:
        for turn in range(plan.turns):
            folder = Path(name) / str(turn)
            with ours(folder):
                pass
            with ours(folder, furnished=True) as side:
                before = side.metrics()[READS]
                answered = uvloop.run(_poll(side.port, plan.cold_polls))
                raw["reads"].append(side.metrics()[READS] - before)
                raw["answered"].append(answered)
    most, least = max(raw["reads"]), min(raw["answered"])
    what = f"reads of the store by {plan.cold_polls:,} polls at once right after the start"
    shown = f"{most:.0f}, {least:,.0f} polls answered 200"
    yield Row(what, shown, "one read", "1", most, raw)


async def _poll(port: int, count: int) -> int:
    """Open all connections, then ask on all; gives how many got the room."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with gate:
            return await asyncio.open_connection("127.0.0.1", port)

    lines = await asyncio.gather(*(connect() for _ in range(count)))
    for _, writer in lines:
        writer.write(ASKING)
    answers = await asyncio.gather(*(reader.read() for reader, _ in lines))
    for _, writer in lines:
        writer.close()
    return sum(answer.startswith(b"HTTP/1.1 200") for answer in answers)
