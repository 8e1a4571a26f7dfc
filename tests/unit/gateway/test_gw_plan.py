from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Address, Config, Stream
from gateway.plan import Planner, base_url
from gateway.tokens.bearer import ANONYMOUS, Bearer
from room import wire
from room.actor import Actor
from room.errors import InvalidArgument

BOB = Bearer(Actor("bob"), 2000.0)
HOME = "https://rooms.example/v1/rooms/r1"
FLV = Stream("flv", "https://cdn.example/{room}.flv")
HLS = Stream("hls", "https://cdn.example/{room}.m3u8")


def config(**settings: Any) -> Config:
    return Config(Address("127.0.0.1", 0), Address("127.0.0.1", 0), b"x" * 32, **settings)


def plan(bearer: Bearer, base: str = "https://rooms.example", **settings: Any) -> Any:
    return json.loads(wire.encode(Planner(config(**settings)).plan("r1", bearer, base)))


def channels(bearer: Bearer, **settings: Any) -> list[str]:
    return [planned["channel"] for planned in plan(bearer, **settings)["channels"]]


def test_a_member_is_pushed_to_first() -> None:
    assert plan(BOB, streams=(HLS, FLV)) == {
        "channels": [
            {"channel": "ws", "url": "wss://rooms.example/v1/rooms/r1/push"},
            {"channel": "sse", "url": f"{HOME}/events"},
            {"channel": "poll", "url": f"{HOME}/state", "interval_ms": 3000},
            {"channel": "sei", "url": "https://cdn.example/r1.flv"},
        ],
        "ttl_ms": 60000,
    }


def test_a_caller_without_a_token_polls() -> None:
    assert channels(ANONYMOUS, streams=(FLV,)) == ["poll", "sei"]


def test_a_caller_without_a_token_is_pushed_to_where_that_is_configured() -> None:
    assert channels(ANONYMOUS, anonymous_push=True) == ["ws", "sse", "poll"]


@pytest.mark.parametrize("streams", [(), (HLS,)])
def test_without_a_stream_that_is_read_for_state_there_is_no_sei(streams: Any) -> None:
    assert channels(BOB, streams=streams) == ["ws", "sse", "poll"]


def test_the_interval_is_the_one_in_force() -> None:
    assert plan(ANONYMOUS, poll_interval_ms=750)["channels"][0]["interval_ms"] == 750


def test_the_interval_may_change_while_the_server_runs() -> None:
    interval_ms = 3000
    planner = Planner(config(), lambda: interval_ms)
    before = planner.encoded("r1", ANONYMOUS, "https://rooms.example")
    interval_ms = 9000
    assert json.loads(before)["channels"][0]["interval_ms"] == 3000
    after = planner.encoded("r1", ANONYMOUS, "https://rooms.example")
    assert json.loads(after)["channels"][0]["interval_ms"] == 9000


@pytest.mark.parametrize("settings", [{}, {"anonymous_push": True}, {"streams": (FLV,)}])
@pytest.mark.parametrize("bearer", [ANONYMOUS, BOB])
def test_bytes_of_a_plan_are_made_once_for_all_to_whom_it_says_the_same(
    bearer: Bearer, settings: Any
) -> None:
    planner = Planner(config(**settings))
    for room in ("r1", "r2"):
        for base in ("https://rooms.example", "http://127.0.0.1:8080"):
            encoded = planner.encoded(room, bearer, base)
            assert encoded == wire.encode(planner.plan(room, bearer, base))
            assert planner.encoded(room, bearer, base) is encoded


def test_over_http_the_socket_is_a_plain_one() -> None:
    base = "http://127.0.0.1:8080"
    urls = [planned["url"] for planned in plan(BOB, base)["channels"]]
    assert urls[0] == "ws://127.0.0.1:8080/v1/rooms/r1/push"
    assert urls[1].startswith(base)


def test_a_public_address_may_have_a_path() -> None:
    base = base_url(config(public_url="https://rooms.example/seats"), "http", "10.0.0.7:8080")
    assert plan(BOB, base)["channels"][0]["url"] == "wss://rooms.example/seats/v1/rooms/r1/push"


@pytest.mark.parametrize(
    "host", ["rooms.example", "rooms.example:8080", "[::1]:8080", "127.0.0.1", "a_b"]
)
def test_without_a_public_address_it_is_what_the_caller_used(host: str) -> None:
    assert base_url(config(), "http", host) == f"http://{host}"


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":80",
        "a/b",
        "a?b",
        "a#b",
        "user@a",
        "a b",
        "a:port",
        "a:123456",
        "[::1",
        "ä",
        "a\n",
        'a"',
        "<a>",
    ],
)
def test_a_host_that_is_none_gives_no_address(host: str) -> None:
    with pytest.raises(InvalidArgument):
        base_url(config(), "http", host)


@given(st.text(max_size=40))
def test_an_address_holds_nothing_but_what_a_host_may_hold(host: str) -> None:
    try:
        base = base_url(config(), "http", host)
    except InvalidArgument:
        return
    assert not set(base.removeprefix("http://")) & set("/?#@\\ \"'<>\r\n")
