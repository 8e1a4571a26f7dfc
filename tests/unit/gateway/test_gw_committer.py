from __future__ import annotations

import asyncio
from typing import Any

import pytest
from committer_samples import OWNER, START_MS, Desk

from gateway.commits.committer import LARGEST_BATCH, MOST_WAITING, RETRY_FOR_MS
from gateway.commits.workings import Pending
from room.actor import SYSTEM, Actor
from room.commands import Envelope, SystemExpire, read_request
from room.errors import RoomNotFound, SeatsyncError, Unavailable
from store.port import BaseMoved

ANN, BOB, CEE = Actor("ann"), Actor("bob"), Actor("cee")


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    await made.open()
    return made


async def code_of(future: asyncio.Future[Any]) -> str:
    with pytest.raises(SeatsyncError) as refusal:
        await future
    return refusal.value.code


async def test_command_is_held_here_before_it_is_answered(desk: Desk) -> None:
    outcome = await desk.send(ANN, "seat.take", seat_index=1)
    assert outcome.ack is not None
    held = desk.poller.held("demo")
    assert held is not None
    assert held.position == outcome.ack.position == desk.stored().position
    assert desk.told == ["demo"]


async def test_commands_that_wait_together_are_one_commit(desk: Desk) -> None:
    desk.shelf.gate = asyncio.Event()
    first = desk.submit(ANN, "seat.take", seat_index=1)
    await asyncio.sleep(0)
    others = [
        desk.submit(BOB, "seat.take", seat_index=2),
        desk.submit(CEE, "seat.take", seat_index=3),
    ]
    desk.shelf.gate.set()
    versions = [(await future).ack.version for future in (first, *others)]  # type: ignore[union-attr]
    assert versions == [3, 4, 5]
    assert [len(write.acks) for write in desk.shelf.commits] == [1, 2]


async def test_of_many_who_want_one_seat_the_first_has_it_and_the_version_rises_by_one(
    desk: Desk,
) -> None:
    before = desk.stored().position.version
    futures = [desk.submit(Actor(f"u{i}"), "seat.take", seat_index=1) for i in range(300)]
    results = await asyncio.gather(*futures, return_exceptions=True)
    won = [i for i, result in enumerate(results) if not isinstance(result, BaseException)]
    assert won == [0]
    codes = {result.code for result in results if isinstance(result, SeatsyncError)}
    assert codes == {"SEAT_OCCUPIED"}
    assert {result.position for result in results if isinstance(result, SeatsyncError)} == {
        desk.stored().position
    }
    assert desk.stored().position.version == before + 1
    assert LARGEST_BATCH < 300


async def test_refusal_is_the_stores_word_not_this_nodes_memory(desk: Desk) -> None:
    """Another node has freed the seat; this one has not heard of it yet."""
    other = Desk(desk.shelf)
    await desk.send(ANN, "seat.take", seat_index=1)
    await other.send(ANN, "seat.leave")
    outcome = await desk.send(BOB, "seat.take", seat_index=1)
    assert outcome.changed


async def test_change_computed_from_an_old_room_is_computed_again(desk: Desk) -> None:
    other = Desk(desk.shelf)
    await other.send(ANN, "seat.take", seat_index=1)
    outcome = await desk.send(BOB, "seat.take", seat_index=2)
    assert outcome.ack is not None
    assert outcome.ack.version == 4
    assert desk.stored().state.seated_users() == {"ann", "bob"}


async def test_resent_command_gets_its_first_ack_from_any_node(desk: Desk) -> None:
    first = await desk.send(ANN, "seat.take", cmd_id="c", seat_index=1)
    await desk.send(ANN, "seat.leave")
    for node in (desk, Desk(desk.shelf)):
        again = await node.send(ANN, "seat.take", cmd_id="c", seat_index=1)
        assert again.ack == first.ack
    assert desk.stored().state.seated_users() == frozenset()


async def test_lost_reply_is_no_second_change(desk: Desk) -> None:
    desk.shelf.loses_replies = True
    with pytest.raises(Unavailable):
        await desk.send(ANN, "seat.take", cmd_id="c", seat_index=1)
    desk.shelf.loses_replies = False
    again = await desk.send(ANN, "seat.take", cmd_id="c", seat_index=1)
    assert again.ack is not None
    assert again.ack.version == 3 == desk.stored().position.version
    held = desk.poller.held("demo")
    assert held is not None
    assert held.position == again.ack.position


async def test_key_used_for_another_command_is_refused(desk: Desk) -> None:
    await desk.send(ANN, "seat.take", cmd_id="c", seat_index=1)
    assert await code_of(desk.submit(ANN, "seat.take", cmd_id="c", seat_index=2)) == (
        "IDEMPOTENCY_KEY_REUSED"
    )


async def test_same_key_twice_at_once_is_applied_once(desk: Desk) -> None:
    futures = [desk.submit(ANN, "seat.take", cmd_id="c", seat_index=1) for _ in range(5)]
    acks = {(await future).ack.version for future in futures}  # type: ignore[union-attr]
    assert acks == {3}


async def test_no_op_keeps_its_ack_and_raises_nothing(desk: Desk) -> None:
    before = desk.stored().revision
    outcome = await desk.send(OWNER, "seat.unlock", cmd_id="n", seat_index=1)
    assert (outcome.changed, desk.stored().revision) == (False, before)
    assert len(desk.shelf.commits) == 1
    assert desk.told == []
    again = await desk.send(OWNER, "seat.unlock", cmd_id="n", seat_index=1)
    assert again.ack == outcome.ack


async def test_refusal_between_two_changes_stands_alone(desk: Desk) -> None:
    desk.shelf.gate = asyncio.Event()
    first = desk.submit(ANN, "seat.take", seat_index=1)
    await asyncio.sleep(0)
    taken = desk.submit(BOB, "seat.take", seat_index=1)
    free = desk.submit(CEE, "seat.take", seat_index=2)
    desk.shelf.gate.set()
    await first
    assert await code_of(taken) == "SEAT_OCCUPIED"
    assert (await free).changed


async def test_if_version_is_judged_where_the_command_stands_in_its_batch(desk: Desk) -> None:
    at = desk.stored().position
    desk.shelf.gate = asyncio.Event()
    first = desk.submit(ANN, "seat.take", seat_index=1)
    await asyncio.sleep(0)
    desk.shelf.gate.set()
    await first
    request_at_old = Desk(desk.shelf)
    request = read_request(Envelope("seat.take", "v", {"seat_index": 2}, if_version=str(at)))
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    request_at_old.committer.submit("demo", Pending(BOB, request.command, request, future))
    assert await code_of(future) == "VERSION_MISMATCH"


async def test_whoever_leaves_does_not_stop_their_command(desk: Desk) -> None:
    desk.shelf.gate = asyncio.Event()
    future = desk.submit(ANN, "seat.take", seat_index=1)
    await asyncio.sleep(0)
    future.cancel()
    desk.shelf.gate.set()
    await desk.tasks.settle()
    assert desk.stored().state.seated_users() == {"ann"}


async def test_store_away_fails_every_command_of_the_batch(desk: Desk) -> None:
    desk.shelf.is_away = True
    futures = [desk.submit(actor, "seat.take", seat_index=1) for actor in (ANN, BOB)]
    for future in futures:
        assert await code_of(future) == "UNAVAILABLE"
    desk.shelf.is_away = False
    assert (await desk.send(CEE, "seat.take", seat_index=1)).changed
    assert len(desk.committer) == 0


async def test_room_that_is_not_there_is_said_to_all(desk: Desk) -> None:
    futures = [desk.submit(actor, "seat.leave", room="nowhere") for actor in (ANN, BOB)]
    for future in futures:
        with pytest.raises(RoomNotFound):
            await future


async def test_race_that_is_lost_for_too_long_ends(desk: Desk) -> None:
    commit = desk.shelf.commit

    async def always_late(*arguments: Any) -> None:
        desk.now_ms += RETRY_FOR_MS // 3
        raise BaseMoved("late")

    desk.shelf.commit = always_late  # type: ignore[method-assign]
    assert await code_of(desk.submit(ANN, "seat.take", seat_index=1)) == "CONFLICT_RETRY"
    assert desk.seats.taken == []
    desk.shelf.commit = commit  # type: ignore[method-assign]
    assert (await desk.send(ANN, "seat.take", cmd_id="later", seat_index=1)).changed


async def test_broken_rule_fails_its_batch_and_is_reported_and_the_next_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, facts: reported.append(facts))

    async def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.committer, "_compute", broken)
    future = desk.submit(ANN, "seat.take", seat_index=1)
    with pytest.raises(ZeroDivisionError):
        await future
    later = desk.submit(BOB, "seat.take", seat_index=1)
    monkeypatch.undo()
    assert (await later).changed
    await desk.tasks.settle()
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]


async def test_seat_is_claimed_before_the_commit_and_given_back_after_leaving(desk: Desk) -> None:
    await desk.send(ANN, "seat.take", seat_index=1)
    assert desk.seats.taken == ["ann"]
    await desk.send(ANN, "seat.leave")
    assert desk.seats.taken == []


async def test_who_sits_in_another_room_is_refused_alone(desk: Desk) -> None:
    desk.seats.elsewhere.add("ann")
    desk.shelf.gate = asyncio.Event()
    first = desk.submit(CEE, "seat.take", seat_index=3)
    await asyncio.sleep(0)
    ann, bob = (desk.submit(who, "seat.take", seat_index=1) for who in (ANN, BOB))
    desk.shelf.gate.set()
    await first
    assert await code_of(ann) == "IN_OTHER_ROOM"
    assert (await bob).changed
    assert sorted(desk.seats.taken) == ["bob", "cee"]


async def test_claim_is_given_back_where_the_seat_was_lost_to_another_node(desk: Desk) -> None:
    other = Desk(desk.shelf)
    await other.send(BOB, "seat.take", seat_index=1)
    assert await code_of(desk.submit(ANN, "seat.take", seat_index=1)) == "SEAT_OCCUPIED"
    assert desk.seats.taken == []


async def test_command_of_the_server_keeps_no_ack_and_a_no_op_writes_nothing(desk: Desk) -> None:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    desk.committer.submit("demo", Pending(SYSTEM, SystemExpire(), None, future))
    outcome = await future
    assert (outcome.changed, outcome.ack, desk.shelf.commits) == (False, None, [])


async def test_requests_have_their_own_version_in_the_ack(desk: Desk) -> None:
    await desk.send(OWNER, "seat.mode.set", mode="apply")
    state_at = desk.stored().position
    outcome = await desk.send(ANN, "request.apply")
    assert outcome.ack is not None
    assert outcome.ack.position == state_at == desk.stored().position
    assert outcome.ack.positions == {"requests": f"{START_MS}.2"}
    assert str(desk.stored().requests_position) == f"{START_MS}.2"


async def test_those_who_leave_together_let_go_together(desk: Desk) -> None:
    """A store that is silent holds the room back once, not once for each of them."""
    people = [Actor(f"u{number}") for number in range(8)]
    for person in people:
        await desk.send(person, "seat.take", seat_index=-1)
    under_way, most = 0, 0

    async def slow(room: str, user_id: str) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    desk.seats.unclaim = slow  # type: ignore[method-assign]
    await desk.send(OWNER, "session.end")
    assert most == len(people)


async def test_command_too_many_is_refused_at_once_and_the_others_are_carried_out(
    desk: Desk,
) -> None:
    desk.shelf.gate = asyncio.Event()
    first = desk.submit(ANN, "seat.leave", cmd_id="first")
    await asyncio.sleep(0)
    waiting = [desk.submit(ANN, "seat.leave", cmd_id=f"c{n}") for n in range(MOST_WAITING)]
    late = desk.submit(BOB, "seat.leave")
    assert await code_of(late) == "OVERLOADED"
    desk.shelf.gate.set()
    await asyncio.gather(first, *waiting)
    assert (await desk.send(BOB, "seat.leave")).ack is not None


async def test_seats_of_one_batch_are_claimed_together(desk: Desk) -> None:
    """Claimed one after the other, a slow store would hold the room back once for each."""
    claim, under_way, most = desk.seats.claim, 0, 0

    async def slow(room: str, user_id: str) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        await claim(room, user_id)

    desk.seats.claim = slow  # type: ignore[method-assign]
    desk.seats.elsewhere.add("u3")
    futures = [desk.submit(Actor(f"u{n}"), "seat.take", seat_index=-1) for n in range(8)]
    assert await code_of(futures[3]) == "IN_OTHER_ROOM"
    seats = [(await futures[n]).ack.result["seat_index"] for n in (0, 1, 2, 4, 5, 6, 7)]  # type: ignore[union-attr]
    assert seats == [1, 2, 3, 4, 5, 6, 7]
    assert most == 8
    assert "u3" not in desk.seats.taken


async def test_seat_of_one_who_sits_elsewhere_goes_to_the_next_who_asked(desk: Desk) -> None:
    desk.seats.elsewhere.add("ann")
    ann, bob = (desk.submit(who, "seat.take", seat_index=1) for who in (ANN, BOB))
    assert await code_of(ann) == "IN_OTHER_ROOM"
    assert (await bob).changed
    assert desk.seats.taken == ["bob"]


@pytest.mark.parametrize(
    ("actor", "name", "args", "code"),
    [
        (ANN, "seat.lock", {"seat_index": 1}, "FORBIDDEN"),
        (BOB, "seat.take", {"seat_index": 1}, "USER_BANNED"),
        (ANN, "seat.take", {"seat_index": 99}, "VERSION_MISMATCH"),
    ],
)
async def test_if_version_is_judged_after_ban_and_permission_and_before_the_seat(
    desk: Desk, actor: Actor, name: str, args: dict[str, Any], code: str
) -> None:
    await desk.send(OWNER, "user.ban", user_id="bob")
    request = read_request(Envelope(name, "v", args, if_version="1.1"))
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    desk.committer.submit("demo", Pending(actor, request.command, request, future))
    assert await code_of(future) == code
