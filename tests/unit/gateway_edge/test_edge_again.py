"""The same request is answered by the same bytes, and never by what no longer holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.config import Rate
from gateway.edge.door import Door
from gateway.edge.house import House
from gateway.edge.polls import Polls
from gateway.edge.replies import problem_reply
from gateway.loop.tick import Tick
from gateway.origins import Origins
from room.position import Position
from tests.unit.gateway_edge.edge_answers_samples import (
    EPOCH,
    NOW_S,
    ROOM,
    STATE,
    Bench,
    bearer,
    edition,
    score,
)
from tests.unit.gateway_edge.edge_door_samples import Wire

PAGE = "https://page.example"


class Street:
    """A bench behind real doors, on a clock that a test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        self.bench = bench = Bench(**settings)
        self.asked = 0
        self.tick = Tick(lambda: int(bench.wall() * 1000), lambda: bench.interval_ms)
        bench.polls._tick = self.tick
        bench.polls.is_bounded = settings.get("user_polls") is not None
        self.house = House(
            route=bench.routes.find,
            lend=lambda: None,  # type: ignore[arg-type, return-value]  # nothing is lent here
            fail=problem_reply,
            origins=Origins((PAGE,), None),
            varies=False,
            wheel=bench.wheel,
            date=lambda: b"Date: now\r\n",
            tick=self.tick,
        )
        self._count(monkeypatch)
        self.pass_(0)

    def _count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        send: Callable[..., None] = Polls.send_again

        def counted(*given: Any) -> None:
            self.asked += 1
            send(*given)

        monkeypatch.setattr(Polls, "send_again", counted)

    def pass_(self, seconds: float) -> None:
        """Let time pass, as the probe tells it."""
        self.bench.wall.now_s += seconds
        self.bench.monotonic.now_s += seconds
        self.tick.beat(self.bench.monotonic.now_s)

    def door(self) -> Callable[..., bytes]:
        """Open a connection; gives what asks on it."""
        door, wire = Door(self.house), Wire()
        door.connection_made(wire)

        def ask(*lines: str, target: str = STATE, method: str = "GET") -> bytes:
            text = (f"{method} {target} HTTP/1.1", "Host: here:8080", *lines, "", "")
            door.data_received("\r\n".join(text).encode())
            return wire.take()

        return ask


@pytest.fixture
async def street(monkeypatch: pytest.MonkeyPatch) -> Street:
    made = Street(monkeypatch)
    made.bench.hold(edition(7))
    return made


async def test_same_request_gets_the_same_bytes_without_a_question(street: Street) -> None:
    ask = street.door()
    answers = {ask() for _ in range(5)}
    assert len(answers) == 1
    assert street.asked == 1
    assert street.bench.tally.counts == {(200, "hit"): 5}


async def test_doors_share_the_bytes_and_each_is_looked_at_once(street: Street) -> None:
    first, second = street.door(), street.door()
    assert first() == second() == second()
    assert street.asked == 2


async def test_newer_edition_is_told_at_once(street: Street) -> None:
    ask = street.door()
    ask()
    before = ask()
    street.bench.hold(edition(8))
    after = ask()
    assert str(Position(EPOCH, 7)).encode() in before
    assert str(Position(EPOCH, 8)).encode() in after


async def test_what_left_memory_is_asked_for(street: Street) -> None:
    ask = street.door()
    ask()
    street.bench.poller._cache.drop(ROOM)
    ask()
    assert street.bench.shelf.reads == 0, "the read is under way; what is gone was not told again"
    assert street.asked == 1


async def test_confirmed_too_long_ago_is_no_longer_a_hit(street: Street) -> None:
    ask = street.door()
    ask()
    street.bench.wall.now_s -= 1.5  # the same second again: the era does not end
    street.pass_(1.5)
    assert b"hit; ttl=-1" in ask()


async def test_each_second_the_caller_is_looked_at_in_full(street: Street) -> None:
    ask, token = street.door(), bearer("ann", NOW_S + 2.5)
    for _ in range(3):
        assert ask(token).startswith(b"HTTP/1.1 200")
    assert len(street.bench.touched) == 1
    street.pass_(1.0)
    assert ask(token).startswith(b"HTTP/1.1 200")
    assert len(street.bench.touched) == 2
    street.pass_(1.6)
    assert ask(token).startswith(b"HTTP/1.1 401")


async def test_token_that_ends_within_the_era_is_looked_at_each_time(street: Street) -> None:
    ask, token = street.door(), bearer("ann", NOW_S + 0.5)
    assert ask(token).startswith(b"HTTP/1.1 200")
    street.bench.wall.now_s += 0.6
    assert ask(token).startswith(b"HTTP/1.1 401")


async def test_answers_of_one_caller_are_never_anothers(street: Street) -> None:
    ask = street.door()
    for lines in ((), (bearer("ann"),), (), (bearer("bob"),)) * 3:
        assert (b'"view":"member"' in ask(*lines)) == bool(lines)


async def test_interval_that_is_raised_is_told_at_the_next_beat(street: Street) -> None:
    ask = street.door()
    ask()
    street.bench.interval_ms = 6000
    street.tick.beat(street.bench.monotonic.now_s)
    assert b"Seatsync-Poll-Ms: 6000" in ask()


async def test_leaving_house_says_so_to_everybody(street: Street) -> None:
    ask = street.door()
    ask()
    street.house.leaving = True
    street.tick.turn()
    assert b"Connection: close" in ask()


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "HEAD"},
        {"lines": (f"Origin: {PAGE}",)},
        {"lines": ("Connection: close",)},
        {"target": f"{STATE}?after={EPOCH}.1&wait=5"},
    ],
)
async def test_what_depends_on_more_is_made_anew(street: Street, asked: dict[str, Any]) -> None:
    lines = asked.pop("lines", ())
    first, second = street.door()(*lines, **asked), street.door()(*lines, **asked)
    assert first == second
    assert (b"\r\n\r\n{" in first) == (asked.get("method") != "HEAD")
    assert (b"Access-Control-Allow-Origin" in first) == (lines == (f"Origin: {PAGE}",))


async def test_bound_of_polls_counts_every_one(monkeypatch: pytest.MonkeyPatch) -> None:
    street = Street(monkeypatch, user_polls=Rate(per_s=1, burst=3))
    street.bench.hold(edition(7))
    ask, token = street.door(), bearer("ann")
    statuses = [ask(token).split()[1] for _ in range(5)]
    assert statuses == [b"200", b"200", b"200", b"429", b"429"]


async def test_not_modified_is_repeated_too(street: Street) -> None:
    ask = street.door()
    answers = {ask(f'If-None-Match: "{EPOCH}.7"') for _ in range(3)}
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 304"]
    assert street.bench.tally.counts == {(304, "hit"): 3}


@pytest.mark.parametrize("first", ["state", "requests", "x-score"])
async def test_documents_of_one_room_are_never_taken_for_each_other(
    street: Street, first: str
) -> None:
    street.bench.hold(score())
    ask, owner = street.door(), bearer("olga")
    for doc in (first, "state", "requests", "x-score", "state", "requests") * 2:
        answer = ask(owner, target=f"/v1/rooms/{ROOM}/{doc}")
        assert f'"doc":"{doc}"'.encode() in answer


async def test_what_not_everybody_may_read_is_looked_at_each_time(street: Street) -> None:
    ask, adam = street.door(), bearer("adam")
    target = f"/v1/rooms/{ROOM}/requests"
    assert ask(adam, target=target).startswith(b"HTTP/1.1 200")
    street.bench.hold(edition(8, admins=()))
    assert ask(adam, target=target).startswith(b"HTTP/1.1 403")
