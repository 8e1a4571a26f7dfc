"""How a WebSocket connection ends (RFC 6455 7), and that nothing is left of it."""

from __future__ import annotations

import pytest
from push_samples import ANN, OWNER, Node
from push_wires import STEP_S, TICK_S, Desk, Peer, settled
from websockets.frames import Opcode

from gateway.config import MAX_FRAME_BYTES
from gateway.push.deflate import deflated_frame
from gateway.push.frames_read import MAX_FRAGMENTS
from gateway.push.inbox import FRAGMENTS_AS_ONE
from gateway.push.ws import (
    CLOSE_TIMEOUT_S,
    CONTROLS_PER_S,
    MIN_CONTROLS,
    DeflatedWebSocket,
)
from gateway.tokens.bearer import Bearer
from room.messages import Bye
from tests.unit.gateway_push.frame_samples import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    client_frame,
    closing,
    declared,
    fragments,
    masked,
)

DRAIN = Bye(code=4000, reason="drain", retry_after_ms=7)
PINGED = b'{"type":"ping","id":1}'
ALLOWED = int(max(MIN_CONTROLS, CONTROLS_PER_S * TICK_S))
"""Control frames between two looks."""
TAKE = b'{"type":"cmd","cmd":"seat.take","cmd_id":"c1","args":{"seat_index":1}}'


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node)


@pytest.fixture
def peer(desk: Desk) -> Peer:
    """One who follows the state, and has read what came first."""
    peer = Peer(desk, Bearer(ANN)).converse().join()
    peer.frames()
    return peer


# The peer closes


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_close_frame_is_answered_with_its_code(peer: Peer, code: int) -> None:
    peer.send(closing(code, b"bye"))
    assert peer.closes() == [(code, "")]
    assert peer.wire.closed


def test_close_frame_without_a_code_is_answered_without_one(peer: Peer) -> None:
    peer.send(client_frame(CLOSE))
    assert [(frame.opcode, frame.data) for frame in peer.frames()] == [(Opcode.CLOSE, b"")]
    assert peer.wire.closed


def test_what_comes_before_a_close_frame_is_taken_and_what_comes_after_is_not(
    desk: Desk, peer: Peer
) -> None:
    peer.send(closing(1000), client_frame(TEXT, PINGED))
    peer.send(client_frame(TEXT, PINGED))
    assert [frame.opcode for frame in peer.frames()] == [Opcode.CLOSE]


def test_closed_by_the_peer_it_has_left_its_rooms_at_once(desk: Desk, peer: Peer) -> None:
    peer.send(closing(1000))
    assert (len(desk.node.hub), desk.node.audience.count("demo")) == (0, 0)


def test_socket_that_does_not_go_after_the_closing_handshake_is_cut_off(
    desk: Desk, peer: Peer
) -> None:
    peer.send(closing(1000))
    desk.pass_time(CLOSE_TIMEOUT_S + 3 * STEP_S)
    assert peer.wire.aborted


def test_half_a_websocket_is_none(peer: Peer) -> None:
    """Given back False, the loop closes the transport."""
    assert not peer.connection.eof_received()


# We close


def test_our_close_waits_for_the_answer_of_the_peer(desk: Desk, peer: Peer) -> None:
    peer.connection.mailbox.say_bye(DRAIN)
    assert peer.closes() == [(4000, "drain")]
    assert not peer.wire.closed
    peer.send(closing(4000))
    assert peer.wire.closed
    assert not peer.wire.aborted
    assert peer.frames() == []


def test_peer_that_does_not_answer_our_close_is_cut_off_after_two_seconds(
    desk: Desk, peer: Peer
) -> None:
    peer.connection.mailbox.say_bye(DRAIN)
    desk.pass_time(CLOSE_TIMEOUT_S - STEP_S)
    assert not peer.wire.aborted
    desk.pass_time(4 * STEP_S)
    assert peer.wire.aborted


async def test_nothing_is_sent_after_our_close(desk: Desk, peer: Peer) -> None:
    peer.connection.mailbox.say_bye(DRAIN)
    peer.frames()
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    peer.send(client_frame(TEXT, PINGED), client_frame(PING))
    peer.connection.mailbox.say(b"{}")
    desk.pass_time(TICK_S)
    assert peer.frames() == []


def test_what_waited_for_a_slow_peer_is_not_sent_behind_our_close(peer: Peer) -> None:
    peer.wire.stick()
    peer.say(PINGED, PINGED)
    peer.send(client_frame(BINARY))
    peer.wire.take()
    assert [frame.opcode for frame in peer.frames()] == [Opcode.TEXT, Opcode.CLOSE]


def test_messages_behind_our_close_are_not_taken_and_its_answer_is(peer: Peer) -> None:
    peer.connection.mailbox.say_bye(DRAIN)
    peer.send(client_frame(TEXT, PINGED)[:3])
    peer.send(client_frame(TEXT, PINGED)[3:], client_frame(PING), closing(4000))
    assert peer.wire.closed


async def test_reading_goes_on_after_our_close_though_it_was_paused(desk: Desk, peer: Peer) -> None:
    """Else the answer of the peer would never be seen."""
    peer.wire.stick()
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    while not peer.wire.paused:
        peer.say(PINGED)
        await settled(desk)
    peer.connection._close(1011, "")
    assert not peer.wire.paused


def test_rest_of_a_frame_that_began_before_our_close_is_passed_over(peer: Peer) -> None:
    frame = client_frame(TEXT, PINGED)
    peer.send(frame[:9])
    peer.connection.mailbox.say_bye(DRAIN)
    peer.send(frame[9:])
    assert not peer.wire.closed
    peer.send(closing(4000))
    assert peer.wire.closed


def test_answer_to_the_close_after_a_violation_ends_the_connection(peer: Peer) -> None:
    peer.send(client_frame(BINARY, b"x"))
    peer.send(closing(1003))
    assert peer.wire.closed


def test_first_reason_to_close_is_the_one_that_is_sent(peer: Peer) -> None:
    peer.send(client_frame(BINARY))
    peer.connection.mailbox.say_bye(DRAIN)
    peer.send(client_frame(BINARY))
    assert [code for code, _ in peer.closes()] == [1003]


# What a client may not do


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (client_frame(BINARY, b"x"), 1003),
        (declared(TEXT, MAX_FRAME_BYTES + 1, form=16), 1009),
        (client_frame(TEXT, b"\xff"), 1007),
        (client_frame(0x3), 1002),
        (client_frame(TEXT, b"x", flags=0xC0), 1002),
        (client_frame(CLOSE, b"\x03"), 1002),
        (b"".join(fragments([b"x" * (MAX_FRAME_BYTES // 2 + 1)] * 2)), 1009),
    ],
)
def test_violation_closes_with_its_code(peer: Peer, stream: bytes, code: int) -> None:
    peer.send(stream)
    assert [told for told, _ in peer.closes()] == [code]
    assert not peer.wire.closed


def test_messages_before_a_violation_are_answered(peer: Peer) -> None:
    peer.send(client_frame(TEXT, PINGED), client_frame(BINARY))
    assert [frame.opcode for frame in peer.frames()] == [Opcode.TEXT, Opcode.CLOSE]


def test_whole_message_of_the_largest_size_is_taken(peer: Peer) -> None:
    peer.send(client_frame(TEXT, b" " * MAX_FRAME_BYTES))
    assert peer.closes() == []


def test_bomb_is_too_big(desk: Desk) -> None:
    peer = Peer(desk, kind=DeflatedWebSocket).converse().join()
    peer.frames()
    frame = deflated_frame(b" " * (MAX_FRAME_BYTES + 1))
    payload = frame[2:]
    assert len(payload) < 126
    peer.send(bytes((frame[0], 0x80 | len(payload))) + b"keys" + masked(payload, b"keys"))
    assert [code for code, _ in peer.closes()] == [1009]


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_flood_of_control_frames_is_refused(peer: Peer, opcode: int) -> None:
    peer.send(*[client_frame(opcode)] * ALLOWED)
    assert peer.closes() == []
    peer.send(client_frame(opcode))
    assert [code for code, _ in peer.closes()] == [1008]


def test_flood_of_messages_in_tiny_fragments_is_refused(peer: Peer) -> None:
    count = MAX_FRAGMENTS // 2
    messages = ALLOWED // (count // FRAGMENTS_AS_ONE)
    pieces = fragments([b""] * (count - 1) + [PINGED])
    for _ in range(messages):
        peer.send(*pieces)
    assert peer.closes() == []
    peer.send(*pieces)
    assert [code for code, _ in peer.closes()] == [1008]


def test_messages_in_a_few_fragments_are_no_flood(peer: Peer) -> None:
    for _ in range(2 * ALLOWED):
        peer.send(*fragments([PINGED[:5], PINGED[5:9], PINGED[9:]]))
    assert peer.closes() == []


def test_as_many_control_frames_are_taken_again_in_the_next_interval(
    desk: Desk, peer: Peer
) -> None:
    for _ in range(4):
        peer.send(*[client_frame(PONG)] * ALLOWED)
        desk.pass_time(TICK_S + 2 * STEP_S)
    assert peer.closes() == []
