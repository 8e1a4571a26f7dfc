"""Polls that wait (PROTOCOL.md 4)."""

from __future__ import annotations

import asyncio

import pytest
from gateway_kit import OWNER, PATIENCE_S, ROOM, Answer, Node, running_node

from gateway.server import clock_ms
from store.memory import MemoryStore

STATE = f"/v1/rooms/{ROOM}/state"


async def waiting_poll(
    node: Node, after: str, wait: str = "20", user: str | None = None
) -> asyncio.Task[Answer]:
    """Begin a poll, and give it when the node has it waiting."""
    before = len(node.running.gateway.waiting)
    asked = asyncio.create_task(node.ask("GET", f"{STATE}?after={after}&wait={wait}", user=user))
    while len(node.running.gateway.waiting) == before:  # noqa: ASYNC110 - the server counts
        await asyncio.sleep(0)
    return asked


async def test_waiting_poll_is_answered_by_the_change_it_waited_for(node: Node) -> None:
    here = await node.live()
    polls = [await waiting_poll(node, here, user=user) for user in (None, "bob", OWNER)]
    ack = await node.do("bob", "seat.take", seat_index=1)
    for asked in polls:
        answer = await asked
        assert answer.status == 200
        assert answer.json["version"] == ack["version"]
    assert len(node.running.gateway.waiting) == 0
    assert len(node.running.gateway.hub) == 0


async def test_nothing_newer_within_the_wait_is_204_that_no_cache_keeps(node: Node) -> None:
    here = await node.live()
    answer = await node.ask("GET", f"{STATE}?after={here}&wait=0.05")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_what_is_newer_already_is_not_waited_for(node: Node) -> None:
    here = await node.live()
    await node.do("bob", "seat.take", seat_index=1)
    answer = await node.ask("GET", f"{STATE}?after={here}&wait=25")
    assert answer.status == 200


@pytest.mark.parametrize("wait", ["", "-1", "1e3", "nan", "soon", "1.2.3", "٣", "1" * 13, "."])
async def test_wait_that_is_no_number_of_seconds_is_400(node: Node, wait: str) -> None:
    here = await node.live()
    answer = await node.ask("GET", f"{STATE}?after={here}&wait={wait}")
    assert (answer.status, answer.code) == (400, "INVALID_ARGUMENT")


async def test_leaving_node_answers_every_poll_that_waits() -> None:
    async with running_node(MemoryStore(clock_ms)) as node:
        here = await node.live()
        asked = await waiting_poll(node, here)
        node.running.gateway.waiting.release_all()
        assert (await asked).status == 204
        at_once = await node.ask("GET", f"{STATE}?after={here}&wait=25")
        assert at_once.status == 204


async def test_poll_that_waits_keeps_its_callers_seat_for_as_long_as_it_is_connected(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.push.waiting.SIGN_EVERY_S", 0.01)
    await node.live()
    ack = await node.do("bob", "seat.take", seat_index=1)
    asked = await waiting_poll(node, f"{ack['epoch']}.{ack['version']}", user="bob")
    presence = node.running.gateway.presence.presence
    for _ in range(2):
        presence.begin()
        presence.done()
        assert not presence.is_present(ROOM, "bob")
        async with asyncio.timeout(PATIENCE_S):
            while not presence.is_present(ROOM, "bob"):  # noqa: ASYNC110 - the server notes it
                await asyncio.sleep(0)
    asked.cancel()


async def test_poll_whose_caller_has_left_waits_no_longer(node: Node) -> None:
    here = await node.live()
    _, writer = await node.raw(
        f"GET {STATE}?after={here}&wait=25 HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    )
    gateway = node.running.gateway
    async with asyncio.timeout(PATIENCE_S):
        while not len(gateway.waiting):  # noqa: ASYNC110 - the server counts
            await asyncio.sleep(0)
        writer.transport.abort()
        while len(gateway.waiting):  # noqa: ASYNC110 - the server counts
            await asyncio.sleep(0)
    assert len(gateway.hub) == 0


async def test_polls_that_wait_on_one_connection_are_answered_in_their_order(node: Node) -> None:
    here = await node.live()
    request = f"GET {STATE}?after={here}&wait=25 HTTP/1.1\r\nHost: a\r\n"
    reader, _ = await node.raw(f"{request}\r\n{request}Connection: close\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        while not len(node.running.gateway.waiting):  # noqa: ASYNC110 - the server counts
            await asyncio.sleep(0)
        await node.do("bob", "seat.take", seat_index=1)
        answers = await reader.read()
    assert answers.count(b"HTTP/1.1 200 ") == 2
