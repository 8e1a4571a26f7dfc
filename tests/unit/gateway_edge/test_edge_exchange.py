"""How an answer leaves: what the request and the moment add to it."""

from __future__ import annotations

import pytest

from gateway.edge.exchange import Exchange
from gateway.edge.house import House
from tests.unit.gateway_edge.edge_door_samples import DATE, Wire, door_on_wire, make_house, told
from tests.unit.gateway_edge.smuggling_corpus import get

MINE, FOREIGN = b"Origin: https://page.example", b"Origin: https://evil.example"


def asked(*lines: bytes, raw: bytes = b"", origins: tuple[str, ...] = ()) -> tuple[Exchange, Wire]:
    """Give an exchange that waits for its answer."""
    kept: list[Exchange] = []
    door, wire = door_on_wire(make_house(lambda head: kept.append, origins=origins))
    door.data_received(raw or get(*lines))
    return kept[0], wire


def answered(*lines: bytes, raw: bytes = b"", origins: tuple[str, ...] = ()) -> bytes:
    exchange, wire = asked(*lines, raw=raw, origins=origins)
    exchange.reply(told("hello"))
    return wire.sent


async def test_answer_is_the_reply_and_the_date() -> None:
    reply = told("hello")
    assert answered() == reply.head + DATE + b"\r\nhello"


async def test_answer_to_head_has_the_length_and_no_body() -> None:
    sent = answered(raw=get().replace(b"GET", b"HEAD", 1))
    assert b"Content-Length: 5\r\n" in sent
    assert sent.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("version", "option", "line"),
    [
        (b"HTTP/1.1", b"x", None),
        (b"HTTP/1.1", b"close", b"close"),
        (b"HTTP/1.0", b"x", b"close"),
        (b"HTTP/1.0", b"keep-alive", b"keep-alive"),
    ],
)
async def test_answer_says_whether_the_connection_stays(
    version: bytes, option: bytes, line: bytes | None
) -> None:
    sent = answered(raw=get(b"Connection: " + option, version=version))
    named = [field[12:] for field in sent.split(b"\r\n") if field.startswith(b"Connection: ")]
    assert named == ([] if line is None else [line])


async def test_page_of_an_allowed_origin_may_read_the_answer() -> None:
    sent = answered(MINE, origins=("https://page.example",))
    assert b"Access-Control-Allow-Origin: https://page.example\r\n" in sent
    assert b"Access-Control-Expose-Headers: ETag," in sent
    assert b"Vary: Origin\r\n" in sent


async def test_answers_that_depend_on_the_page_say_so() -> None:
    assert b"Vary: Origin" in answered(origins=("https://page.example",))
    assert b"Vary: Origin" not in answered()


async def test_page_of_this_host_may_come() -> None:
    assert b"Access-Control-Allow-Origin: http://a\r\n" in answered(b"Origin: http://a")


@pytest.mark.parametrize("lines", [(FOREIGN,), (b"Origin: null",), (b"Origin: http://a", MINE)])
async def test_page_of_a_foreign_origin_is_refused_before_anything(
    lines: tuple[bytes, ...],
) -> None:
    door, wire = door_on_wire(make_house(unreached))
    door.data_received(get(*lines))
    assert wire.sent.startswith(b"HTTP/1.1 403 ")
    assert b"Access-Control" not in wire.sent
    assert not wire.is_ended


def unreached(head: object) -> object:
    def respond(exchange: Exchange) -> None:
        raise AssertionError("refused before")

    return respond


async def test_exchange_is_answered_once() -> None:
    exchange, _ = asked()
    assert exchange.is_open
    exchange.reply(told("hello"))
    assert not exchange.is_open
    with pytest.raises(RuntimeError):
        exchange.reply(told("again"))


async def test_exchange_knows_its_peer_and_the_second() -> None:
    exchange, _ = asked()
    assert (exchange.peer, exchange.scheme, exchange.date) == ("203.0.113.7", "http", DATE)
    exchange.reply(told("hello"))
    assert (exchange.peer, exchange.date) == ("", b"")


def test_house_is_empty_while_nobody_is_there() -> None:
    house: House = make_house(unreached)  # type: ignore[arg-type]  # never asked
    assert house.empty.is_set()
