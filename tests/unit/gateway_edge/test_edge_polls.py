"""Polls at the door; what they are answered with is that of ``poller.answer``."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from edge_answers_samples import (
    EPOCH,
    NOW_S,
    STATE,
    Bench,
    FakeExchange,
    bearer,
    edition,
    head_of,
    score,
    stored,
)

from gateway.config import Rate
from poller import Found, Freshness, Poll, answer
from poller.conditional import accepts_gzip, read_conditions
from room.errors import SeatsyncError
from room.position import Position

TAG = f'"{EPOCH}.7"'
MEMBER_TAG = f'"{EPOCH}.7-m"'


@pytest.fixture
async def bench() -> Bench:
    """A door with one room in memory."""
    bench = Bench()
    bench.hold(edition())
    return bench


@pytest.mark.parametrize("user", [None, "bob"])
@pytest.mark.parametrize("coding", ["", "gzip", "br", "gzip;q=0"])
@pytest.mark.parametrize(
    "condition",
    ["", "*", TAG, MEMBER_TAG, f'W/"{EPOCH}.7.gz"', f'"{EPOCH}.7-m.gz", "x"', '"0.0"', "nonsense"],
)
@pytest.mark.parametrize("after", [None, f"{EPOCH}.6", f"{EPOCH}.7"])
async def test_every_answer_is_that_of_the_poller(
    bench: Bench, user: str | None, coding: str, condition: str, after: str | None
) -> None:
    lines = [f"Accept-Encoding: {coding}", f"If-None-Match: {condition}"]
    if user is not None:
        lines.append(bearer(user))
    target = STATE if after is None else f"{STATE}?after={after}"
    position = None if after is None else Position(*map(int, after.split(".")))
    view: Any = "anonymous" if user is None else "member"
    poll = Poll(view, read_conditions(condition), accepts_gzip(coding), position)
    held = bench.poller.held("r1")
    assert held is not None
    wanted = answer(Found(held, Freshness.HIT, 0.0), poll, 3000)
    for _ in range(2):  # built, and given again
        sent = bench.ask_now(target, *lines).sent
        plain = {"server": "seatsync", "x-content-type-options": "nosniff"}
        headers = {name.lower(): value for name, value in wanted.headers} | plain
        assert (sent.status, sent.headers, sent.body) == (wanted.status, headers, wanted.body)
    assert bench.tally.counts == {(wanted.status, "hit"): 2}


async def test_one_head_is_answered_with_what_is_newest_each_time(bench: Bench) -> None:
    responder = bench.routes.find(head_of(STATE, f"If-None-Match: {TAG}"))
    statuses = []
    for version in (None, 8, 9):
        if version is not None:
            bench.poller.put(edition(version))
        exchange: Any = FakeExchange(head_of(STATE, f"If-None-Match: {TAG}"))
        assert responder is not None
        responder(exchange)
        statuses.append((exchange.sent.status, exchange.sent.headers["etag"]))
    assert statuses == [(304, TAG), (200, f'"{EPOCH}.8"'), (200, f'"{EPOCH}.9"')]


async def test_answers_of_a_snapshot_are_built_once_and_go_with_it(bench: Bench) -> None:
    one, other = bench.ask_now().replies[0], bench.ask_now().replies[0]
    assert one.head is other.head
    assert one.body is other.body
    assert len(bench.polls.prebuilt) == 1
    for version in range(8, 20):
        bench.poller.put(edition(version))
        bench.ask_now()
    assert len(bench.polls.prebuilt) == 1


async def test_the_interval_is_the_one_of_the_moment(bench: Bench) -> None:
    assert bench.ask_now().sent.headers["seatsync-poll-ms"] == "3000"
    bench.interval_ms = 9000
    assert bench.ask_now().sent.headers["seatsync-poll-ms"] == "9000"


async def test_a_stale_answer_says_so_and_one_read_is_behind_it(bench: Bench) -> None:
    bench.monotonic.now_s += 3.5
    for _ in range(3):
        sent = bench.ask_now().sent
        assert (sent.headers["cache-status"], sent.headers["age"]) == ("seatsync; hit; ttl=-3", "3")
    await bench.settle()
    assert bench.shelf.reads == 1
    assert bench.ask_now().sent.headers["cache-status"] == "seatsync; hit"


async def test_a_cold_room_is_read_and_then_answered(bench: Bench) -> None:
    bench.shelf.rooms["r2"] = stored(3, "r2")
    sent = await bench.ask("/v1/rooms/r2/state")
    assert (sent.status, sent.headers["cache-status"]) == (200, "seatsync; fwd=miss")
    assert bench.tally.counts == {(200, "miss"): 1}


async def test_a_token_is_judged_once_for_a_head_and_its_deadline_each_time(bench: Bench) -> None:
    head = head_of(STATE, bearer("bob", NOW_S + 10))
    responder: Any = bench.routes.find(head)
    first = FakeExchange(head)
    responder(first)
    assert first.sent.headers["etag"] == MEMBER_TAG
    bench.wall.now_s += 10
    for _ in range(2):
        with pytest.raises(SeatsyncError) as refused:
            responder(FakeExchange(head))
        assert refused.value.code == "UNAUTHENTICATED"
    assert bench.tally.counts[401, "none"] == 2


@pytest.mark.parametrize(
    ("target", "lines", "code"),
    [
        (STATE, ("Authorization: Bearer x",), "UNAUTHENTICATED"),
        (STATE, ("Authorization: Basic x",), "UNAUTHENTICATED"),
        (f"{STATE}?after=x", ("Authorization: Bearer x",), "UNAUTHENTICATED"),
        ("/v1/rooms/a.b/state?after=x", (), "INVALID_ARGUMENT"),
        (f"{STATE}?schema=0", (), "UPGRADE_REQUIRED"),
        (f"{STATE}?schema=x", (), "INVALID_ARGUMENT"),
        (f"{STATE}?after=x", (), "INVALID_ARGUMENT"),
        (f"{STATE}?after=%31.%00", (), "INVALID_ARGUMENT"),
        (f"{STATE}?wait=soon", (), "INVALID_ARGUMENT"),
        ("/v1/rooms/r1/nothing", (), "DOC_NOT_FOUND"),
        ("/v1/rooms/r1/state%20", (), "DOC_NOT_FOUND"),
        ("/v1/rooms/r1/play", (), "DOC_NOT_FOUND"),
        ("/v1/rooms/r1/x-none", (), "DOC_NOT_FOUND"),
        ("/v1/rooms/r1/requests", (), "FORBIDDEN"),
        ("/v1/rooms/r1/requests", (bearer("bob"),), "FORBIDDEN"),
        ("/v1/rooms/nowhere/state", (), "ROOM_NOT_FOUND"),
        ("/v1/rooms/nowhere/requests", (bearer("bob"),), "ROOM_NOT_FOUND"),
    ],
)
async def test_what_is_refused_is_a_problem_and_counted(
    bench: Bench, target: str, lines: tuple[str, ...], code: str
) -> None:
    for _ in range(2):
        sent = await bench.ask(target, *lines)
        assert f'"code":"{code}"'.encode() in sent.body
        assert sent.headers["cache-control"] == "no-store"
        assert sent.headers["content-type"] == "application/problem+json"
    assert bench.tally.counts == {(sent.status, "none"): 2}
    assert not bench.touched


async def test_what_the_store_can_not_tell_is_503(bench: Bench) -> None:
    bench.shelf.is_away = True
    for _ in range(2):
        sent = await bench.ask("/v1/rooms/r2/state")
        assert sent.status == 503
        assert int(sent.headers["retry-after"]) >= 1
    assert bench.shelf.reads == 1
    assert bench.tally.counts == {(503, "none"): 2}


async def test_requests_are_given_to_owner_and_admins(bench: Bench) -> None:
    for user in ("olga", "adam"):
        sent = bench.ask_now("/v1/rooms/r1/requests", bearer(user)).sent
        assert (sent.status, sent.headers["etag"]) == (200, f'"{EPOCH}.3-m"')


async def test_document_of_a_service_is_given_to_all(bench: Bench) -> None:
    bench.hold(score())
    sent = bench.ask_now("/v1/rooms/r1/x-score", "Accept-Encoding: gzip").sent
    body = gzip.decompress(sent.body) if "content-encoding" in sent.headers else sent.body
    assert body == score().view("anonymous").body
    assert sent.headers["cache-control"].startswith("public")


async def test_a_poll_with_a_token_is_a_sign_of_life(bench: Bench) -> None:
    bench.ask_now()
    assert not bench.touched
    bench.ask_now(STATE, bearer("bob"), f"If-None-Match: {MEMBER_TAG}")
    assert bench.touched == [("r1", "bob")]


async def test_a_user_polls_no_faster_than_they_may() -> None:
    bench = Bench(user_polls=Rate(per_s=1, burst=2))
    bench.hold(edition())
    line = bearer("bob")
    statuses = [(await bench.ask(STATE, line)).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await bench.ask()).status == 200


async def test_position_ahead_of_this_node_is_asked_for_once(bench: Bench) -> None:
    bench.shelf.rooms["r1"] = stored(9)
    sent = await bench.ask(f"{STATE}?after={EPOCH}.8")
    assert (sent.status, sent.headers["etag"]) == (200, f'"{EPOCH}.9"')
    assert (await bench.ask(f"{STATE}?after={EPOCH}.11")).status == 204
