"""Floods of polls: rooms that nobody made (F40), and one room that everybody wants (F41)."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.edge.edge_crowd import call
from tests.e2e.edge.edge_kit import HURRY, PATIENCE_S, Server, get, next_answer, served
from tests.e2e.gateway.gateway_kit import ROOM

FLOODERS = 20
AT_ONCE = 50
GROWTH_KIB = 32 * 1024


async def flood(server: Server, rng: random.Random, count: int) -> set[int]:
    """Ask for rooms that are not there, in a pipeline; gives the statuses."""
    reader, writer = await asyncio.open_connection(*server.address)
    statuses = set()
    for _ in range(count // AT_ONCE):
        names = [f"{rng.getrandbits(256):064x}" for _ in range(AT_ONCE)]
        writer.write(b"".join(get(f"/v1/rooms/{name}/state") for name in names))
        for _ in names:
            statuses.add((await next_answer(reader)).status)
    writer.transport.abort()
    return statuses


async def keep_asking(server: Server, stop: asyncio.Event) -> list[str]:
    """Poll the room that is there; gives where each answer came from."""
    reader, writer = await asyncio.open_connection(*server.address)
    sources = []
    while not stop.is_set():
        writer.write(get(f"/v1/rooms/{ROOM}/state"))
        answer = await next_answer(reader)
        assert answer.status == 200
        sources.append(answer.headers["cache-status"])
        await asyncio.sleep(0.01)
    writer.transport.abort()
    return sources


async def random_rooms(start: Any, folder: Path, count: int) -> None:
    async with served(start, *HURRY, store=f"sqlite:{folder / 'rooms.db'}") as server:
        await server.node.live()
        await server.node.poll()
        await flood(server, random.Random(0), AT_ONCE)
        rss_kib = server.rss_kib()
        before = await server.node.metrics()
        stop = asyncio.Event()
        asking = asyncio.create_task(keep_asking(server, stop))
        each = count // FLOODERS
        found = await asyncio.gather(
            *(flood(server, random.Random(seed), each) for seed in range(1, FLOODERS + 1))
        )
        stop.set()
        sources = await asking
        reads = (await server.node.metrics())["seatsync_store_reads"]
        grown_kib = server.rss_kib() - rss_kib
    assert set.union(*found) <= {404, 503}
    assert grown_kib < GROWTH_KIB
    assert reads - before["seatsync_store_reads"] <= count + len(sources)
    assert len(sources) > 10
    hits = [source for source in sources if source.startswith("seatsync; hit")]
    assert len(hits) >= 0.99 * len(sources), "the flood has pushed out a room that is asked for"


async def test_flood_of_rooms_that_are_not_there_hurts_no_room_that_is(
    start: Any, tmp_path: Path
) -> None:
    await random_rooms(start, tmp_path, 10_000)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_flood_of_300000_rooms_that_are_not_there_stays_within_its_bound(
    start: Any, tmp_path: Path
) -> None:
    await random_rooms(start, tmp_path, 300_000)


async def test_2000_polls_at_once_of_a_room_that_is_cold_are_one_read(
    start: Any, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path / 'rooms.db'}"
    async with served(start, store=store) as first:
        await first.node.live()
        await first.kill()
    async with served(start, store=store) as server:
        reads = (await server.node.metrics())["seatsync_store_reads"]
        pollers = [await asyncio.open_connection(*server.address) for _ in range(2000)]
        for number, (_, writer) in enumerate(pollers):
            writer.write(get(f"/v1/rooms/{ROOM}/state", f"X-Number: {number}"))
        async with asyncio.timeout(PATIENCE_S):
            answers = [await next_answer(reader) for reader, _ in pollers]
        for _, writer in pollers:
            writer.transport.abort()
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
        assert (await server.node.metrics())["seatsync_store_reads"] == reads + 1
        misses = [a for a in answers if a.headers["cache-status"] == "seatsync; fwd=miss"]
        assert len(misses) == 1


async def test_poller_who_leaves_while_the_room_is_read_takes_nobody_along(
    start: Any, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path / 'rooms.db'}"
    async with served(start, store=store) as first:
        await first.node.live()
        await first.kill()
    async with served(start, store=store) as server:
        request = get(f"/v1/rooms/{ROOM}/state")
        leavers = [await asyncio.open_connection(*server.address) for _ in range(50)]
        for _, writer in leavers:
            writer.write(request)
            writer.transport.abort()
        others = await asyncio.gather(*(call(server.address, request) for _ in range(50)))
        assert {one.answer.result().status for one in others} == {200}
        for one in others:
            one.abort()


async def test_2000_polls_that_wait_are_answered_by_one_change(start: Any) -> None:
    async with served(start, *HURRY) as server:
        here = await server.node.live()
        request = get(f"/v1/rooms/{ROOM}/state?after={here}&wait=25")
        waiters = [await asyncio.open_connection(*server.address) for _ in range(2000)]
        for _, writer in waiters:
            writer.write(request)
        asked = get(f"/v1/rooms/{ROOM}/state")
        other, asks = await asyncio.open_connection(*server.address)
        asks.write(asked)
        assert (await next_answer(other)).status == 200
        ack = await server.node.do("bob", "seat.take", seat_index=1)
        async with asyncio.timeout(PATIENCE_S):
            answers = [await next_answer(reader) for reader, _ in waiters]
        assert {answer.status for answer in answers} == {200}
        assert {answer.json["version"] for answer in answers} == {ack["version"]}
        assert len({answer.body for answer in answers}) == 1
        for _, writer in (*waiters, (other, asks)):
            writer.transport.abort()
