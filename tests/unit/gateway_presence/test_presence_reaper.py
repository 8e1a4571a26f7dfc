from __future__ import annotations

import asyncio

import pytest
from presence_samples import GRACE_MS, LEASE_MS, Node, World, listen, seated_state, turn

from gateway.presence import reaper as reaping
from gateway.presence.quiet import TOLERATED_MS
from room.commands import SystemLink, SystemReap
from room.errors import SeatsyncError, Unavailable
from store.leases import Seated

ANN = Seated("demo", "ann")
QUIET_MS = LEASE_MS + GRACE_MS


@pytest.fixture
async def old(node: Node) -> Node:
    """A node whose first grace is over."""
    node.world.clock.pass_ms(QUIET_MS)
    return node


async def test_abandoned_seat_is_lost_after_the_lease_and_empty_after_the_grace(old: Node) -> None:
    world = old.world
    await old.take("ann")
    (stay,) = world.stays().values()
    await old.live(LEASE_MS - 1000)
    assert world.applied == []
    await old.live(3000)
    assert world.stays()["ann"].link == "lost"
    await old.live(GRACE_MS - 3000)
    assert "ann" in world.stays()
    await old.live(3000)
    assert world.stays() == {}
    assert world.changed == [
        SystemLink(stay.participation_id, "lost"),
        SystemReap(stay.participation_id, "lease_expired"),
    ]
    assert await world.leases.lapsed() == []


async def test_lost_user_is_shown_so_once(old: Node) -> None:
    await old.take("ann")
    await old.live(LEASE_MS + 3000)
    old.found.clear()
    await old.live(GRACE_MS - 4000)
    assert len(old.world.applied) == 1
    assert old.found == []


async def test_user_whom_another_node_showed_as_lost_is_not_shown_so_again(
    world: World, old: Node
) -> None:
    await Node(world, "gone").take("ann")
    world.clock.pass_ms(LEASE_MS + 1000)
    world.put("demo", seated_state("ann", lost=["ann"]))
    await old.loops.reaper.step()
    assert old.found == ["demo"]
    assert world.applied == []


async def test_lease_of_nobody_on_a_seat_is_forgotten(old: Node) -> None:
    await old.tenure.claim("demo", "ann")
    await old.live(LEASE_MS + 3000)
    assert old.world.leases.of("stop") == [ANN]
    assert old.world.applied == []


async def test_lease_of_a_room_that_is_not_there_is_forgotten(old: Node) -> None:
    await old.tenure.claim("nowhere", "ann")
    await old.live(LEASE_MS + 3000)
    assert old.world.leases.of("stop") == [Seated("nowhere", "ann")]


async def test_cold_room_is_loaded_and_reaped(world: World, old: Node) -> None:
    await Node(world, "gone").take("ann")
    await old.live(QUIET_MS + 3000)
    assert world.stays() == {}


async def test_whoever_is_present_here_is_renewed_instead(old: Node) -> None:
    await old.take("ann")
    old.world.clock.pass_ms(QUIET_MS)
    old.people.enter("demo", "ann")
    old.world.leases.calls.clear()
    await old.loops.reaper.step()
    assert old.world.applied == []
    assert old.world.leases.calls == [("lapsed", []), ("renew", [ANN])]
    assert await old.world.leases.lapsed() == []


async def test_touch_that_is_not_yet_a_renewed_lease_saves_the_seat(old: Node) -> None:
    await old.take("ann")
    old.world.clock.pass_ms(QUIET_MS)
    old.loops.touch("demo", "ann")
    await old.loops.reaper.step()
    assert "ann" in old.world.stays()


async def test_whoever_comes_while_the_room_is_read_keeps_the_seat(
    old: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await old.take("ann")
    old.world.clock.pass_ms(QUIET_MS)
    find = old.find

    async def come_meanwhile(room: str) -> object:
        old.people.enter("demo", "ann")
        return await find(room)

    monkeypatch.setattr(old, "find", come_meanwhile)
    await old.loops.reaper.step()
    assert "ann" in old.world.stays()
    assert await old.world.leases.lapsed() == []


async def test_node_that_has_just_started_shows_nobody_as_lost_and_reaps_nobody(
    world: World,
) -> None:
    await Node(world, "gone").take("ann")
    world.clock.pass_ms(10 * QUIET_MS)
    node = Node(world)
    await node.live(LEASE_MS - 1000)
    assert world.applied == []
    await node.live(3000)
    assert world.stays()["ann"].link == "lost"
    await node.live(QUIET_MS - LEASE_MS - 3000)
    assert "ann" in world.stays()
    await node.live(3000)
    assert world.stays() == {}


async def test_absence_of_the_store_begins_the_quiet_time_anew(old: Node) -> None:
    world = old.world
    await old.take("ann")
    world.leases.away = True
    for _ in range(60):
        world.clock.pass_ms(2000)
        with pytest.raises(Unavailable):
            await old.loops.reaper.step()
    world.leases.away = False
    await old.live(QUIET_MS - 2000)
    assert "ann" in world.stays()
    await old.live(5000)
    assert world.stays() == {}


async def test_absence_that_only_commands_met_begins_the_quiet_time_anew(old: Node) -> None:
    world = old.world
    await old.take("ann")
    world.clock.pass_ms(QUIET_MS - 1000)
    world.leases.away = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await old.tenure.claim("demo", "bob")
        world.clock.pass_ms(TOLERATED_MS // 2)
    world.leases.away = False
    await old.loops.reaper.step()
    assert world.applied == []
    assert old.quiet.lasted_ms == 0


async def test_absence_is_noticed_in_the_quiet_time_too(node: Node) -> None:
    node.world.clock.pass_ms(LEASE_MS - 1000)
    node.world.leases.away = True
    with pytest.raises(Unavailable):
        await node.loops.reaper.step()
    assert node.quiet.lasted_ms == LEASE_MS - 1000
    node.world.clock.pass_ms(TOLERATED_MS)
    assert node.quiet.lasted_ms == 0


async def test_call_that_fails_among_others_keeps_no_node_quiet(old: Node) -> None:
    """A store that drops one call in three, for as long as it likes."""
    world = old.world
    await old.take("ann")
    for second in range(0, QUIET_MS // 1000 + 4, 2):
        world.clock.pass_ms(2000)
        world.leases.away = second % 6 == 0
        if world.leases.away:
            with pytest.raises(Unavailable):
                await old.loops.reaper.step()
        else:
            await old.loops.reaper.step()
    assert world.stays() == {}


async def test_whoever_took_the_seat_anew_is_not_reaped_for_the_old_lapse(
    world: World, old: Node
) -> None:
    await old.tenure.claim("demo", "ann")
    world.clock.pass_ms(QUIET_MS)
    lapses = await world.leases.lapsed()
    await old.take("ann")
    await old.loops.reaper._judge("demo", lapses, world.clock())
    assert "ann" in world.stays()


async def test_list_of_lapses_is_not_believed_for_long(old: Node) -> None:
    await old.take("ann")
    old.world.clock.pass_ms(QUIET_MS)
    lapses = await old.world.leases.lapsed()
    asked_ms = old.world.clock()
    old.world.clock.pass_ms(reaping.BELIEVE_MS + 1)
    await old.loops.reaper._judge("demo", lapses, asked_ms)
    assert "ann" in old.world.stays()


async def test_rooms_that_fail_stop_neither_the_others_nor_later_steps(
    world: World, old: Node
) -> None:
    reported = listen()
    for room in ("away", "busy", "broken", "demo"):
        world.open(room)
        await old.take("ann", room)
    world.errors = {
        "away": Unavailable("away"),
        "busy": SeatsyncError("try again", code="CONFLICT_RETRY"),
        "broken": ZeroDivisionError("a bug"),
    }
    world.clock.pass_ms(QUIET_MS)
    await old.loops.reaper.step()
    assert world.stays("demo") == {}
    assert len(world.stays("busy")) == 1
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]
    world.errors.clear()
    await old.loops.reaper.step()
    assert not any(world.stays(room) for room in ("away", "busy", "broken"))


async def test_loop_lives_through_expected_and_unexpected_errors(
    old: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = listen()
    failures: list[BaseException] = [Unavailable("away"), ZeroDivisionError("a bug")]
    asked: list[int] = []

    async def lapsed(limit: int = 1000) -> list[object]:
        asked.append(limit)
        if failures:
            raise failures.pop(0)
        return []

    monkeypatch.setattr(old.world.leases, "lapsed", lapsed)
    running = asyncio.create_task(old.loops.reaper.run())
    await turn(100)
    running.cancel()
    await asyncio.wait([running])
    await old.tasks.settle()
    assert len(asked) > 3
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]
    assert all(1.6 <= pause_s <= 2.4 for pause_s in old.slept)
