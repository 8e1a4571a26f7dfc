"""What polls cost the store, and what they get while it is away (PROTOCOL.md 4)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from gateway_kit import OWNER, ROOM, position, running_node

from gateway.server import clock_ms
from room.documents import State
from room.errors import Unavailable
from room.snapshot import Stored
from store.memory import MemoryStore
from store.port import CommandKey, Consulted


class CountingStore(MemoryStore):
    """Counts reads, holds them back until told, and can be away."""

    def __init__(self) -> None:
        super().__init__(clock_ms)
        self.reads = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self.away = False

    async def read(self, room: str) -> Stored | None:
        self.reads += 1
        self.asked.set()
        await self.may_answer.wait()
        if self.away:
            raise Unavailable("away")
        return await super().read(room)

    async def consult(self, room: str, keys: Sequence[CommandKey]) -> Consulted:
        if self.away:
            raise Unavailable("away")
        return await super().consult(room, keys)


async def test_5000_polls_of_a_cold_room_read_the_store_once() -> None:
    store = CountingStore()
    await store.create(ROOM, State(owner_id=OWNER), clock_ms())
    async with running_node(store) as node:
        store.may_answer.clear()
        before = (await node.metrics())["seatsync_store_reads"]
        polls = [asyncio.create_task(node.poll()) for _ in range(5000)]
        await store.asked.wait()
        store.may_answer.set()
        answers = await asyncio.gather(*polls)
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
        assert store.reads == 1
        assert (await node.metrics())["seatsync_store_reads"] == before + 1
        statuses = {answer.headers["Cache-Status"] for answer in answers}
        assert statuses <= {
            "seatsync; fwd=miss",
            "seatsync; fwd=miss; collapsed",
            "seatsync; hit",
        }
        misses = [a for a in answers if a.headers["Cache-Status"] == "seatsync; fwd=miss"]
        assert len(misses) == 1


async def test_the_first_who_asks_may_go_away_and_the_others_are_answered() -> None:
    store = CountingStore()
    await store.create(ROOM, State(owner_id=OWNER), clock_ms())
    async with running_node(store) as node:
        store.may_answer.clear()
        _, first = await node.raw(b"GET /v1/rooms/r1/state HTTP/1.1\r\nHost: a\r\n\r\n")
        await store.asked.wait()
        rest = [asyncio.create_task(node.poll()) for _ in range(20)]
        first.transport.abort()
        assert (await node.ask("GET", "/livez")).status == 200
        store.may_answer.set()
        assert {answer.status for answer in await asyncio.gather(*rest)} == {200}
        assert store.reads == 1


async def test_with_the_store_away_memory_answers_and_says_that_it_is_stale() -> None:
    store = CountingStore()
    async with running_node(store) as node:
        here = await node.live()
        store.away = True
        epoch, version = here.split(".")
        ahead = f"{epoch}.{int(version) + 5}"
        await node.ask("GET", f"/v1/rooms/{ROOM}/state?after={ahead}")  # makes it read
        while "ttl=-" not in (answer := await node.poll()).headers["Cache-Status"]:
            assert answer.status == 200
        assert (answer.status, position(answer.json)) == (200, here)
        assert re.fullmatch(r"seatsync; hit; ttl=-\d+", answer.headers["Cache-Status"])
        assert answer.headers["Age"].isdigit()
        assert (await node.ask("GET", "/readyz")).status == 200


async def test_with_the_store_away_and_nothing_in_memory_503_says_when_to_come_back() -> None:
    store = CountingStore()
    store.away = True
    async with running_node(store) as node:
        answers = [await node.poll(f"r{number}") for number in range(12)]
        assert {(answer.status, answer.code) for answer in answers} == {(503, "UNAVAILABLE")}
        delays = {answer.json["retry_after_ms"] for answer in answers}
        assert len(delays) > 1, "everybody would come back at once"
        for answer in answers:
            assert answer.json["retryable"] is True
            assert 0 < answer.json["retry_after_ms"] <= int(answer.headers["Retry-After"]) * 1000
            assert answer.headers["Cache-Control"] == "no-store"
        ack = await node.command("bob", "seat.leave")
        assert (ack.status, ack.code) == (503, "UNAVAILABLE")
        assert "Retry-After" in ack.headers
        assert (await node.ask("GET", "/readyz")).status == 200
        assert (await node.ask("GET", "/livez")).status == 200


async def test_after_ahead_of_this_node_reads_the_store_once() -> None:
    store = CountingStore()
    async with running_node(store) as node:
        epoch, version = (await node.live()).split(".")
        before = store.reads
        store.may_answer.clear()
        store.asked.clear()
        path = f"/v1/rooms/{ROOM}/state?after={epoch}.{int(version) + 1}"
        polls = [asyncio.create_task(node.ask("GET", path)) for _ in range(50)]
        await store.asked.wait()
        store.may_answer.set()
        answers = await asyncio.gather(*polls)
        assert {answer.status for answer in answers} == {204}
        assert store.reads <= before + 2  # late ones may miss the flight


async def test_random_rooms_do_not_push_out_those_that_exist() -> None:
    store = CountingStore()
    async with running_node(store) as node:
        await node.live()
        for number in range(500):
            assert (await node.poll(f"no-{number}")).status == 404
        before: Any = store.reads
        assert (await node.poll("no-499")).status == 404
        assert store.reads == before, "a 404 of a moment ago is remembered"
        assert (await node.poll()).headers["Cache-Status"].startswith("seatsync; hit")
