"""What becomes of a WebSocket connection whose socket takes no more."""

from __future__ import annotations

import json

import pytest
from push_samples import ANN, OWNER, Node
from push_wires import PING_S, STEP_S, Desk, Peer
from websockets.frames import Opcode

from gateway.push.ws import PING
from gateway.tokens.bearer import Bearer
from room.messages import Bye
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


async def change(desk: Desk, times: int = 1) -> None:
    """Change the state of the room."""
    for number in range(times):
        name = "seat.lock" if number % 2 == 0 else "seat.unlock"
        await desk.node.send(OWNER, name, seat_index=2)


async def test_everything_is_kept_in_the_mailbox_and_not_in_the_socket(peer: Peer) -> None:
    """The transport tells as soon as the kernel has not taken all."""
    assert peer.wire.high == 0


async def test_slow_reader_gets_the_newest_snapshot_alone(desk: Desk, peer: Peer) -> None:
    peer.wire.stick()
    await change(desk, 4)
    assert [json.loads(text)["version"] for text in peer.texts()] == [3]
    peer.wire.take()
    assert [json.loads(text)["version"] for text in peer.texts()] == [6]
    await change(desk)
    assert [json.loads(text)["version"] for text in peer.texts()] == [7]


async def test_snapshots_that_were_skipped_are_counted_at_the_end(desk: Desk, peer: Peer) -> None:
    peer.wire.stick()
    await change(desk, 5)
    peer.lose()
    assert desk.channel.tally.skipped == 3


async def test_messages_to_a_slow_reader_are_kept_in_order_and_go_first(
    desk: Desk, peer: Peer
) -> None:
    peer.wire.stick()
    await change(desk, 2)
    peer.frames()
    for number in range(5):
        peer.say(b'{"type":"ping","id":%d}' % number)
    assert peer.frames() == []
    peer.wire.take()
    said = [json.loads(text) for text in peer.texts()]
    assert [message.get("id") for message in said] == [0, 1, 2, 3, 4, None]
    assert said[-1]["type"] == "snapshot"


async def test_socket_that_takes_nothing_is_cut_off_after_ten_seconds(
    desk: Desk, peer: Peer
) -> None:
    peer.wire.stick()
    await change(desk)
    desk.pass_time(9.5)
    assert not peer.wire.aborted
    desk.pass_time(6.0)
    assert peer.wire.aborted


async def test_socket_that_takes_a_byte_now_and_then_is_left_alone(desk: Desk, peer: Peer) -> None:
    peer.wire.stick()
    await change(desk)
    for _ in range(10):
        desk.pass_time(8.0)
        peer.wire.take(1)
        assert not peer.wire.aborted
    desk.pass_time(16.0)
    assert peer.wire.aborted


async def test_socket_that_took_all_is_looked_after_as_before(desk: Desk, peer: Peer) -> None:
    for _ in range(3):
        peer.wire.stick()
        await change(desk)
        desk.pass_time(9.0)
        peer.wire.take()
        peer.send(client_frame(PONG))
    desk.pass_time(PING_S)
    assert peer.wire.written.count(PING) >= 1
    assert not peer.wire.aborted


async def test_socket_that_sticks_again_and_again_is_looked_after_as_often_as_others(
    desk: Desk, peer: Peer
) -> None:
    for _ in range(round(2 * PING_S / STEP_S) + 4):
        peer.wire.stick()
        await change(desk)
        desk.pass_time(STEP_S)
        peer.wire.take()
        peer.send(client_frame(PONG))
    assert peer.wire.written.count(PING) >= 2


async def test_goodbye_waits_until_the_socket_takes_again_and_comes_last(
    desk: Desk, peer: Peer
) -> None:
    peer.wire.stick()
    await change(desk, 3)
    peer.frames()
    peer.connection.mailbox.say_bye(DRAIN)
    assert peer.frames() == []
    peer.wire.take()
    frames = peer.frames()
    assert [json.loads(frame.data)["type"] for frame in frames[:-1]] == ["snapshot", "bye"]
    assert frames[-1].opcode is Opcode.CLOSE


async def test_goodbye_to_one_who_never_reads_it_ends_with_the_socket(
    desk: Desk, peer: Peer
) -> None:
    peer.wire.stick()
    await change(desk)
    peer.connection.mailbox.say_bye(DRAIN)
    desk.pass_time(16.0)
    assert peer.wire.aborted


async def test_expired_token_ends_a_stuck_connection_though_its_peer_takes_a_byte_now_and_then(
    desk: Desk,
) -> None:
    peer = Peer(desk, Bearer(ANN, desk.node.clock_ms() / 1000 + 30.0)).converse().join()
    peer.wire.stick()
    await change(desk)
    for _ in range(6):
        desk.pass_time(8.0)
        peer.wire.take(1)
    assert peer.connection.mailbox.is_leaving
    assert peer.wire.aborted
