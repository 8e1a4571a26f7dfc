"""Polls that wait at the door, without a task of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from edge_answers_samples import EPOCH, STATE, Bench, FakeExchange, bearer, edition, head_of, stored

from gateway.push.hub import Follower
from gateway.push.mailbox import Key
from gateway.push.waiting import RELEASED_AT_ONCE, SIGN_EVERY_S
from room.snapshot import Edition, Stored

WAITING = f"{STATE}?after={EPOCH}.7&wait=20"


@pytest.fixture
async def bench() -> Bench:
    """A door with one room in memory."""
    bench = Bench()
    bench.hold(edition())
    return bench


def with_another_request(room: Stored) -> Edition:
    return Edition(msgspec.structs.replace(room, requests_version=room.requests_version + 1))


async def test_what_is_newer_answers_in_the_sweep(bench: Bench) -> None:
    polls = [bench.ask_now(WAITING), bench.ask_now(WAITING, bearer("bob"))]
    assert (len(bench.waiting), len(bench.hub)) == (2, 1)
    bench.poller.put(edition(8))
    await bench.settle()
    for poll, mark in zip(polls, ("", "-m"), strict=True):
        assert (poll.sent.status, poll.sent.headers["etag"]) == (200, f'"{EPOCH}.8{mark}"')
        assert poll.sent.headers["cache-status"] == "seatsync; hit"
    assert (len(bench.waiting), len(bench.hub)) == (0, 0)
    assert bench.tally.counts == {(200, "hit"): 2}


async def test_what_is_no_newer_ends_no_wait(bench: Bench) -> None:
    poll = bench.ask_now(WAITING)
    bench.hub.publish(edition(7))
    bench.hub.publish(edition(6))
    await bench.settle()
    assert not poll.replies
    assert len(bench.waiting) == 1


async def test_what_is_newer_already_is_not_waited_for(bench: Bench) -> None:
    assert bench.ask_now(f"{STATE}?after={EPOCH}.6&wait=20").sent.status == 200
    assert bench.ask_now(f"{STATE}?wait=20").sent.status == 200
    assert len(bench.waiting) == 0


@pytest.mark.parametrize("lines", [(), (bearer("bob"),)])
async def test_end_of_the_wait_is_204_that_no_cache_keeps(
    bench: Bench, lines: tuple[str, ...]
) -> None:
    poll = bench.ask_now(WAITING, *lines)
    bench.turn(19.5)
    assert not poll.replies
    bench.turn(3.0)
    assert (poll.sent.status, poll.sent.headers["cache-control"]) == (204, "no-store")
    assert (len(bench.waiting), len(bench.hub), bench.is_wheel_empty) == (0, 0, True)
    assert bench.tally.counts == {(204, "hit"): 1}


async def test_the_longest_wait_is_25_s(bench: Bench) -> None:
    poll = bench.ask_now(f"{STATE}?after={EPOCH}.7&wait=9999")
    bench.turn(24.5)
    assert not poll.replies
    bench.turn(1.5)
    assert poll.sent.status == 204


async def test_waiting_is_a_sign_of_life_at_its_start_and_every_5_s(bench: Bench) -> None:
    bench.ask_now(WAITING, bearer("bob"))
    assert bench.touched == [("r1", "bob")]
    for signs in (2, 3, 4):
        bench.turn(SIGN_EVERY_S + 0.5)
        assert len(bench.touched) == signs
    bench.touched.clear()
    bench.hold(edition())
    bench.ask_now(WAITING)
    bench.turn(SIGN_EVERY_S + 0.5)
    assert bench.touched == [], "nobody known waits, and bob's wait is over"


async def test_who_leaves_is_unfollowed_at_once(bench: Bench) -> None:
    poll = bench.ask_now(WAITING, bearer("bob"))
    poll.leave()
    assert (len(bench.waiting), len(bench.hub), bench.is_wheel_empty) == (0, 0, True)
    bench.poller.put(edition(8))
    await bench.settle()
    bench.turn(30)
    assert not poll.replies
    assert len(bench.touched) == 1


async def test_one_who_leaves_in_the_middle_of_a_sweep_is_not_answered(bench: Bench) -> None:
    first, second = bench.ask_now(WAITING), bench.ask_now(WAITING)
    (waiter, _) = bench.hub.followers(Key("r1", "state"))
    first.leave()
    assert not waiter.offer(edition(8).view("anonymous"))
    assert not first.replies
    assert not second.replies


async def test_drain_answers_all_at_once_and_in_slices(bench: Bench) -> None:
    polls = [bench.ask_now(WAITING) for _ in range(3 * RELEASED_AT_ONCE)]
    bench.waiting.release_all()
    assert len(bench.waiting) == 2 * RELEASED_AT_ONCE
    await bench.settle()
    assert {poll.sent.status for poll in polls} == {204}
    assert len(bench.waiting) == 0
    assert bench.ask_now(WAITING).sent.status == 204


async def test_a_poll_that_comes_while_a_slice_is_answered_waits_for_nothing(bench: Bench) -> None:
    for _ in range(2 * RELEASED_AT_ONCE):
        bench.ask_now(WAITING)
    bench.waiting.release_all()
    assert bench.ask_now(WAITING).sent.status == 204


async def test_who_may_read_is_asked_again_when_there_is_something_to_read(bench: Bench) -> None:
    poll = bench.ask_now(f"/v1/rooms/r1/requests?after={EPOCH}.3&wait=20", bearer("adam"))
    bench.poller.put(with_another_request(stored(8, admins=())))
    await bench.settle()
    assert poll.sent.status == 403
    assert bench.tally.counts == {(403, "none"): 1}


async def test_requests_that_change_are_given(bench: Bench) -> None:
    poll = bench.ask_now(f"/v1/rooms/r1/requests?after={EPOCH}.3&wait=20", bearer("adam"))
    bench.poller.put(with_another_request(stored(8)))
    await bench.settle()
    assert (poll.sent.status, poll.sent.headers["etag"]) == (200, f'"{EPOCH}.4-m"')


async def test_a_poll_of_a_cold_room_waits_behind_its_read(bench: Bench) -> None:
    bench.shelf.rooms["r2"] = stored(7, "r2")
    exchange = FakeExchange(head_of(WAITING.replace("r1", "r2")))
    work = bench.begin(exchange)
    assert work is not None
    await work
    assert not exchange.replies
    assert len(bench.waiting) == 1
    bench.poller.put(edition(8, "r2"))
    await bench.settle()
    assert exchange.sent.status == 200


async def test_a_poll_that_waits_has_no_task(bench: Bench) -> None:
    before = len(asyncio.all_tasks())
    for _ in range(100):
        bench.ask_now(WAITING)
    assert len(asyncio.all_tasks()) == before
    bench.waiting.release_all()


def interleaved(bench: Bench, monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
    """Let something change between what was found and that the poll follows."""
    follow = bench.hub.follow

    def follow_late(key: Key, follower: Follower) -> None:
        change()
        follow(key, follower)

    monkeypatch.setattr(bench.hub, "follow", follow_late)


async def test_a_change_just_before_it_follows_is_not_missed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    interleaved(bench, monkeypatch, lambda: bench.hold(edition(8)))
    poll = bench.ask_now(WAITING)
    assert (poll.sent.status, poll.sent.headers["etag"]) == (200, f'"{EPOCH}.8"')
    assert (len(bench.waiting), len(bench.hub), bench.is_wheel_empty) == (0, 0, True)


async def test_a_room_that_is_lost_just_before_it_follows_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose() -> None:
        bench.poller._cache.drop("r1")
        bench.poller._cache.put_missing("r1")

    interleaved(bench, monkeypatch, lose)
    assert (await bench.ask(WAITING)).status == 404
    assert (len(bench.waiting), len(bench.hub), bench.is_wheel_empty) == (0, 0, True)
    assert bench.tally.counts == {(404, "none"): 1}


def fail(*_: Any) -> Any:
    raise ZeroDivisionError


@pytest.mark.parametrize("is_newer", [False, True])
async def test_error_of_an_answer_is_told_to_the_exchange_and_not_to_the_sweep(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, is_newer: bool
) -> None:
    """Else the connection would wait for its answer for ever."""
    poll = bench.ask_now(WAITING)
    monkeypatch.setattr(bench.polls, "send", fail)
    if is_newer:
        bench.poller.put(edition(8))
        await bench.settle()
    else:
        bench.turn(25.5)
    assert [type(error) for error in poll.broken] == [ZeroDivisionError]
    assert (len(bench.waiting), len(bench.hub), bench.is_wheel_empty) == (0, 0, True)


async def test_any_error_at_the_beginning_of_a_wait_leaves_no_waiter(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.edge.long_polls.find_readable_now", fail)
    with pytest.raises(ZeroDivisionError):
        bench.ask_now(WAITING)
    assert (len(bench.waiting), len(bench.hub), bench.is_wheel_empty) == (0, 0, True)
