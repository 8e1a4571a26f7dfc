"""The connection that aiohttp believes to have, without aiohttp."""

from __future__ import annotations

import asyncio

import pytest

from gateway.config import NO_PROGRESS_S
from gateway.edge.head import read_head
from gateway.edge.house import House
from gateway.edge.lent import AnswerHead, LentTransport
from tests.unit.gateway_edge.edge_door_samples import (
    Turning,
    Wire,
    door_on_wire,
    lend_nothing,
    make_house,
    statuses,
)
from tests.unit.gateway_edge.smuggling_corpus import get


@pytest.mark.parametrize(
    ("lines", "method", "size"),
    [
        ([b"HTTP/1.1 200 OK", b"Content-Length: 3"], b"GET", 3),
        ([b"HTTP/1.1 200 OK", b"Content-Length: 3"], b"HEAD", 0),
        ([b"HTTP/1.1 304 Not Modified", b"Content-Length: 3"], b"GET", 0),
        ([b"HTTP/1.1 204 No Content"], b"GET", 0),
        ([b"HTTP/1.1 200 OK"], b"GET", None),
        ([b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked"], b"GET", None),
    ],
)
def test_how_long_an_answer_is(lines: list[bytes], method: bytes, size: int | None) -> None:
    head = read_head(get().replace(b"GET", method, 1))
    raw = b"\r\n".join([*lines, b"Connection: close", b"\r\n"])
    answer = AnswerHead(raw, head, may_stay=True)
    assert answer.size_bytes == size
    kept = [] if size is not None else [b"Connection: close"]
    assert answer.raw == b"\r\n".join([*lines, *kept, b"\r\n"])


class Handler(asyncio.Protocol):
    """Stands where aiohttp's handler would."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, LentTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.events.append("data")

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append("lost")


def lent_on_wire() -> tuple[Handler, LentTransport, Wire, House]:
    handler = Handler()
    house = make_house(lend_nothing, lambda: handler)
    door, wire = door_on_wire(house)
    door.data_received(get())
    return handler, handler.transport, wire, house


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"


async def test_head_of_an_answer_may_come_in_pieces() -> None:
    _, transport, wire, _ = lent_on_wire()
    for at in range(len(HEAD)):
        transport.write(HEAD[at : at + 1])
    transport.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
    transport.close()
    assert wire.sent == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    assert not wire.is_ended


async def test_what_is_beyond_an_answers_length_is_dropped() -> None:
    _, transport, wire, _ = lent_on_wire()
    transport.write(HEAD + b"abcHTTP/1.1 200 smuggled\r\n\r\n")
    transport.write(b"more")
    transport.close()
    assert wire.sent.endswith(b"\r\n\r\nabc")


async def test_handler_that_closes_without_an_answer_is_answered_for() -> None:
    handler, transport, wire, _ = lent_on_wire()
    transport.close()
    assert statuses(wire.sent) == [503]
    assert wire.is_ended
    await asyncio.sleep(0)
    assert handler.events == ["data", "lost"]


async def test_handler_whose_answer_has_no_end_of_head_is_cut_off() -> None:
    _, transport, wire, _ = lent_on_wire()
    transport.write(b"x" * 70_000)
    assert wire.is_aborted


async def test_end_of_a_lent_connection_is_told_once() -> None:
    handler, transport, wire, _ = lent_on_wire()
    transport.abort()
    transport.abort()
    transport.close()
    transport.write(b"late")
    await asyncio.sleep(0)
    assert handler.events == ["data", "lost"]
    assert wire.is_aborted
    assert transport.is_closing()
    assert transport.get_extra_info("peername") is None


async def test_flow_control_is_passed_on_and_a_stuck_reader_is_cut_off() -> None:
    handler, transport, wire, house = lent_on_wire()
    turn = Turning(house.wheel)
    wire.is_stuck = True
    transport.write(HEAD)
    door = next(iter(house.doors))
    door.pause_writing()  # type: ignore[attr-defined]  # it is a door
    turn(NO_PROGRESS_S)
    assert not wire.is_closed
    door.resume_writing()  # type: ignore[attr-defined]  # it is a door
    turn(NO_PROGRESS_S)
    assert not wire.is_closed
    assert transport.get_write_buffer_size() == wire.unread_bytes > 0
    door.pause_writing()  # type: ignore[attr-defined]  # it is a door
    turn(NO_PROGRESS_S + 1)
    assert handler.events == ["data", "pause", "resume", "pause"]
    assert wire.is_aborted


async def test_lent_connection_offers_what_a_transport_must() -> None:
    handler, transport, _, _ = lent_on_wire()
    assert transport.get_extra_info("peername") == ("203.0.113.7", 4711)
    assert transport.get_extra_info("socket", "none") == "none"
    assert transport.get_protocol() is handler
    assert not transport.can_write_eof()
    transport.set_write_buffer_limits(high=1)
    transport.pause_reading()
    assert not transport.is_reading()
    transport.resume_reading()
    assert transport.is_reading()
    with pytest.raises(RuntimeError):
        transport.set_protocol(handler)
