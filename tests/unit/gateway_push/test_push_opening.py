"""Requests that become push connections: whatever goes wrong, nothing of them is left."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from push_samples import Node
from push_wires import Desk

from gateway.edge.door import Door
from gateway.edge.events import Events
from gateway.edge.exchange import Responder
from gateway.edge.upgrades import Upgrades
from gateway.tokens.bearer import ANONYMOUS
from tests.unit.gateway_edge.edge_door_meeting import meet, settle
from tests.unit.gateway_edge.edge_door_samples import Wire, statuses
from tests.unit.gateway_edge.smuggling_corpus import get

UPGRADE = get(
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


class Opening:
    """A door behind which push connections are opened, of a node of one room."""

    def __init__(self, node: Node, kind: str) -> None:
        self.desk = Desk(node, kind)
        self.request = UPGRADE if kind == "ws" else get()
        guard = SimpleNamespace(authenticate=lambda token: ANONYMOUS)
        gateway: Any = SimpleNamespace(
            authenticator=guard, conversation=node.conversation, connections=node.connections
        )
        upgrades = Upgrades(gateway, self.desk.channel, None, 25_000)
        events = Events(gateway, self.desk.channel, None)
        responder = upgrades.respond if kind == "ws" else events.respond
        self.route: Callable[[Any], Responder] = lambda head: (
            lambda exchange: responder(exchange, "demo")
        )

    def ask(self) -> tuple[Door, Wire]:
        door, wire, _, _ = meet(self.route)
        door.data_received(self.request)
        return door, wire


@pytest.fixture(params=["ws", "sse"])
async def opening(request: pytest.FixtureRequest) -> Opening:
    node = Node()
    await node.start()
    return Opening(node, request.param)


@pytest.fixture
def cold(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The room is not in memory, and read when this is set."""
    opened, rooms = asyncio.Event(), opening.desk.node.rooms
    find = rooms.find

    async def find_later(room: str) -> Any:
        await opened.wait()
        return await find(room)

    monkeypatch.setattr(rooms, "find_now", lambda room: None)
    monkeypatch.setattr(rooms, "find", find_later)
    return opened


async def test_cold_room_is_opened_when_it_was_read(opening: Opening, cold: asyncio.Event) -> None:
    _, wire = opening.ask()
    await settle()
    assert wire.sent == b""
    cold.set()
    await settle()
    assert wire.sent.startswith(b"HTTP/1.1 ")
    assert opening.desk.channel.tally.open == 1


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize("begins", [False, True])
async def test_peer_that_leaves_while_a_cold_room_is_read_leaves_nothing(
    opening: Opening, begins: bool
) -> None:
    """Also where the task had not begun: then no line of it ever runs."""
    door, wire = opening.ask()
    if begins:
        await settle()
    wire.close()
    door.connection_lost(None)
    await settle()
    assert opening.desk.is_left_clean()
    gc.collect()  # a coroutine that was never awaited would warn here


async def test_unexpected_error_of_an_opening_leaves_nothing(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(opening.desk.node.rooms, "find_now", fail)
    _, wire = opening.ask()
    assert statuses(wire.sent) == [503]
    assert opening.desk.is_left_clean()


async def test_unexpected_error_of_a_cold_opening_leaves_nothing(
    opening: Opening, cold: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    _, wire = opening.ask()
    await settle()
    monkeypatch.setattr(opening.desk.node.presence, "came", fail)
    cold.set()
    await settle()
    assert statuses(wire.sent) == [503]
    assert opening.desk.is_left_clean()
