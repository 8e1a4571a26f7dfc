"""Two real gateways on one real Redis: one room, whichever node one is connected to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nodes_kit import (
    PATIENCE_S,
    READING,
    Refusal,
    poll,
    position_of,
    reading_ws,
    running_nodes,
    until,
)

import gateway.server
import gateway.watch
from room.position import Position
from store.bus import Notice
from store.redis.bus import RedisBus
from store.sqlite import SqliteStore
from tests.e2e.gateway.gateway_kit import (
    ROOM,
    Node,
    auth,
    fresh_id,
    hear,
    running_node,
)
from tests.redis_server import DURABLE, RedisServer, running_redis

Pair = tuple[Node, Node]
Fight = Callable[[], Awaitable[dict[str, Any] | Refusal]]
CROWD = 200
LEASE_AND_GRACE_S = 35
STEP_S = 7


@pytest.fixture
async def pair(server: RedisServer) -> AsyncIterator[Pair]:
    async with running_nodes(server.url, 2) as (one, other):
        yield one, other


@pytest.fixture
def notices_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes do not compare what they hold with the store, so only a notice can tell them."""
    monkeypatch.setattr(gateway.watch, "COMPARE_S", 3600.0)


@pytest.fixture
def comparison_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every notice is lost."""

    async def lose(_: RedisBus, notice: Notice) -> None:
        assert notice.room == ROOM

    monkeypatch.setattr(RedisBus, "notify", lose)
    monkeypatch.setattr(gateway.watch, "COMPARE_S", 0.1)


@pytest.mark.parametrize("way", ["notices_alone", "comparison_alone"])
@pytest.mark.parametrize("channel", READING)
async def test_a_command_on_one_node_is_pushed_by_the_other(
    server: RedisServer, request: pytest.FixtureRequest, channel: str, way: str
) -> None:
    request.getfixturevalue(way)
    async with running_nodes(server.url, 2) as (one, other):
        await one.live()
        async with READING[channel](other, "carol") as reader:
            for index, user in enumerate(("bob", "dave", "erin"), start=1):
                taken = position_of(await one.do(user, "seat.take", seat_index=index))
                await reader.until(taken)
            assert reader.newest is not None
            assert seated(reader.newest) == {1: "bob", 2: "dave", 3: "erin"}


@pytest.mark.usefixtures("notices_alone")
async def test_a_document_that_is_set_on_one_node_is_pushed_by_the_other(
    pair: Pair,
) -> None:
    one, other = pair
    await one.live()
    async with other.ws(f"/v1/rooms/{ROOM}/push?docs=x-score", user="carol") as socket:
        await hear(socket, "policy")
        headers = auth("scores", kind="service", docs=["x-score"])
        path = f"/v1/rooms/{ROOM}/x-score"
        answer = await one.ask("PUT", path, headers=headers, json={"round": 1})
        assert answer.status == 200
        heard = await hear(socket, "snapshot")
    assert heard["data"] == {"round": 1}
    assert position_of(heard) == position_of(answer.json)


async def test_a_poll_ahead_of_its_node_shows_what_the_other_node_acked(pair: Pair) -> None:
    one, other = pair
    await one.live()
    await poll(other, "bob")
    ack = await one.do("bob", "seat.take", seat_index=3)
    before = f"{ack['epoch']}.{ack['version'] - 1}"
    await until_polled(other, before, position_of(ack))


async def until_polled(node: Node, after: str, position: Position) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            path = f"/v1/rooms/{ROOM}/state?after={after}"
            answer = await node.ask("GET", path, user="bob")
            if answer.status == 200:
                assert position_of(answer.json) >= position
                return
            assert answer.status == 204


@pytest.mark.parametrize("store", ["redis, two nodes", "sqlite, one node"])
async def test_of_two_hundred_who_want_one_seat_one_gets_it(store: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        if store.startswith("redis"):
            server = stack.enter_context(running_redis(tmp_path / "redis"))
            nodes = await stack.enter_async_context(running_nodes(server.url, 2))
        else:
            rooms = SqliteStore.open(tmp_path / "rooms.db", gateway.server.clock_ms)
            nodes = [await stack.enter_async_context(running_node(rooms))]
        await nodes[0].live()
        before = position_of((await poll(nodes[0], "olga")).json)
        fights = [await fighter(stack, nodes, number) for number in range(CROWD)]
        outcomes = await asyncio.gather(*(fight() for fight in fights))
        winners = [outcome for outcome in outcomes if isinstance(outcome, dict)]
        after = Position(before.epoch, before.version + 1)
        assert [position_of(ack) for ack in winners] == [after]
        losers = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
        assert losers == [Refusal("SEAT_OCCUPIED", after)] * (CROWD - 1)
        for node in nodes:
            await until_polled(node, str(before), after)
            state = (await poll(node, "olga")).json
            assert position_of(state) == after
            assert state["seats"][5]["participation_id"] == winners[0]["result"]["participation_id"]


async def fighter(stack: AsyncExitStack, nodes: list[Node], number: int):
    """Connect one of the crowd: every other one by WebSocket, spread over the nodes."""
    node, user = nodes[number // 2 % len(nodes)], f"user-{number}"
    if number % 2:

        async def by_http() -> dict[str, Any] | Refusal:
            answer = await node.command(user, "seat.take", {"seat_index": 5})
            body = answer.json
            return body if answer.status == 200 else Refusal(body["code"], position_of(body))

        return by_http

    socket = await stack.enter_async_context(node.ws(user=user))
    await hear(socket, "snapshot")

    async def by_ws() -> dict[str, Any] | Refusal:
        cmd_id = fresh_id()
        args = {"seat_index": 5}
        await socket.send_json({"type": "cmd", "cmd": "seat.take", "cmd_id": cmd_id, "args": args})
        while (message := await hear(socket)).get("cmd_id") != cmd_id:
            continue
        return (
            message if message["type"] == "ack" else Refusal(message["code"], position_of(message))
        )

    return by_ws


@pytest.mark.parametrize("failure", ["frozen", "killed"])
async def test_while_redis_is_away_readers_are_served_and_nobody_goes_back(
    failure: str, tmp_path: Path
) -> None:
    with running_redis(tmp_path / "redis", DURABLE) as server:
        async with running_nodes(server.url, 2) as (one, other), AsyncExitStack() as stack:
            await one.live()
            ack = await one.do("bob", "seat.take", seat_index=3)
            readers = [
                await stack.enter_async_context(reading(node, f"reader-{number}"))
                for number, (node, reading) in enumerate(
                    (node, reading) for node in (one, other) for reading in READING.values()
                )
            ]
            for reader in readers:
                await reader.until(position_of(ack))
            _ = server.freeze() if failure == "frozen" else server.kill()

            for node in (one, other):
                await until_stale(node, position_of(ack))
                async with node.ws(user="late") as socket:
                    assert position_of(await hear(socket, "snapshot")) == position_of(ack)
            sent = {"cmd": "seat.leave", "cmd_id": fresh_id()}
            for node in (one, other):
                refusal = await node.command("bob", "seat.leave", cmd_id=sent["cmd_id"])
                assert (refusal.status, refusal.code) == (503, "UNAVAILABLE")
                assert int(refusal.headers["Retry-After"]) >= 1
                assert refusal.json["retry_after_ms"] > 0
                assert (await node.ask("GET", "/readyz")).status == 200

            _ = server.thaw() if failure == "frozen" else server.start()
            left = await until_carried_out(other, sent["cmd_id"])
            assert left > position_of(ack)
            for reader in readers:
                await reader.until(left)
                assert reader.newest is not None
                assert reader.newest["seats"][3]["status"] == "empty"
            for node in (one, other):
                await until_polled(node, str(position_of(ack)), left)


async def until_stale(node: Node, position: Position) -> None:
    """Poll until what is served is marked as old; never anything else than what was held."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await poll(node, "bob")
            assert position_of(answer.json) == position
            if "ttl=-" in answer.headers["Cache-Status"] and int(answer.headers["Age"]) >= 2:
                return
            await asyncio.sleep(0.05)


async def until_carried_out(node: Node, cmd_id: str) -> Position:
    """Send a command again, as the same one, until there is an ack."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await node.command("bob", "seat.leave", cmd_id=cmd_id)
            if answer.status == 200:
                return position_of(answer.json)
            assert answer.code == "UNAVAILABLE"
            await asyncio.sleep(0.05)


async def test_who_speaks_at_one_node_is_heard_at_the_other(pair: Pair) -> None:
    one, other = pair
    await one.live()
    await one.do("bob", "seat.take", seat_index=3)
    await one.do("bob", "mic.set", on=True)
    async with one.ws(user="bob") as speaker, other.ws(user="carol") as listener:
        await hear(listener, "snapshot")
        await hear(speaker, "snapshot")
        await speaker.send_json({"type": "speaking", "on": True})
        assert (await hear(listener, "speaking"))["seats"] == [3]
        await speaker.send_json({"type": "speaking", "on": False})
        assert (await hear(listener, "speaking"))["seats"] == []


async def test_the_online_count_is_of_all_nodes_together(pair: Pair) -> None:
    one, other = pair
    await one.live()
    async with AsyncExitStack() as stack:
        readers = [
            await stack.enter_async_context(reading_ws(node, f"user-{number}"))
            for number, node in enumerate((one, one, one, other, other))
        ]
        for node in (one, other, one):  # the second report of the first node sees the other's
            await node.running.gateway.presence.counter.step()
        for reader in readers:
            await until(
                lambda heard=reader.others: {"type": "online", "room": ROOM, "count": 5} in heard
            )


async def test_a_seat_outlives_its_connection_if_its_user_polls_at_another_node(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_s = 0.0
    clock = SimpleNamespace(
        monotonic=lambda: time.monotonic() + passed_s,
        time_ns=lambda: time.time_ns() + int(passed_s * 1e9),
    )
    monkeypatch.setattr(gateway.server, "time", clock)
    async with running_nodes(server.url, 2) as (one, other):
        await one.live()
        for user, index in (("bob", 3), ("carol", 4)):
            async with one.ws(user=user) as socket:
                await one.do(user, "seat.take", seat_index=index)
                await hear(socket, "snapshot")
        audience = one.running.gateway.audience
        await until(lambda: not any(audience.is_present(ROOM, user) for user in ("bob", "carol")))
        assert seated((await poll(other, "dave")).json) == {3: "bob", 4: "carol"}

        for _ in range(2 * LEASE_AND_GRACE_S // STEP_S + 2):
            await poll(other, "bob")
            for node in (one, other):
                await node.running.gateway.presence.keeper.step()
            passed_s += STEP_S
            await server.pass_time(STEP_S * 1000)
            for node in (one, other):
                await node.running.gateway.presence.reaper.step()
            state = (await poll(other, "dave")).json
            assert seated(state)[3] == "bob"
            assert state["seats"][3]["link"] == "ok"

        assert seated(state) == {3: "bob"}, "carol's seat is free again, which nobody kept"


def seated(state: dict[str, Any]) -> dict[int, str]:
    return {seat["index"]: seat["user"]["user_id"] for seat in state["seats"] if "user" in seat}
