"""Commands a second through the Redis store, beside bare EVALSHA over the same connections.

The bare script writes the same state and the same receipt, and neither checks nor fences. Commits
are those of the store alone; commands go through the gateway's committer, which computes them and
commits all that wait for a room at once.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import msgspec
import uvloop

from bench.committing import execute
from bench.core import full_room
from bench.measure import RUNS, Row, per_second, row
from bench.stores import full_state
from room.position import Position
from store.port import KEEP_ACKS_MS, CommandKey, Kept, Receipt, Write
from store.redis.address import Address
from store.redis.link import Link
from store.redis.store import RedisStore
from tests.redis_server import running_redis

EVERY_SECOND = ("--appendonly", "yes", "--appendfsync", "everysec")
WRITERS = 64
COMMANDS = 12_800
ROOMS = (1, 16, 256)
_BARE = """
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'state', ARGV[2])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return 1
"""

Send = Callable[[int, CommandKey], Awaitable[object]]
"""Sends a command to the room of that number."""
Side = Callable[[str, int], Awaitable[tuple[float, list[float]]]]


def rows() -> Iterable[Row]:
    """Measure."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(running_redis(Path(folder), EVERY_SECOND))
        what = f"Redis, {WRITERS} writers in as many rooms: commits"
        yield from _compare(server.url, what, WRITERS, _commits)
        for rooms in ROOMS:
            what = f"Redis, {WRITERS} writers in {rooms} rooms: commands through the committer"
            yield from _compare(server.url, what, rooms, _commands)


def _compare(url: str, what: str, rooms: int, ours_of: Side) -> Iterable[Row]:
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    waits: dict[str, list[list[float]]] = {"ours": [], "theirs": []}
    for _ in range(RUNS):
        for side, work in (("ours", ours_of), ("theirs", _bare)):
            rate, wait = uvloop.run(work(url, rooms))
            rates[side].append(rate)
            waits[side].append(wait)
    yield row(what, "bare EVALSHA by the same client", rates, per_second)
    ours, theirs = ([_median(runs, n) for n in range(3)] for runs in waits.values())
    raw = {f"{side} p99": [wait[1] for wait in runs] for side, runs in waits.items()}
    beside = "bare EVALSHA (ratio of P99)"
    yield Row(f"{what}, P50, P99, P999", _ms(ours), beside, _ms(theirs), ours[1] / theirs[1], raw)


def _median(runs: list[list[float]], column: int) -> float:
    return statistics.median(run[column] for run in runs)


def _ms(seconds: list[float]) -> str:
    return ", ".join(f"{one * 1000:.2f}" for one in seconds) + " ms"


async def _commits(url: str, rooms: int) -> tuple[float, list[float]]:
    link = Link(Address(url))
    store = RedisStore(link)
    await link.call("FLUSHALL")
    held = [(await store.create(f"room{n}", full_room().state, 1))[0] for n in range(rooms)]
    turns = [asyncio.Lock() for _ in range(rooms)]

    async def send(number: int, key: CommandKey) -> None:
        async with turns[number]:
            base = held[number]
            epoch, version = base.position
            after = msgspec.structs.replace(base, position=Position(epoch, version + 1))
            await store.commit(base.revision, Write(after, (Kept(key, _receipt(after.position)),)))
            held[number] = after

    measured = await _drive(send, rooms)
    await store.close()
    return measured


async def _commands(url: str, rooms: int) -> tuple[float, list[float]]:
    link = Link(Address(url))
    store = RedisStore(link)
    await link.call("FLUSHALL")
    took_s, waits = await execute(store, full_state(), rooms, WRITERS, COMMANDS // WRITERS)
    await store.close()
    return len(waits) / took_s, _cuts(waits)


async def _bare(url: str, rooms: int) -> tuple[float, list[float]]:
    link = Link(Address(url))
    await link.call("FLUSHALL")
    digest = await link.call("SCRIPT", "LOAD", _BARE)
    state = msgspec.json.encode(full_room().state)
    receipt = msgspec.json.encode(_receipt(Position(1, 1)))

    async def send(number: int, key: CommandKey) -> None:
        keys = (f"{{room{number}}}:room", f"{{room{number}}}:ack:{key.cmd_id}")
        await link.call("EVALSHA", digest, 2, *keys, 7, state, receipt, KEEP_ACKS_MS)

    measured = await _drive(send, rooms)
    await link.close()
    return measured


async def _drive(send: Send, rooms: int) -> tuple[float, list[float]]:
    """Send all commands; gives the rate, and P50, P99, P999 of the waits in seconds."""
    numbers = iter(range(COMMANDS))
    waits: list[float] = []

    async def write() -> None:
        for number in numbers:
            before = time.perf_counter()
            await send(number % rooms, CommandKey("user", f"c{number}"))
            waits.append(time.perf_counter() - before)

    began = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(WRITERS)))
    rate = COMMANDS / (time.perf_counter() - began)
    return rate, _cuts(waits)


def _cuts(waits: list[float]) -> list[float]:
    """Give P50, P99, P999."""
    cuts = statistics.quantiles(waits, n=1000)
    return [cuts[499], cuts[989], cuts[998]]


def _receipt(position: Position) -> Receipt:
    return Receipt(b"0" * 32, True, {"seat_index": 3, "participation_id": "p" * 24}, position)
