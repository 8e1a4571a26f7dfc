"""The time-outs of a connection, on a wheel that is turned by hand."""

from __future__ import annotations

from gateway.config import BODY_TIMEOUT_S, IDLE_TIMEOUT_S, NO_PROGRESS_S
from gateway.edge.door import LINGER_S
from tests.unit.gateway_edge.edge_door_meeting import Later, is_gone, meet
from tests.unit.gateway_edge.edge_door_samples import (
    Recorder,
    statuses,
)
from tests.unit.gateway_edge.smuggling_corpus import Seen, get, post

X = Seen("GET", "/x")
GRACE_S = 1.0


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
