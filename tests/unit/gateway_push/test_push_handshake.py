"""The opening handshake: what is let in, what is refused how, and the bytes of the 101."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Request
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from gateway.problems import describe
from gateway.push.handshake import (
    Offer,
    accept_of,
    check_upgrade,
    is_upgrade,
    offered_subprotocols,
    read_offer,
    switching_head,
)
from room.errors import InvalidArgument, SeatsyncError

KEY = "dGhlIHNhbXBsZSBub25jZQ=="

Fields = dict[bytes, list[str]]


def fields(**changed: list[str]) -> Fields:
    """A good request's fields, less those that are changed to an empty list."""
    good: Fields = {
        b"upgrade": ["websocket"],
        b"connection": ["Upgrade"],
        b"sec-websocket-key": [KEY],
        b"sec-websocket-version": ["13"],
    }
    for name, values in changed.items():
        good[name.replace("_", "-").encode()] = values
    return good


def values(of: Fields) -> Callable[[bytes], tuple[str, ...]]:
    return lambda name: tuple(of.get(name, ()))


def test_accept_is_that_of_the_example() -> None:
    """RFC 6455 1.3."""
    assert accept_of(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"connection": ["keep-alive, Upgrade"]},
        {"connection": ["keep-alive", "UPGRADE"]},
        {"connection": ["keep-alive\t,\tupgrade ,"]},
        {"upgrade": ["WebSocket"]},
        {"upgrade": ["h2c, websocket"]},
        {"upgrade": ["h2c", "WEBSOCKET"]},
        {"sec_websocket_version": [" 13 "]},
        {"sec_websocket_key": [f" {KEY}\t"]},
    ],
)
def test_upgrade_is_let_in_and_its_key_given_back(changed: dict[str, list[str]]) -> None:
    asked = values(fields(**changed))
    assert is_upgrade(asked)
    assert check_upgrade("GET", "1.1", asked) == KEY


@pytest.mark.parametrize(
    "changed",
    [
        {"upgrade": []},
        {"upgrade": ["h2c"]},
        {"upgrade": ["websocket2"]},
        {"upgrade": ["not websocket"]},
        {"connection": []},
        {"connection": ["keep-alive"]},
        {"connection": ["upgraded"]},
        {"sec_websocket_version": []},
        {"sec_websocket_version": ["8"]},
        {"sec_websocket_version": ["013"]},
        {"sec_websocket_version": ["13, 8"]},
        {"sec_websocket_version": ["13", "8"]},
    ],
)
def test_anything_but_version_13_of_websocket_is_upgrade_required(
    changed: dict[str, list[str]],
) -> None:
    asked = values(fields(**changed))
    with pytest.raises(SeatsyncError) as refused:
        check_upgrade("GET", "1.1", asked)
    assert refused.value.code == "UPGRADE_REQUIRED"
    assert not is_upgrade(asked)


@pytest.mark.parametrize(
    "key",
    [
        [],
        [""],
        [KEY, KEY],
        [f"{KEY}, {KEY}"],
        ["dGhlIHNhbXBsZSBub25jZQ"],
        ["dGhlIHNhbXBsZSBub25jZQ="],
        ["dGhlIHNhbXBsZSBub25jZSE="],
        ["dGhlIHNhbXBsZSBub24="],
        ["dGhlIHNhbXBsZSBub25jZ-=="],
        ["dGhlIHNhbXBsZSBu b25jZQ=="],
        [f"{KEY}\n"],
        ["é" * 22 + "=="],
    ],
)
def test_key_that_is_not_16_bytes_of_base64_is_invalid(key: list[str]) -> None:
    with pytest.raises(InvalidArgument):
        check_upgrade("GET", "1.1", values(fields(sec_websocket_key=key)))


@pytest.mark.parametrize(
    ("method", "version"), [("POST", "1.1"), ("HEAD", "1.1"), ("get", "1.1"), ("GET", "1.0")]
)
def test_only_get_of_http_1_1_opens_a_websocket(method: str, version: str) -> None:
    with pytest.raises(InvalidArgument):
        check_upgrade(method, version, values(fields()))


def test_subprotocols_of_all_lines_are_offered_in_order() -> None:
    assert offered_subprotocols(["seatsync.v1 ,bearer.x", "", ",other"]) == (
        "seatsync.v1",
        "bearer.x",
        "other",
    )
    assert offered_subprotocols([]) == ()


def test_offer_has_subprotocols_and_the_answer_about_compression() -> None:
    asked = fields(
        sec_websocket_protocol=["seatsync.v1, bearer.x"],
        sec_websocket_extensions=["permessage-deflate; client_max_window_bits"],
    )
    assert read_offer(values(asked)) == Offer(
        ("seatsync.v1", "bearer.x"),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    )
    assert read_offer(values(fields())) == Offer((), None)


def test_extensions_against_the_grammar_are_invalid() -> None:
    with pytest.raises(InvalidArgument):
        read_offer(values(fields(sec_websocket_extensions=["permessage-deflate;"])))


def test_head_has_lines_and_no_blank_one() -> None:
    assert switching_head(KEY, None, None) == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    )
    assert switching_head(KEY, "seatsync.v1", "permessage-deflate") == (
        switching_head(KEY, None, None)
        + b"Sec-WebSocket-Protocol: seatsync.v1\r\n"
        + b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    )


def test_refusal_names_the_version() -> None:
    """RFC 6455 4.4; of another refusal it would say nothing."""
    with pytest.raises(SeatsyncError) as refused:
        check_upgrade("GET", "1.1", values({}))
    status, headers, _ = describe(refused.value)
    assert (status, headers["Upgrade"], headers["Sec-WebSocket-Version"]) == (
        426,
        "websocket",
        "13",
    )
    other = describe(SeatsyncError("too old a schema", code="UPGRADE_REQUIRED"))
    assert "Sec-WebSocket-Version" not in other.headers


def fields_of(request: Request) -> Fields:
    """Read a peer's request as the front door gives it."""
    read: Fields = {}
    for name, value in request.headers.raw_items():
        read.setdefault(name.lower().encode(), []).append(value)
    return read


@pytest.mark.parametrize("bits", [None, 15, 10])
def test_strict_client_opens_with_our_head(bits: int | None) -> None:
    deflate = ClientPerMessageDeflateFactory(
        server_max_window_bits=bits, client_max_window_bits=True
    )
    peer = ClientProtocol(
        parse_uri("ws://localhost/v1/push"),
        extensions=[deflate],
        subprotocols=[Subprotocol("seatsync.v1"), Subprotocol("bearer.x")],
    )
    request = peer.connect()
    peer.send_request(request)
    asked = values(fields_of(request))
    offer = read_offer(asked)
    key = check_upgrade("GET", "1.1", asked)
    peer.receive_data(switching_head(key, "seatsync.v1", offer.deflate) + b"\r\n")
    assert peer.handshake_exc is None
    assert peer.state is State.OPEN
    assert peer.subprotocol == "seatsync.v1"
    assert len(peer.extensions) == (0 if bits == 10 else 1)
