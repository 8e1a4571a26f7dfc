from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.push.mailbox import Key
from gateway.push.waiting import LONGEST_S, SIGN_EVERY_S, Waiting, read_wait_s
from room.documents import State
from room.errors import InvalidArgument
from room.position import Position
from room.snapshot import Edition, Snapshot, Stored

KEY = Key("demo", "state")
HERE = Position(7, 3)


def snapshot(version: int) -> Snapshot:
    return Edition(Stored("demo", State("alice"), Position(7, version), 0)).view("member")


class FakeHub:
    """Who follows; nothing is brought to them by itself."""

    def __init__(self) -> None:
        self.followers: set[object] = set()

    def follow(self, key: Key, follower: object) -> None:
        self.followers.add(follower)

    def unfollow(self, key: Key, follower: object) -> None:
        self.followers.discard(follower)


class FakeWheel:
    """Deadlines by entry, in seconds from when they were set."""

    def __init__(self) -> None:
        self.set_s: dict[object, float] = {}

    def set(self, entry: object, in_s: float) -> None:
        self.set_s[entry] = in_s

    def clear(self, entry: object) -> None:
        self.set_s.pop(entry, None)


class Bench:
    """Polls that wait, and how they ended."""

    def __init__(self) -> None:
        self.hub, self.wheel = FakeHub(), FakeWheel()
        self.waiting = Waiting(self.hub, self.wheel)  # type: ignore[arg-type]  # the parts used
        self.ended: list[Snapshot | None] = []
        self.signs = 0

    def sign(self) -> None:
        self.signs += 1

    @property
    def is_clean(self) -> bool:
        return not (len(self.waiting) or self.hub.followers or self.wheel.set_s)


def test_wait_is_parted_by_signs_of_life() -> None:
    bench = Bench()
    waiter = bench.waiting.follow(KEY, "member", HERE, bench.ended.append, bench.sign)
    waiter.begin(2 * SIGN_EVERY_S + 1)
    parts = []
    while not bench.ended:
        parts.append(bench.wheel.set_s.pop(waiter))
        waiter.due()
    assert (parts, bench.signs) == ([SIGN_EVERY_S, SIGN_EVERY_S, 1.0], 2)
    assert bench.ended == [None]
    assert bench.is_clean


def test_wait_of_nobody_known_is_one_deadline() -> None:
    bench = Bench()
    waiter = bench.waiting.follow(KEY, "anonymous", HERE, bench.ended.append)
    waiter.begin(25.0)
    assert bench.wheel.set_s == {waiter: 25.0}
    waiter.due()
    assert bench.ended == [None]


def test_newer_position_ends_the_wait_once_and_the_same_does_not() -> None:
    bench = Bench()
    waiter = bench.waiting.follow(KEY, "member", HERE, bench.ended.append)
    waiter.begin(25.0)
    newer = snapshot(4)
    assert [waiter.offer(snapshot(version)) for version in (2, 3)] == [False, False]
    assert [waiter.offer(newer), waiter.offer(snapshot(5))] == [True, False]
    waiter.release()
    assert bench.ended == [newer]
    assert bench.is_clean


def test_who_leaves_is_told_nothing() -> None:
    bench = Bench()
    waiter = bench.waiting.follow(KEY, "member", HERE, bench.ended.append)
    waiter.begin(25.0)
    waiter.leave()
    assert not waiter.offer(snapshot(4))
    assert bench.ended == []
    assert bench.is_clean


async def test_leaving_node_ends_every_wait_and_says_that_it_leaves() -> None:
    bench = Bench()
    for _ in range(10):
        bench.waiting.follow(KEY, "member", HERE, bench.ended.append).begin(25.0)
    assert not bench.waiting.is_leaving
    bench.waiting.release_all()
    assert bench.waiting.is_leaving
    assert bench.ended == [None] * 10
    assert bench.is_clean


@pytest.mark.parametrize(
    ("text", "wait_s"), [(None, 0), ("0", 0), ("1.5", 1.5), ("3.", 3), ("9999", LONGEST_S)]
)
def test_wait_is_a_number_of_seconds(text: str | None, wait_s: float) -> None:
    assert read_wait_s(text) == wait_s


@given(st.text(max_size=14))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        wait_s = read_wait_s(text)
    except InvalidArgument:
        return
    assert 0 <= wait_s <= LONGEST_S
    assert set(text) <= set("0123456789.")
