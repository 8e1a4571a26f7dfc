from __future__ import annotations

import asyncio

import pytest
from presence_samples import Node, World, listen, seated_state, turn


async def run_for_a_while(node: Node) -> None:
    running = asyncio.create_task(node.loops.run())
    await turn(100)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await node.tasks.settle()


async def test_every_loop_runs_until_it_is_cancelled(node: Node, world: World) -> None:
    await node.take("ann")
    node.people.enter("demo", "ann")
    node.loops.speak("demo", "ann", "c1", on=True)
    await run_for_a_while(node)
    assert {"renew", "lapsed"} <= {name for name, _ in world.leases.calls}
    assert node.wire.counted
    assert node.wire.spoken


async def test_store_that_is_away_ends_no_loop(node: Node, world: World) -> None:
    reported = listen()
    await node.take("ann")
    node.people.enter("demo", "ann")
    world.leases.away = node.wire.away = True
    await run_for_a_while(node)
    assert reported == []


async def test_one_observer_tells_every_part(node: Node, world: World) -> None:
    world.put("demo", seated_state("ann", lost=["ann"]))
    node.people.enter("demo", "ann")
    await node.find("demo")
    assert node.occupied.find("demo", "ann") is not None
    assert node.loops.presence.has_returned.is_set()
