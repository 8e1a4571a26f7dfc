"""How a connection ends: its peer leaves, it is taken over, its responder fails."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.edge.exchange import Exchange, Responder
from gateway.edge.house import CLOSED_AT_ONCE
from gateway.edge.lent import LentTransport
from gateway.edge.reading import MAX_HELD_BYTES
from room.errors import SeatsyncError
from tests.unit.gateway_edge.edge_door_meeting import Later, is_gone, meet, settle
from tests.unit.gateway_edge.edge_door_samples import (
    Recorder,
    door_on_wire,
    lend_nothing,
    make_house,
    statuses,
    told,
)
from tests.unit.gateway_edge.smuggling_corpus import Seen, get

X = Seen("GET", "/x")
GRACE_S = 1.0


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


async def test_peer_that_leaves_before_the_work_begins_leaves_nothing_behind() -> None:
    async def work(exchange: Exchange) -> None:
        raise AssertionError("it never begins")

    door, wire, house, _ = meet(lambda head: work)
    door.data_received(get())
    wire.close()
    door.connection_lost(None)
    await settle()
    assert not house.tasks
    gc.collect()  # a coroutine that was never awaited would warn here


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


async def test_reading_goes_on_once_when_a_held_up_connection_is_taken_over() -> None:
    later = Later()
    door, wire, _, _ = meet(later.route)
    door.data_received(get(b"Connection: upgrade", b"Upgrade: websocket"))
    door.data_received(bytes(MAX_HELD_BYTES + 1))
    assert wire.is_paused
    door.resume_writing()
    later.open[0].take_over(Taker(), b"HTTP/1.1 101 x\r\n\r\n")
    assert not wire.is_paused
    wire.pause_reading()  # as the new protocol may
    await settle()
    assert wire.is_paused, "the door does not meddle any more"


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


async def test_what_has_no_responder_is_lent() -> None:
    lent: list[asyncio.BaseTransport] = []

    class Handler(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            lent.append(transport)

    house = make_house(lambda head: None, Handler)
    door, _ = door_on_wire(house)
    door.data_received(get(b"Origin: https://foreign.example"))
    assert isinstance(lent[0], LentTransport), "its origin is looked at by who answers it"


async def test_house_that_leaves_closes_many_in_turns() -> None:
    house = make_house(lend_nothing)
    wires = [door_on_wire(house)[1] for _ in range(3 * CLOSED_AT_ONCE + 1)]
    house.leave()
    closed = [0, sum(wire.is_ended for wire in wires)]
    while closed[-1] != closed[-2]:
        await asyncio.sleep(0)
        closed.append(sum(wire.is_ended for wire in wires))
    assert max(later - earlier for earlier, later in itertools.pairwise(closed)) == CLOSED_AT_ONCE
    assert closed[-1] == len(wires)


@pytest.mark.parametrize(
    ("lines", "version", "options"),
    [
        ((), b"HTTP/1.1", b"Upgrade"),
        ((b"Connection: close",), b"HTTP/1.1", b"Upgrade, close"),
        ((b"Connection: upgrade", b"Upgrade: websocket"), b"HTTP/1.1", b"Upgrade, close"),
        ((b"Connection: keep-alive",), b"HTTP/1.0", b"Upgrade, keep-alive"),
    ],
)
async def test_answer_that_names_an_upgrade_says_so_in_connection(
    lines: tuple[bytes, ...], version: bytes, options: bytes
) -> None:
    """RFC 9110 7.8."""
    error = SeatsyncError("upgrade", code="UPGRADE_REQUIRED")
    door, wire, _, _ = meet(lambda head: failing(error, later=False))
    door.data_received(get(*lines, version=version))
    found = [line for line in wire.sent.split(b"\r\n") if line.startswith(b"Connection: ")]
    assert found == [b"Connection: " + options]
