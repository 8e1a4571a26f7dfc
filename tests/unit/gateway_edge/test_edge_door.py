"""One connection: its requests in order, its bounds, its end. On a transport without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway.config import BODY_TIMEOUT_S, IDLE_TIMEOUT_S, MAX_BODY_BYTES, NO_PROGRESS_S
from gateway.edge.door import LINGER_S, MAX_HELD_BYTES, TURN, Door
from gateway.edge.exchange import Exchange, Responder
from gateway.edge.framing import MAX_HEAD_BYTES
from gateway.edge.head import Head
from gateway.edge.house import House
from gateway.edge.lent import LentTransport
from tests.unit.gateway_edge.edge_door_samples import (
    Recorder,
    Turning,
    Wire,
    door_on_wire,
    make_house,
    soon,
    statuses,
    told,
)
from tests.unit.gateway_edge.smuggling_corpus import CASES, Seen, get, post

X = Seen("GET", "/x")
GRACE_S = 1.0


class Later:
    """Keeps exchanges until a test answers them."""

    def __init__(self) -> None:
        self.open: list[Exchange] = []

    def route(self, head: Head) -> Responder:
        return self.open.append

    def answer(self) -> None:
        exchange = self.open.pop(0)
        exchange.reply(told(exchange.head.path))


def meet(route: Callable[[Head], Responder | None]) -> tuple[Door, Wire, House, Turning]:
    house = make_house(route)
    door, wire = door_on_wire(house)
    return door, wire, house, Turning(house.wheel)


def is_gone(wire: Wire) -> bool:
    return wire.is_ended or wire.is_closed


async def settle() -> None:
    """Let what the door has put off happen."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_same_head_is_read_once_and_routed_once() -> None:
    heads: list[Head] = []
    recorder = Recorder()

    def route(head: Head) -> Responder:
        heads.append(head)
        return recorder.respond

    door, wire, _, _ = meet(route)
    for raw in (get(), get(), get(), get(b"A: b"), get()):
        door.data_received(raw)
    assert [head.get(b"a") for head in heads] == [None, "b", None]
    assert statuses(wire.sent) == [200] * 5


async def test_head_that_comes_in_pieces_is_the_same_head() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    raw = get(b"A: b") + post(b"Content-Length: 3", body=b"abc") + get()
    for at in range(len(raw)):
        door.data_received(raw[at : at + 1])
    assert recorder.seen == [X, Seen("POST", "/x", b"abc"), X]
    assert statuses(wire.sent) == [200] * 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_cuts_change_nothing(case: Any) -> None:
    if len(case.raw) > 1000:
        return
    outcomes = set()
    for size in (1, 2, 3, 7, len(case.raw)):
        recorder = Recorder()
        door, wire, _, _ = meet(recorder.route)
        for at in range(0, len(case.raw), size):
            door.data_received(case.raw[at : at + size])
        await settle()
        outcomes.add((tuple(recorder.seen), tuple(statuses(wire.sent)), is_gone(wire)))
    assert len(outcomes) == 1


async def test_requests_of_one_segment_are_answered_in_their_order() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(b"".join(get(target=b"/%d" % n) for n in range(100)))
    assert len(recorder.seen) == TURN, "others get their turn"
    await soon(lambda: len(recorder.seen) == 100)
    assert [seen.path for seen in recorder.seen] == [f"/{n}" for n in range(100)]
    assert statuses(wire.sent) == [200] * 100


async def test_later_request_waits_for_the_answer_to_the_one_before() -> None:
    later = Later()
    door, wire, _, _ = meet(later.route)
    door.data_received(get(target=b"/1") + get(target=b"/2"))
    door.data_received(get(target=b"/1"))
    assert len(later.open) == 1
    for path in ("/1", "/2", "/1"):
        await settle()
        assert [exchange.head.path for exchange in later.open] == [path]
        later.answer()
    assert statuses(wire.sent) == [200] * 3


async def test_what_waits_behind_a_request_is_bounded() -> None:
    later = Later()
    door, wire, _, _ = meet(later.route)
    door.data_received(get())
    piece = get(target=b"/" + b"x" * 1000)
    count = 0
    while not wire.is_paused:
        door.data_received(piece)
        count += 1
        assert count * len(piece) <= MAX_HELD_BYTES + len(piece)
    later.answer()
    while later.open or wire.is_paused:
        await settle()
        later.answer()
    assert not wire.is_paused
    assert 200 in statuses(wire.sent)


async def test_no_further_request_is_answered_while_the_peer_does_not_read() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(get())
    door.pause_writing()
    door.data_received(get())
    door.data_received(get() + get())
    await settle()
    assert len(recorder.seen) == 1
    door.resume_writing()
    await settle()
    assert len(recorder.seen) == 4
    assert statuses(wire.sent) == [200] * 4


async def test_head_of_nothing_but_lines_ends_at_its_limit() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(b"GET /x HTTP/1.1\r\nHost: a\r\n")
    sent = 0
    while not wire.sent:
        door.data_received(b"A: b\r\n")
        sent += 6
        assert sent <= MAX_HEAD_BYTES
    assert statuses(wire.sent) == [400]
    assert is_gone(wire)


async def test_nothing_behind_a_refusal_is_read() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(get() + b"\x00" + get())
    door.data_received(get())
    assert recorder.seen == [X]
    assert statuses(wire.sent) == [200, 400]
    assert b"Connection: close\r\n" in wire.sent
    assert wire.is_ended


# Time-outs


async def test_idle_connection_is_closed_in_its_time() -> None:
    door, wire, _, turn = meet(Recorder().route)
    turn(IDLE_TIMEOUT_S)
    assert not is_gone(wire)
    turn(GRACE_S)
    assert wire.is_closed
    assert wire.sent == b""
    door.connection_lost(None)


async def test_each_answer_gives_a_connection_its_whole_time_again() -> None:
    door, wire, _, turn = meet(Recorder().route)
    for _ in range(3):
        turn(IDLE_TIMEOUT_S - 1)
        assert not is_gone(wire)
        door.data_received(get())
    turn(IDLE_TIMEOUT_S)
    assert not is_gone(wire)
    turn(2 * GRACE_S)
    assert wire.is_closed


async def test_head_must_be_whole_in_its_time_however_it_drips() -> None:
    door, wire, _, turn = meet(Recorder().route)
    door.data_received(b"GET /x HTTP/1.1\r\nHost: a\r\n")
    for _ in range(round(IDLE_TIMEOUT_S)):
        assert not is_gone(wire)
        turn(1)
        door.data_received(b"A: b\r\n")
    turn(GRACE_S)
    assert is_gone(wire)
    assert wire.sent == b""


async def test_empty_lines_do_not_keep_a_connection() -> None:
    door, wire, _, turn = meet(Recorder().route)
    door.data_received(b"\r")
    turn(IDLE_TIMEOUT_S - 1)
    door.data_received(b"\n")
    turn(1 + GRACE_S)
    assert is_gone(wire)


async def test_body_must_be_whole_in_its_time_however_it_drips() -> None:
    door, wire, _, turn = meet(Recorder().route)
    door.data_received(post(b"Content-Length: 100"))
    for _ in range(round(BODY_TIMEOUT_S)):
        assert not is_gone(wire)
        turn(1)
        door.data_received(b"x")
    turn(GRACE_S)
    assert statuses(wire.sent) == [400]
    assert b"the body did not arrive in time" in wire.sent
    assert is_gone(wire)


async def test_answer_that_takes_long_is_waited_for() -> None:
    later = Later()
    door, wire, _, turn = meet(later.route)
    door.data_received(get())
    turn(60)
    assert not is_gone(wire)
    later.answer()
    assert statuses(wire.sent) == [200]
    turn(IDLE_TIMEOUT_S)
    assert not is_gone(wire)


async def test_answer_that_nobody_reads_ends_in_an_abort() -> None:
    door, wire, _, turn = meet(Recorder().route)
    wire.is_stuck = True
    door.data_received(get())
    turn(NO_PROGRESS_S)
    assert not is_gone(wire)
    turn(GRACE_S)
    assert wire.is_aborted


async def test_answer_that_is_read_slowly_is_not_cut_off() -> None:
    door, wire, _, turn = meet(Recorder().route)
    wire.is_stuck = True
    door.data_received(get())
    for _ in range(10):
        wire.unread_bytes -= 1
        turn(NO_PROGRESS_S + GRACE_S)
        assert not is_gone(wire)
    wire.unread_bytes = 0
    turn(2 * IDLE_TIMEOUT_S)
    assert wire.is_closed
    assert not wire.is_aborted


async def test_last_answer_is_left_to_be_read_before_the_end() -> None:
    door, wire, _, turn = meet(Recorder().route)
    door.data_received(get(b"Connection: close") + get())
    assert wire.is_ended
    assert not wire.is_closed
    door.data_received(get() * 1000)
    turn(LINGER_S + GRACE_S)
    assert wire.is_aborted
    assert statuses(wire.sent) == [200]


async def test_last_answer_that_is_read_slowly_is_not_cut_off() -> None:
    door, wire, _, turn = meet(Recorder().route)
    wire.is_stuck = True
    door.data_received(get(b"Connection: close"))
    turn(LINGER_S + GRACE_S)
    assert not wire.is_closed
    wire.unread_bytes -= 1
    turn(NO_PROGRESS_S + GRACE_S)
    assert not wire.is_closed
    turn(NO_PROGRESS_S + GRACE_S)
    assert wire.is_aborted


# Bodies


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("line", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
async def test_get_with_a_body_is_refused_here(method: bytes, line: bytes) -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(get(line).replace(b"GET", method, 1) + b"ab")
    assert (recorder.seen, statuses(wire.sent)) == ([], [400])
    assert is_gone(wire)


async def test_body_over_the_limit_is_refused_at_its_head() -> None:
    door, wire, _, _ = meet(Recorder().route)
    door.data_received(post(b"Content-Length: %d" % (MAX_BODY_BYTES + 1), b"Expect: 100-continue"))
    assert statuses(wire.sent) == [413]
    assert is_gone(wire)


async def test_body_at_the_limit_is_taken() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    body = b"x" * MAX_BODY_BYTES
    door.data_received(post(b"Content-Length: %d" % len(body)))
    for at in range(0, len(body), 1000):
        door.data_received(body[at : at + 1000])
    assert recorder.seen == [Seen("POST", "/x", body)]
    assert not wire.is_paused


async def test_who_waits_for_100_gets_it() -> None:
    door, wire, _, _ = meet(Recorder().route)
    head = post(b"Content-Length: 2", b"Expect: 100-continue")
    door.data_received(head)
    assert wire.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    door.data_received(b"ab")
    assert statuses(wire.take()) == [200]
    door.data_received(head + b"ab")
    assert statuses(wire.take()) == [200], "it did not wait"
    door.data_received(post(b"Expect: 100-continue"))
    assert statuses(wire.take()) == [200], "there is no body to wait for"


# Ends


async def test_peer_that_leaves_is_told_to_who_answers() -> None:
    later = Later()
    door, wire, house, _ = meet(later.route)
    door.data_received(get())
    told_of: list[str] = []
    exchange = later.open[0]
    exchange.on_gone = lambda: told_of.append("gone")
    assert not exchange.gone
    wire.close()
    door.connection_lost(None)
    assert (told_of, exchange.gone) == (["gone"], True)
    later.answer()
    exchange.fail(ZeroDivisionError)  # type: ignore[arg-type]  # dropped unread
    assert wire.sent == b""
    assert (len(house.doors), house.empty.is_set()) == (0, True)


async def test_answer_between_the_end_and_its_news_is_dropped() -> None:
    later = Later()
    door, wire, _, _ = meet(later.route)
    door.data_received(get())
    wire.close()
    later.answer()
    door.connection_lost(None)
    assert wire.sent == b""


async def test_peer_that_leaves_cancels_the_work_for_it() -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def work(exchange: Exchange) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(exchange.head.path)

    door, wire, _, _ = meet(lambda head: work)
    door.data_received(get())
    await begun.wait()
    wire.close()
    door.connection_lost(None)
    await settle()
    assert ended == ["/x"]


async def test_house_that_leaves_closes_what_is_idle_and_ends_what_is_not() -> None:
    later = Later()
    house = make_house(later.route)
    (_, idle), (busy_door, busy) = door_on_wire(house), door_on_wire(house)
    busy_door.data_received(get())
    house.leave()
    assert idle.is_ended
    assert not is_gone(busy)
    later.answer()
    assert b"Connection: close\r\n" in busy.sent
    assert busy.is_ended


# Taking over


class Taker(asyncio.Protocol):
    def __init__(self) -> None:
        self.events: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.events.append(transport)

    def data_received(self, data: bytes) -> None:
        self.events.append(data)

    def pause_writing(self) -> None:
        self.events.append("pause")


async def test_connection_that_is_taken_over_is_the_doors_no_more() -> None:
    later = Later()
    door, wire, house, turn = meet(later.route)
    door.data_received(get(b"Connection: upgrade", b"Upgrade: websocket") + get())
    door.pause_writing()
    taker = Taker()
    later.open[0].take_over(taker, b"HTTP/1.1 101 x\r\n\r\n")
    assert wire.sent == b"HTTP/1.1 101 x\r\n\r\n"
    assert taker.events == [wire, "pause", get()]
    assert wire.protocol is taker
    turn(100)
    assert not is_gone(wire)
    assert not house.doors


async def test_connection_whose_peer_has_left_is_not_taken_over() -> None:
    later = Later()
    door, wire, _, _ = meet(later.route)
    door.data_received(get(b"Connection: upgrade", b"Upgrade: websocket"))
    wire.close()
    taker = Taker()
    later.open[0].take_over(taker, b"HTTP/1.1 101 x\r\n\r\n")
    assert taker.events == []
    door.connection_lost(None)


@pytest.mark.parametrize("behind", [b"", b"\x81\x80abcd", get()])
async def test_refused_upgrade_ends_the_connection(behind: bytes) -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(get(b"Connection: upgrade", b"Upgrade: websocket") + behind)
    await settle()
    assert recorder.seen == [X]
    assert b"Connection: close\r\n" in wire.sent
    assert wire.is_ended


# Errors of responders


def failing(error: Exception, *, later: bool) -> Responder:
    async def fail_later(exchange: Exchange) -> None:
        raise error

    def fail(exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        raise error

    return fail_later if later else fail


@pytest.mark.parametrize("later", [False, True])
async def test_error_of_ours_is_told_and_the_connection_stays(later: bool) -> None:
    from room.errors import RoomNotFound

    door, wire, _, _ = meet(lambda head: failing(RoomNotFound("x"), later=later))
    door.data_received(get())
    await settle()
    assert statuses(wire.sent) == [404]
    assert not is_gone(wire)


@pytest.mark.parametrize("later", [False, True])
async def test_any_other_error_is_logged_and_told_as_unavailable(
    later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    door, wire, _, _ = meet(lambda head: failing(ValueError("secret"), later=later))
    door.data_received(get())
    await settle()
    assert statuses(wire.sent) == [503]
    assert b"secret" not in wire.sent
    assert [record.message for record in caplog.records] == ["a responder failed"]


async def test_error_behind_an_answer_is_logged_and_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer_and_fail(exchange: Exchange) -> None:
        exchange.reply(told("x"))
        raise ValueError

    door, wire, _, _ = meet(lambda head: answer_and_fail)
    door.data_received(get() + get())
    assert statuses(wire.sent) == [200, 200]
    assert len(caplog.records) == 2


async def test_unknown_method_is_not_lent() -> None:
    door, wire, _, _ = meet(lambda head: None)
    door.data_received(get().replace(b"GET", b"BREW", 1))
    assert statuses(wire.sent) == [405]
    assert not is_gone(wire)


async def test_what_has_no_responder_is_lent() -> None:
    lent: list[asyncio.BaseTransport] = []

    class Handler(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            lent.append(transport)

    house = make_house(lambda head: None, Handler)
    door, _ = door_on_wire(house)
    door.data_received(get(b"Origin: https://foreign.example"))
    assert isinstance(lent[0], LentTransport), "its origin is looked at by who answers it"
