"""Everybody comes back at once (reliability F23), and everybody is sent home (F03)."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Address
from tests.e2e.edge.edge_crowd import Reader, call, follow, polled, until
from tests.e2e.edge.edge_kit import HURRY, Server, listen_overflows, served
from tests.e2e.gateway.gateway_kit import Node, upgrade

ROOMS = [f"storm-{number}" for number in range(10)]
WITNESSES = 20
SOURCES = [f"127.0.0.{number}" for number in range(2, 10)]
"""One address has too few ports for everybody who comes, leaves and comes back."""


class Storm:
    """Clients that come back as they are told to, polling meanwhile."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.turns: list[float] = []
        self.polls: list[float] = []
        self.readers: list[Reader] = []

    async def come_back(self, room: str, source: str) -> None:
        """Try until let in; each refusal must say when to try again."""
        while True:
            request = upgrade(f"/v1/rooms/{room}/push")
            reader = await call(self.address, request, source=source)
            answer = reader.answer.result()
            if answer.status == 101:
                self.readers.append(reader)
                return
            assert answer.status == 503, answer
            problem = answer.json
            assert (problem["code"], problem["retryable"]) == ("OVERLOADED", True)
            told_ms = problem["retry_after_ms"]
            assert int(answer.headers["retry-after"]) == math.ceil(told_ms / 1000)
            self.turns.append(time.monotonic() + told_ms / 1000)
            began_s = time.monotonic()
            assert (await polled(self.address, room, source)).status == 200
            self.polls.append(time.monotonic() - began_s)
            await asyncio.sleep(max(0.0, told_ms / 1000 - self.polls[-1]))  # as it was told


async def open_rooms(node: Node) -> None:
    for room in ROOMS:
        await node.live(room)
        await node.do("bob", "seat.take", room, seat_index=1)


async def keep_changing(node: Node, stop: asyncio.Event) -> int:
    """Move somebody to and fro in every room; gives how many changes that were."""
    changes = 0
    while not stop.is_set():
        seat = 2 - changes // len(ROOMS) % 2
        await node.do("bob", "seat.move", ROOMS[changes % len(ROOMS)], to=seat)
        changes += 1
    return changes


def stalls(metrics: dict[str, float]) -> float:
    """How often the loop was more than two seconds late."""
    name = "seatsync_loop_stall_seconds"
    return metrics[f"{name}_count"] - metrics[f'{name}_bucket{{le="2.0"}}']


async def weather(start: Any, folder: Path, clients: int, per_s: int) -> None:
    """The whole storm: killed in the middle of it all, started again, and everybody comes back."""
    store = f"sqlite:{folder / 'rooms.db'}"
    async with served(start, *HURRY, "--connections-per-s", "off", store=store) as first:
        await open_rooms(first.node)
        before = await asyncio.gather(
            *(follow(first.address, ROOMS[number % 10]) for number in range(clients))
        )
        await until(lambda: all(reader.held for reader in before))
        await first.kill()
        await asyncio.gather(*(reader.gone for reader in before))
        newest = max(reader.held for reader in before if reader.held)
        more = (*HURRY, "--connections-per-s", str(per_s))
        async with served(start, *more, listen=str(first.address), store=store) as second:
            await strike(second, clients, newest, per_s)


async def strike(server: Server, clients: int, newest: tuple[int, int], per_s: int) -> None:
    node, storm = server.node, Storm(server.address)
    witnesses = [await follow(server.address, room) for room in ROOMS * (WITNESSES // 10)]
    await until(lambda: all(reader.held for reader in witnesses))
    overflows, rss_kib = listen_overflows(), server.rss_kib()
    seen = sum(reader.seen for reader in witnesses)
    stop = asyncio.Event()
    changer = asyncio.create_task(keep_changing(node, stop))
    before, began_s = await node.metrics(), time.monotonic()
    await asyncio.gather(*(storm.come_back(ROOMS[n % 10], SOURCES[n % 8]) for n in range(clients)))
    seen_in_the_storm = sum(reader.seen for reader in witnesses) - seen
    grown_kib = server.rss_kib() - rss_kib
    stop.set()
    changes = await changer
    final = {}
    for room in ROOMS:
        state = (await node.poll(room)).json
        final[room] = state["epoch"], state["version"]
    everybody = [*storm.readers, *witnesses]
    await until(lambda: Counter(r.held for r in everybody).keys() == set(final.values()))
    assert [reader.wrong for reader in everybody if reader.wrong] == []
    assert min(final.values()) > newest, "a server that was killed begins a higher epoch"
    assert storm.turns, "nobody was held back: this proves nothing"
    assert len(storm.turns) < 2 * clients, "who came when they were told was sent away again"
    tenths = Counter(int(turn * 10) for turn in storm.turns)
    assert max(tenths.values()) <= 3 * len(storm.turns) / len(tenths), (
        "many are told to come at once"
    )
    assert listen_overflows() == overflows
    after, took_s = await node.metrics(), time.monotonic() - began_s
    reads = after["seatsync_store_reads"] - before["seatsync_store_reads"]
    assert reads <= len(ROOMS) * (2 + took_s), "readers are to cost the store nothing"
    assert stalls(after) == stalls(before), "the loop stood still for two seconds"
    assert max(storm.polls) < 5.0, "a poll had to wait while connections were let in"
    assert changes > len(ROOMS)
    assert seen_in_the_storm > changes / 4, "those who were there heard nothing meanwhile"
    assert grown_kib < 24 * clients + 16 * 1024
    for reader in everybody:
        reader.abort()


async def test_everybody_is_back_after_a_kill_and_nobody_is_left_behind(
    start: Any, tmp_path: Path
) -> None:
    await weather(start, tmp_path, clients=2000, per_s=500)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_everybody_of_10000_is_back_after_a_kill(start: Any, tmp_path: Path) -> None:
    await weather(start, tmp_path, clients=10000, per_s=1000)


async def test_drain_spreads_500_leavers_over_its_window(start: Any) -> None:
    async with served(start, *HURRY) as server:
        await open_rooms(server.node)
        readers = await asyncio.gather(
            *(follow(server.address, ROOMS[number % 10]) for number in range(500))
        )
        await until(lambda: all(reader.held for reader in readers))
        began_s = time.monotonic()
        server.program.terminate()
        async with asyncio.timeout(20):
            await asyncio.gather(*(reader.gone for reader in readers))
        assert await server.program.ended(10 - (time.monotonic() - began_s)) == 0
    assert {reader.close_code for reader in readers} == {4000}
    byes = [reader.bye for reader in readers if reader.bye is not None]
    assert len(byes) == len(readers)
    assert {bye["code"] for bye in byes} == {4000}
    assert len({bye["retry_after_ms"] for bye in byes}) > 400, "many are to come back together"
    delays = sorted(bye["retry_after_ms"] for bye in byes)
    assert delays[0] >= 500
    assert delays[-1] <= 5000
    times = sorted(reader.bye_s for reader in readers)
    span_s = times[-1] - times[0]
    assert span_s > 3.0, "half of the 8 s that a drain has is for goodbyes"
    tenths = Counter(min(9, int((at - times[0]) / span_s * 10)) for at in times)
    assert len(tenths) == 10
    assert max(tenths.values()) < 150, "a third of all leave at one moment"
