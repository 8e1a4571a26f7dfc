"""A push connection's place at its node, whatever carries it."""

from __future__ import annotations

import random

import pytest
from push_samples import ANN, Node
from push_wires import MAX_CONNECTIONS, Desk, Peer

from gateway.config import RETRY_SPREAD_MS
from gateway.push.connection import EXPIRED, Connection
from gateway.push.farewell import farewell, retry_after_ms
from gateway.push.sse import EventStream
from gateway.push.ws import WebSocket
from gateway.tokens.bearer import Bearer
from room.errors import InvalidArgument, RoomNotFound, SeatsyncError, Unavailable
from room.messages import Bye

MINE = Bearer(ANN)


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node)


def enter(desk: Desk, bearer: Bearer = MINE) -> Connection:
    """Take a place."""
    connection = WebSocket(desk.channel, bearer)
    connection.enter(desk.node.conversation(bearer, connection.mailbox, None))
    return connection


async def test_connection_is_counted_while_it_is_in(desk: Desk) -> None:
    connection = enter(desk)
    assert (len(desk.node.connections), desk.channel.tally.open) == (1, 1)
    connection.leave()
    assert (len(desk.node.connections), desk.channel.tally.open) == (0, 0)


async def test_one_that_leaves_twice_is_counted_out_once(desk: Desk) -> None:
    enter(desk)
    connection = enter(desk)
    connection.leave()
    connection.leave()
    assert (len(desk.node.connections), desk.channel.tally.open) == (1, 1)
    assert desk.limits._connections == {"ann": 1}


async def test_one_that_never_entered_is_not_counted_out(desk: Desk) -> None:
    enter(desk)
    WebSocket(desk.channel, MINE).leave()
    assert (len(desk.node.connections), desk.channel.tally.open) == (1, 1)


async def test_node_that_leaves_takes_nobody_in(desk: Desk) -> None:
    desk.node.connections.draining = True
    with pytest.raises(SeatsyncError) as caught:
        enter(desk)
    assert caught.value.code == "OVERLOADED"
    assert caught.value.retry_after_ms is not None
    assert desk.is_left_clean()


async def test_user_with_as_many_connections_as_they_may_is_refused_until_one_ends(
    desk: Desk,
) -> None:
    connections = [enter(desk) for _ in range(MAX_CONNECTIONS)]
    refused = WebSocket(desk.channel, MINE)
    with pytest.raises(SeatsyncError) as caught:
        refused.enter(desk.node.conversation(MINE, refused.mailbox, None))
    assert caught.value.code == "RATE_LIMITED"
    refused.leave()
    assert desk.channel.tally.open == MAX_CONNECTIONS
    connections[0].leave()
    enter(desk)


@pytest.mark.parametrize("kind", ["ws", "sse"])
async def test_goodbye_that_was_said_before_the_socket_was_taken_over_is_sent_then(
    desk: Desk, kind: str
) -> None:
    peer = Peer(desk, MINE)
    if kind == "sse":
        peer.connection = EventStream(desk.channel, MINE, {})  # type: ignore[assignment]  # it sends too
    peer.converse()
    await desk.node.connections.drain(0.0, (7, 7), random.Random(0))
    peer.join()
    sent = b"".join(peer.wire.written)
    assert sent.index(b'"type":"snapshot"') < sent.index(b'"code":4000')
    assert peer.connection.is_done()


async def test_drain_says_goodbye_and_cuts_off_who_stays(desk: Desk) -> None:
    peer = Peer(desk, MINE).converse().join()
    await desk.node.connections.drain(0.0, (7, 7), random.Random(0))
    assert b'"retry_after_ms":7' in b"".join(peer.wire.written)
    assert peer.wire.aborted


async def test_nothing_is_done_to_a_socket_that_is_gone(desk: Desk) -> None:
    connection = enter(desk)
    connection.abort()
    connection.due()
    connection.pause_writing()
    connection.tick()
    assert connection.transport is None
    assert desk.entries() == 0


def test_expired_token_tells_not_to_come_back_with_it() -> None:
    assert Bye(code=4500, reason="the token has expired") == EXPIRED


# Goodbyes


def test_farewell_tells_who_may_come_back() -> None:
    away = farewell(Unavailable("away"))
    assert away.code == 4002
    assert away.retry_after_ms is not None
    assert RETRY_SPREAD_MS[0] <= away.retry_after_ms <= RETRY_SPREAD_MS[1]
    known = farewell(SeatsyncError("full", code="OVERLOADED", retry_after_ms=77))
    assert known == Bye(code=4002, reason="full", retry_after_ms=77)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RoomNotFound("demo"), 4502),
        (InvalidArgument("wrong"), 4501),
        (SeatsyncError("who", code="UNAUTHENTICATED"), 4500),
    ],
)
def test_farewell_for_good_names_no_time(error: SeatsyncError, code: int) -> None:
    assert farewell(error) == Bye(code=code, reason=error.message)


def test_times_to_come_back_are_spread() -> None:
    times = {retry_after_ms() for _ in range(100)}
    assert len(times) > 50
    assert RETRY_SPREAD_MS[0] <= min(times) <= max(times) <= RETRY_SPREAD_MS[1]
