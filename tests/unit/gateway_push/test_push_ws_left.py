"""Nothing is left of a WebSocket connection, whatever it was doing when it was lost."""

from __future__ import annotations

import asyncio

import pytest
from push_samples import ANN, OWNER, Node, settle
from push_wires import TICK_S, Desk, Peer, settled

from gateway.push.farewell import farewell
from gateway.push.ws import DeflatedWebSocket, WebSocket
from gateway.tokens.bearer import ANONYMOUS, Bearer
from poller import Found
from room.errors import RoomNotFound
from room.messages import Bye
from room.snapshot import Edition
from tests.unit.gateway_push.frame_samples import BINARY, TEXT, client_frame, closing

DRAIN = Bye(code=4000, reason="drain", retry_after_ms=7)
PINGED = b'{"type":"ping","id":1}'
TAKE = b'{"type":"cmd","cmd":"seat.take","cmd_id":"c1","args":{"seat_index":1}}'


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node)


def begin_nothing(peer: Peer) -> None:
    """It is idle."""


def begin_bye(peer: Peer) -> None:
    peer.connection.mailbox.say_bye(DRAIN)


def begin_closing(peer: Peer) -> None:
    peer.send(closing(1000))


def begin_violation(peer: Peer) -> None:
    peer.send(client_frame(BINARY))


def begin_command(peer: Peer) -> None:
    peer.say(TAKE, PINGED)


def begin_part_of_a_frame(peer: Peer) -> None:
    peer.send(client_frame(TEXT, PINGED)[:5])


def begin_stuck(peer: Peer) -> None:
    peer.wire.stick()
    peer.say(PINGED)
    peer.connection.mailbox.say(b"{}")
    peer.connection.mailbox.say_bye(DRAIN)


def begin_abort(peer: Peer) -> None:
    peer.connection.abort()


STATES = [
    begin_nothing,
    begin_bye,
    begin_closing,
    begin_violation,
    begin_command,
    begin_part_of_a_frame,
    begin_stuck,
    begin_abort,
]


@pytest.mark.parametrize("begin", STATES)
@pytest.mark.parametrize("kind", [WebSocket, DeflatedWebSocket])
async def test_nothing_is_left_of_a_connection_that_was_lost_in_any_state(
    desk: Desk, begin: object, kind: type[WebSocket]
) -> None:
    assert callable(begin)
    peer = Peer(desk, Bearer(ANN), kind).converse().join()
    assert not desk.is_left_clean()
    begin(peer)
    peer.lose()
    await settled(desk)
    assert desk.is_left_clean()
    written = len(peer.wire.written)
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    desk.pass_time(2 * TICK_S)
    assert len(peer.wire.written) == written
    assert desk.failed == []


async def test_nothing_is_left_of_one_that_was_never_taken_over(desk: Desk) -> None:
    peer = Peer(desk, Bearer(ANN)).converse()
    peer.connection.leave()
    assert desk.is_left_clean()


async def test_nothing_is_left_of_one_that_left_while_it_subscribed_to_a_room_not_in_memory(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = Peer(desk, Bearer(ANN), home=None).converse().join()
    opened, find = asyncio.Event(), desk.node.rooms.find

    async def slow_find(room: str) -> Found[Edition]:
        await opened.wait()
        return await find(room)

    monkeypatch.setattr(desk.node.rooms, "find_now", lambda room: None)
    monkeypatch.setattr(desk.node.rooms, "find", slow_find)
    peer.say(b'{"type":"subscribe","room":"demo","docs":["state"]}')
    await settle()
    peer.lose()
    opened.set()
    await settled(desk)
    assert desk.is_left_clean()


async def test_place_is_given_back_once(desk: Desk) -> None:
    peer = Peer(desk, Bearer(ANN)).converse().join()
    peer.send(closing(1000))
    peer.lose()
    peer.connection.leave()
    assert desk.is_left_clean()


async def test_one_that_was_refused_hears_why_and_says_nothing_that_counts(desk: Desk) -> None:
    peer = Peer(desk, ANONYMOUS).join()
    peer.connection.bid(farewell(RoomNotFound("demo")))
    peer.say(TAKE, PINGED)
    [said] = peer.texts()
    assert b'"code":4502' in said
    peer.send(closing(4502))
    assert peer.wire.closed
    peer.lose()
    await settled(desk)
    assert desk.is_left_clean()
