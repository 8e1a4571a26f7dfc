from __future__ import annotations

import asyncio

import pytest
from presence_samples import Node

from gateway.presence.online import ROOMS_AT_ONCE
from room.errors import Unavailable


def online(count: int, room: str = "demo") -> dict[str, object]:
    return {"type": "online", "room": room, "count": count}


async def test_room_is_told_the_total_of_all_nodes_when_it_changed(node: Node) -> None:
    node.wire.elsewhere["demo"] = 10
    node.people.enter("demo", "ann")
    await node.loops.counter.step()
    assert node.people.heard() == [online(11)]
    await node.loops.counter.step()
    assert node.people.heard() == []
    node.wire.elsewhere["demo"] = 12
    await node.loops.counter.step()
    assert node.people.heard() == [online(13)]


async def test_every_room_with_connections_is_reported_each_time(node: Node) -> None:
    node.people.enter("demo", "ann")
    node.people.enter("demo", "ann")
    node.people.enter("other", "bob")
    await node.loops.counter.step()
    await node.loops.counter.step()
    assert node.wire.counted == [{"demo": 2, "other": 1}] * 2


async def test_room_that_became_empty_is_reported_once(node: Node) -> None:
    node.people.enter("demo", "ann")
    await node.loops.counter.step()
    node.people.leave("demo", "ann")
    for _ in range(3):
        await node.loops.counter.step()
    assert node.wire.counted == [{"demo": 1}, {"demo": 0}]


async def test_room_that_became_empty_in_an_absence_of_the_store_is_reported_after_it(
    node: Node,
) -> None:
    node.people.enter("demo", "ann")
    node.wire.away = True
    with pytest.raises(Unavailable):
        await node.loops.counter.step()
    node.people.leave("demo", "ann")
    node.wire.away = False
    await node.loops.counter.step()
    assert node.wire.counted == [{"demo": 0}]
    assert node.people.heard() == []


async def test_newcomer_is_told_by_the_next_step_though_the_count_is_the_same(node: Node) -> None:
    node.people.enter("demo", "ann")
    node.loops.came("demo")
    await node.loops.counter.step()
    assert node.people.heard() == [online(1)]
    node.people.leave("demo", "ann")
    node.people.enter("demo", "bob")
    node.loops.came("demo")
    await node.loops.counter.step()
    assert node.people.heard() == [online(1)]
    await node.loops.counter.step()
    assert node.people.heard() == []


async def test_who_came_and_left_again_leaves_nothing_to_tell(node: Node) -> None:
    node.people.enter("demo", "ann")
    await node.loops.counter.step()
    node.people.leave("demo", "ann")
    node.loops.came("demo")
    await node.loops.counter.step()
    assert not node.loops.counter._due


async def test_many_rooms_are_counted_and_told_in_turns(node: Node) -> None:
    for number in range(4 * ROOMS_AT_ONCE):
        node.people.enter(f"r{number}", "ann")
    step = asyncio.ensure_future(node.loops.counter.step())
    turns, told = 0, [0]
    while not step.done():
        await asyncio.sleep(0)
        turns += 1
        told.append(len(node.people.said))
        node.people.said.clear()
    assert turns >= 8, "four to count and four to tell"
    assert sum(told) == 4 * ROOMS_AT_ONCE
    assert max(told) <= ROOMS_AT_ONCE


async def test_room_that_empties_while_rooms_are_counted_is_not_reported(node: Node) -> None:
    for number in range(2 * ROOMS_AT_ONCE):
        node.people.enter(f"r{number}", "ann")
    step = asyncio.ensure_future(node.loops.counter.step())
    await asyncio.sleep(0)
    node.people.leave(f"r{2 * ROOMS_AT_ONCE - 1}", "ann")
    await step
    [counted] = node.wire.counted
    assert (len(counted), min(counted.values())) == (2 * ROOMS_AT_ONCE - 1, 1)
