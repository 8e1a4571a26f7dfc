from __future__ import annotations

import msgspec
import pytest
from presence_samples import EPOCH, Node, World, edition, listen, seated_state

from gateway.presence import deadlines as due
from gateway.presence.deadlines import Deadlines, next_moment_ms
from room.commands import SystemExpire
from room.documents import Person, Requests, SeatRequest, State
from room.errors import Unavailable
from room.rules.system import IDLE_SESSION_MS
from room.snapshot import Edition


def request(name: str, expires_at_ms: int) -> SeatRequest:
    return SeatRequest(name, "apply", Person(name, name, ""), name, EPOCH, expires_at_ms)


def waiting(*expiries_ms: int, room: str = "demo") -> Edition:
    """A room in which requests wait."""
    items = tuple(request(f"q{n}", at_ms) for n, at_ms in enumerate(expiries_ms))
    bare = edition(seated_state("-"), room)
    return Edition(msgspec.structs.replace(bare.stored, requests=Requests(items)))


def empty_since(at_ms: int) -> State:
    state = seated_state("-")
    assert state.session is not None
    session = msgspec.structs.replace(state.session, empty_since_ms=at_ms)
    return msgspec.structs.replace(state, session=session)


def fill(world: World, at_ms: int, room: str = "demo") -> None:
    """Let a request wait in a room of the world."""
    world.open(room)
    world.put(room, world.rooms[room].state, Requests((request("bob", at_ms),)))


async def pass_to(node: Node, at_ms: int) -> None:
    node.world.clock.now_ms = at_ms
    await node.loops.deadlines.step()


def test_nothing_runs_out_where_nothing_waits() -> None:
    assert next_moment_ms(edition(seated_state("ann")).stored) is None
    assert next_moment_ms(edition(State("owner")).stored) is None


def test_earliest_of_requests_and_empty_session_is_next() -> None:
    assert next_moment_ms(waiting(EPOCH + 9, EPOCH + 5).stored) == EPOCH + 5
    assert next_moment_ms(edition(empty_since(EPOCH)).stored) == EPOCH + IDLE_SESSION_MS


async def test_request_that_runs_out_is_expired_soon_after_and_not_before(
    node: Node, world: World
) -> None:
    fill(world, EPOCH + 60_000)
    await node.find("demo")
    await pass_to(node, EPOCH + 59_999)
    assert world.applied == []
    await pass_to(node, EPOCH + 60_000 + due.JITTER_MS)
    assert world.applied == [("demo", SystemExpire())]
    assert world.rooms["demo"].requests.items == ()
    assert len(node.loops.deadlines) == 0
    await pass_to(node, EPOCH + 600_000)
    assert len(world.applied) == 1


async def test_session_that_nobody_sits_in_ends_after_300_s(node: Node, world: World) -> None:
    world.put("demo", empty_since(EPOCH))
    await node.find("demo")
    await pass_to(node, EPOCH + IDLE_SESSION_MS - 1)
    assert world.rooms["demo"].state.session is not None
    await pass_to(node, EPOCH + IDLE_SESSION_MS + due.JITTER_MS)
    assert world.rooms["demo"].state.session is None


async def test_deadline_that_was_moved_or_lifted_is_skipped(node: Node, world: World) -> None:
    deadlines = node.loops.deadlines
    deadlines.observe(waiting(EPOCH + 1000), None)
    deadlines.observe(waiting(EPOCH + 9000), None)
    deadlines.observe(waiting(EPOCH + 1000, room="r2"), None)
    deadlines.observe(waiting(room="r2"), None)
    await pass_to(node, EPOCH + 5000)
    assert world.applied == []
    await pass_to(node, EPOCH + 9000 + due.JITTER_MS)
    assert [room for room, _ in world.applied] == ["demo"]


async def test_room_that_failed_is_tried_again_and_holds_up_no_other(
    node: Node, world: World
) -> None:
    reported = listen()
    for room in ("away", "broken", "demo"):
        fill(world, EPOCH + 1000, room)
        await node.find(room)
    world.errors = {"away": Unavailable("away"), "broken": ZeroDivisionError("a bug")}
    await pass_to(node, EPOCH + 2000)
    assert world.rooms["demo"].requests.items == ()
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]
    world.errors.clear()
    await pass_to(node, EPOCH + 2001)
    assert len(world.applied) == 3
    await pass_to(node, EPOCH + 2000 + due.RETRY_MS + due.JITTER_MS)
    assert world.rooms["away"].requests.items == world.rooms["broken"].requests.items == ()


async def test_room_that_is_gone_is_forgotten(node: Node) -> None:
    node.loops.deadlines.observe(waiting(EPOCH + 1000, room="nowhere"), None)
    await pass_to(node, EPOCH + 2000)
    assert len(node.loops.deadlines) == 0


async def test_one_step_does_a_bounded_amount_of_work(
    node: Node, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "ROOMS_A_STEP", 2)
    for n in range(3):
        fill(world, EPOCH + 1000, f"r{n}")
        await node.find(f"r{n}")
    await pass_to(node, EPOCH + 2000)
    assert len(world.applied) == 2
    await pass_to(node, EPOCH + 2000)
    assert len(world.applied) == 3


def test_rooms_are_bounded_and_the_one_set_longest_ago_goes(node: Node) -> None:
    deadlines = Deadlines(
        node,
        node.tasks,
        clock_ms=node.world.clock,
        rng=node.loops.deadlines._rng,
        sleep=node.sleep,
        max_rooms=2,
    )
    for room in ("a", "b", "c"):
        deadlines.observe(waiting(EPOCH + 1000, room=room), None)
    assert list(deadlines._due_ms) == ["b", "c"]


def test_entries_that_were_replaced_do_not_pile_up(node: Node) -> None:
    deadlines = node.loops.deadlines
    for n in range(1000):
        deadlines.observe(waiting(EPOCH + 10_000 + n), None)
    assert len(deadlines) == 1
    assert len(deadlines._heap) <= 2 + 64
