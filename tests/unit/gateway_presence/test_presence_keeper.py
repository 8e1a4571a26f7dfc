from __future__ import annotations

import asyncio

import pytest
from presence_samples import LEASE_MS, Node, World, listen, seated_state, turn

from gateway.presence import InOtherRoom, lease_ms
from room.commands import SystemLink
from room.errors import Unavailable
from store.leases import Seated

ANN, BOB = Seated("demo", "ann"), Seated("demo", "bob")


async def sit(node: Node, *user_ids: str, room: str = "demo") -> None:
    for user_id in user_ids:
        await node.take(user_id, room)
    node.world.leases.calls.clear()


@pytest.mark.parametrize(("poll_ms", "expected"), [(0, 15_000), (5_000, 15_000), (6_000, 18_000)])
def test_lease_follows_the_poll_interval_but_is_15_s_at_least(poll_ms: int, expected: int) -> None:
    assert lease_ms(poll_ms) == expected


async def test_step_renews_who_is_connected_or_was_touched(node: Node) -> None:
    await sit(node, "ann", "bob", "cem")
    node.people.enter("demo", "ann")
    node.loops.touch("demo", "bob")
    await node.loops.keeper.step()
    assert [call for call in node.world.leases.calls if call[0] == "renew"] == [
        ("renew", [ANN, BOB])
    ]
    assert node.world.applied == []


async def test_touch_renews_one_lease_only(node: Node) -> None:
    await sit(node, "ann")
    node.loops.touch("demo", "ann")
    await node.loops.keeper.step()
    await node.loops.keeper.step()
    assert node.world.leases.of("renew") == [ANN]


async def test_those_who_are_not_here_get_a_lease_only_where_they_have_none(node: Node) -> None:
    await sit(node, "ann", "bob")
    await node.world.leases.stop([BOB])
    await node.loops.keeper.step()
    assert node.world.leases.of("renew") == []
    assert node.world.leases.of("ensure") == [ANN, BOB]
    node.world.clock.pass_ms(LEASE_MS + 1)
    assert [lapse.seated for lapse in await node.world.leases.lapsed()] == [ANN, BOB]


async def test_present_user_shown_as_lost_is_shown_again(node: Node, world: World) -> None:
    await sit(node, "ann")
    world.put("demo", seated_state("ann", "bob", lost=["ann", "bob"]))
    node.people.enter("demo", "ann")
    await node.loops.keeper.step()
    assert world.applied == [("demo", SystemLink("p_ann", "ok"))]
    assert {user_id: one.link for user_id, one in world.stays().items()} == {
        "ann": "ok",
        "bob": "lost",
    }


async def test_touch_of_a_lost_user_does_not_wait_for_the_next_step(
    node: Node, world: World
) -> None:
    await sit(node, "ann")
    world.put("demo", seated_state("ann", lost=["ann"]))
    node.loops.touch("demo", "ann")
    await node.loops.keeper.revive()
    assert world.leases.of("renew") == [ANN]
    assert world.stays()["ann"].link == "ok"
    await node.loops.keeper.revive()
    assert world.leases.of("renew") == [ANN]


async def test_signs_of_life_during_an_absence_of_the_store_are_renewed_after_it(
    node: Node, world: World
) -> None:
    await sit(node, "ann")
    node.loops.touch("demo", "ann")
    world.leases.away = True
    with pytest.raises(Unavailable):
        await node.loops.keeper.step()
    world.leases.away = False
    await node.loops.keeper.step()
    assert world.leases.of("renew") == [ANN]


async def test_nobody_is_shown_as_back_whose_lease_was_not_renewed(
    node: Node, world: World
) -> None:
    await sit(node, "ann")
    world.put("demo", seated_state("ann", lost=["ann"]))
    node.people.enter("demo", "ann")
    world.leases.away = True
    with pytest.raises(Unavailable):
        await node.loops.keeper.step()
    assert world.applied == []


async def test_one_room_that_fails_does_not_keep_others_from_being_shown(
    node: Node, world: World
) -> None:
    reported = listen()
    for room in ("bad", "worse", "demo"):
        world.open(room)
        await node.take("ann", room)
        world.put(room, seated_state("ann", lost=["ann"]))
        node.people.enter(room, "ann")
    world.errors = {"bad": Unavailable("away"), "worse": ZeroDivisionError("a bug")}
    await node.loops.keeper.step()
    assert world.stays()["ann"].link == "ok"
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]


async def test_take_starts_a_lease_and_leave_stops_it(node: Node, world: World) -> None:
    await node.take("ann")
    assert world.leases.of("renew") == [ANN]
    await node.stand_up("ann")
    assert world.leases.of("stop") == [ANN]
    assert world.leases.of("claim") == []


async def test_several_leases_start_in_one_call(node: Node, world: World) -> None:
    await node.tenure.starting("demo", ["ann", "bob"])
    assert world.leases.calls == [("renew", [ANN, BOB])]


async def test_start_without_the_store_refuses_the_take(node: Node, world: World) -> None:
    world.leases.away = True
    with pytest.raises(Unavailable):
        await node.take("ann")


async def test_end_without_the_store_does_not_fail_the_leave(node: Node, world: World) -> None:
    await node.take("ann")
    world.leases.away = True
    await node.stand_up("ann")
    assert world.stays() == {}


async def test_taking_back_leaves_those_alone_who_sit(node: Node, world: World) -> None:
    await sit(node, "ann")
    await node.tenure.unclaim("demo", "ann")
    assert world.leases.of("stop") == []


async def test_second_seat_in_another_room_is_refused_where_one_is_the_limit(world: World) -> None:
    node = Node(world, single_room_seat=True)
    world.open("other")
    await node.take("ann")
    with pytest.raises(InOtherRoom) as refused:
        await node.tenure.starting("other", ["bob", "ann", "cem"])
    assert refused.value.code == "IN_OTHER_ROOM"
    assert refused.value.user_id == "ann"
    assert world.leases.of("release") == [Seated("other", "bob")]
    await node.stand_up("ann")
    await node.take("ann", "other")
    assert "ann" in world.stays("other")


async def test_second_seat_in_another_room_is_free_without_that_limit(node: Node) -> None:
    node.world.open("other")
    await node.take("ann")
    await node.take("ann", "other")
    assert "ann" in node.world.stays("other")


async def test_claim_lasts_as_long_as_its_user_is_present(world: World) -> None:
    node = Node(world, single_room_seat=True)
    world.open("other")
    await sit(node, "ann")
    node.people.enter("demo", "ann")
    for _ in range(10):
        await node.live(20_000)
        with pytest.raises(InOtherRoom):
            await node.tenure.claim("other", "ann")


async def test_claim_lasts_as_long_as_an_abandoned_seat(world: World) -> None:
    node = Node(world, single_room_seat=True)
    world.open("other")
    await sit(node, "ann")
    while "ann" in world.stays():
        with pytest.raises(InOtherRoom):
            await node.tenure.claim("other", "ann")
        await node.live(1_000)
    assert world.stays() == {}


async def test_running_keeper_does_not_let_a_returned_user_wait_for_the_next_step(
    node: Node, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(seconds: float) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(node.loops.keeper, "_sleep", never)
    await sit(node, "ann")
    world.put("demo", seated_state("ann", lost=["ann"]))
    running = asyncio.create_task(node.loops.keeper.run())
    node.loops.touch("demo", "ann")
    await turn()
    running.cancel()
    await asyncio.wait([running])
    assert world.stays()["ann"].link == "ok"
    await node.tasks.settle()


async def test_rooms_of_present_users_are_the_last_to_be_forgotten(world: World) -> None:
    node = Node(world)
    for room in ("a", "b", "c"):
        world.open(room)
        await node.take("ann", room)
    node.people.enter("a", "ann")
    node.loops.touch("b", "ann")
    await node.loops.keeper.step()
    assert next(node.occupied.slices(1)) == ("c",)


async def test_pause_is_at_most_a_third_of_a_lease(node: Node) -> None:
    running = asyncio.create_task(node.loops.keeper.run())
    await turn(200)
    running.cancel()
    await asyncio.wait([running])
    await node.tasks.settle()
    assert node.slept
    assert all(4.0 <= pause_s <= 5.0 for pause_s in node.slept)


async def test_seat_whose_claim_another_room_has_by_now_is_logged_and_kept(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(world, single_room_seat=True)
    await sit(node, "ann")
    await world.leases.release("ann", "demo")
    await world.leases.claim("ann", "other", LEASE_MS)
    node.people.enter("demo", "ann")
    await node.loops.keeper.step()
    assert [record.__dict__["other"] for record in caplog.records] == ["other"]
    assert "ann" in world.stays()
    assert world.leases.of("renew") == [ANN]


async def test_claim_that_is_not_given_back_does_not_fail_the_leave(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(world, single_room_seat=True)
    await node.take("ann")
    world.leases.away = True
    await node.stand_up("ann")
    assert world.stays() == {}
    assert len(caplog.records) == 2
