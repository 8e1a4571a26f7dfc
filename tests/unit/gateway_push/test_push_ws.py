"""The WebSocket driver's way out: what is sent, when, and what becomes of a stuck socket."""

from __future__ import annotations

import dataclasses
import json
import operator
from typing import Any

import pytest
from push_samples import ANN, OWNER, Node, snapshot
from push_wires import PING_S, STEP_S, TICK_S, Desk, Peer
from websockets.frames import Opcode

from gateway.push.deflate import deflated_frame
from gateway.push.ws import PING, DeflatedWebSocket, WebSocket
from gateway.tokens.bearer import Bearer
from room.messages import Bye
from room.snapshot import Encoded
from tests.unit.gateway_push.frame_samples import PING as PING_OPCODE
from tests.unit.gateway_push.frame_samples import PONG, client_frame

DRAIN = Bye(code=4000, reason="drain")


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node)


@pytest.fixture
def peer(desk: Desk) -> Peer:
    """One who follows the state, and has read what came first."""
    peer = Peer(desk, Bearer(ANN)).converse().join()
    peer.frames()
    return peer


def types(peer: Peer) -> list[Any]:
    """Name the messages that came."""
    return [json.loads(text)["type"] for text in peer.texts()]


async def change(desk: Desk, times: int = 1) -> None:
    """Change the state of the room."""
    for number in range(times):
        name = "seat.lock" if number % 2 == 0 else "seat.unlock"
        await desk.node.send(OWNER, name, seat_index=2)


# What comes first


async def test_what_was_said_before_the_101_is_sent_with_it_in_one_piece(desk: Desk) -> None:
    peer = Peer(desk, Bearer(ANN)).converse().join()
    assert len(peer.wire.written) == 1
    assert types(peer) == ["welcome", "policy", "snapshot"]


async def test_opening_of_one_to_whom_nothing_was_said_is_empty(desk: Desk) -> None:
    assert WebSocket(desk.channel, Bearer(ANN)).opening() == b""


async def test_snapshots_are_counted_whether_they_came_with_the_101_or_later(
    desk: Desk, peer: Peer
) -> None:
    assert desk.channel.tally.sent == 1
    await change(desk)
    assert desk.channel.tally.sent == 2


async def test_frame_is_made_once_for_all_who_carry_it(desk: Desk) -> None:
    peers = [Peer(desk).converse().join() for _ in range(2)]
    await change(desk)
    first, second = (peer.wire.written[-1] for peer in peers)
    assert first is second


async def test_deflated_frame_is_made_once_and_read_by_a_strict_client(desk: Desk) -> None:
    peers = [Peer(desk, kind=DeflatedWebSocket).converse().join() for _ in range(2)]
    plain = Peer(desk).converse().join()
    for peer in (*peers, plain):
        peer.frames()
    await change(desk)
    first, second, third = (peer.wire.written[-1] for peer in (*peers, plain))
    assert first is second
    assert len(first) < len(third)
    assert peers[0].texts() == plain.texts()


async def test_message_that_gets_no_shorter_is_sent_as_it_is(desk: Desk) -> None:
    deflated = DeflatedWebSocket(desk.channel, Bearer(ANN))
    plain = WebSocket(desk.channel, Bearer(ANN))
    assert len(deflated_frame(b"{}")) > len(plain.frame_of(Encoded(b"{}")))
    assert deflated.frame_of(Encoded(b"{}")) == plain.frame_of(Encoded(b"{}"))


# Signs of life


async def test_ping_is_sent_at_each_interval_to_one_who_answers(desk: Desk, peer: Peer) -> None:
    intervals = 6
    for _ in range(intervals):
        desk.pass_time(PING_S)
        pings = peer.wire.written.count(PING)
        peer.send(client_frame(PONG))
    assert intervals - 1 <= pings <= intervals
    assert not peer.wire.aborted


async def test_those_who_came_together_are_not_due_together(desk: Desk) -> None:
    factors = iter((0.1, 0.9))
    desk.channel = dataclasses.replace(desk.channel, jitter=lambda: next(factors))
    early, late = Peer(desk).converse().join(), Peer(desk).converse().join()
    desk.pass_time(TICK_S / 2)
    assert [peer.wire.written.count(PING) for peer in (early, late)] == [1, 0]


async def test_peer_that_is_silent_for_two_intervals_is_cut_off(desk: Desk, peer: Peer) -> None:
    desk.pass_time(2 * PING_S - TICK_S)
    assert not peer.wire.aborted
    desk.pass_time(TICK_S + 8 * STEP_S)
    assert not peer.wire.closed
    desk.pass_time(TICK_S)
    assert peer.wire.aborted


@pytest.mark.parametrize("opcode", [PONG, PING_OPCODE])
async def test_whatever_comes_is_a_sign_of_life(desk: Desk, peer: Peer, opcode: int) -> None:
    for _ in range(8):
        desk.pass_time(2 * PING_S - TICK_S)
        peer.send(client_frame(opcode))
    assert not peer.wire.aborted


async def test_part_of_a_frame_is_a_sign_of_life(desk: Desk, peer: Peer) -> None:
    for byte in client_frame(PONG, b"x" * 8):
        desk.pass_time(2 * PING_S - TICK_S)
        peer.send(bytes((byte,)))
    assert not peer.wire.aborted


async def test_ping_is_answered_with_its_payload(peer: Peer) -> None:
    peer.send(client_frame(PING_OPCODE, b"abc"))
    assert [(frame.opcode, bytes(frame.data)) for frame in peer.frames()] == [(Opcode.PONG, b"abc")]


async def test_ping_is_not_answered_while_the_socket_takes_no_more(desk: Desk, peer: Peer) -> None:
    peer.wire.stick()
    await change(desk)
    peer.frames()
    peer.send(client_frame(PING_OPCODE, b"abc"))
    assert peer.frames() == []


# The token


@pytest.mark.parametrize("left_s", [0.0, 5.0, 90.0])
async def test_token_ends_the_connection_when_it_expires(desk: Desk, left_s: float) -> None:
    expires_at_s = desk.node.clock_ms() / 1000 + left_s
    peer = Peer(desk, Bearer(ANN, expires_at_s)).converse().join()
    passed_s = 0.0
    while desk.node.clock_ms() / 1000 < expires_at_s - STEP_S:
        desk.pass_time(STEP_S)
        passed_s += STEP_S
        if passed_s % 10 == 0:
            peer.send(client_frame(PONG))
    assert not peer.connection.is_done()
    desk.pass_time(4 * STEP_S)
    frames = peer.frames()
    assert [frame.opcode for frame in frames[-2:]] == [Opcode.TEXT, Opcode.CLOSE]
    bye = json.loads(frames[-2].data)
    assert (bye["type"], bye["code"]) == ("bye", 4500)
    assert int.from_bytes(frames[-1].data[:2]) == 4500


async def test_caller_without_a_token_does_not_expire(desk: Desk) -> None:
    peer = Peer(desk).converse().join()
    for _ in range(20):
        desk.pass_time(PING_S)
        peer.send(client_frame(PONG))
    assert peer.closes() == []


# Little is held


def test_connection_that_is_idle_holds_no_reader_no_inbox_and_no_container(peer: Peer) -> None:
    peer.say(b'{"type":"ping"}')
    connection = peer.connection
    mailbox = connection.mailbox
    held = operator.attrgetter("_messages", "_latest", "_lossy", "_pending", "_bye")(mailbox)
    assert held == (None,) * 5
    assert (connection._reader, connection._inbox) == (None, None)
    assert not hasattr(connection, "__dict__")
    assert not hasattr(mailbox, "__dict__")


async def test_connection_whose_slow_peer_has_read_all_holds_no_container(
    desk: Desk, peer: Peer
) -> None:
    peer.wire.stick()
    await change(desk, 3)
    peer.say(b'{"type":"ping"}')
    peer.wire.take()
    mailbox = peer.connection.mailbox
    assert (mailbox._messages, mailbox._latest, mailbox._pending) == (None, None, None)


def test_frame_that_is_not_whole_is_held_until_it_is(peer: Peer) -> None:
    frame = client_frame(PING_OPCODE, b"abc")
    peer.send(frame[:4])
    assert peer.connection._reader is not None
    peer.send(frame[4:])
    assert peer.connection._reader is None


def test_version_of_what_is_sent_is_that_of_the_snapshot(desk: Desk, peer: Peer) -> None:
    assert peer.connection.frame_of(snapshot(9)).endswith(snapshot(9).body)
