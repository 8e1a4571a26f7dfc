"""A door without a socket meets its peer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.edge.door import Door
from gateway.edge.exchange import Exchange, Responder
from gateway.edge.head import Head
from gateway.edge.house import House
from tests.unit.gateway_edge.edge_door_samples import (
    Turning,
    Wire,
    door_on_wire,
    make_house,
    told,
)
from tests.unit.gateway_edge.smuggling_corpus import Seen

X = Seen("GET", "/x")
GRACE_S = 1.0


class Later:
    """Keeps exchanges until a test answers them."""

    def __init__(self) -> None:
        self.open: list[Exchange] = []

    def route(self, head: Head) -> Responder:
        return self.open.append

    def answer(self) -> None:
        exchange = self.open.pop(0)
        exchange.reply(told(exchange.head.path))


def meet(route: Callable[[Head], Responder | None]) -> tuple[Door, Wire, House, Turning]:
    house = make_house(route)
    door, wire = door_on_wire(house)
    return door, wire, house, Turning(house.wheel)


def is_gone(wire: Wire) -> bool:
    return wire.is_ended or wire.is_closed


async def settle() -> None:
    """Let what the door has put off happen."""
    for _ in range(5):
        await asyncio.sleep(0)
