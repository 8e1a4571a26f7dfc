"""What comes to a WebSocket in one piece: in parts where it is much, and nothing of it is lost."""

from __future__ import annotations

import asyncio

import pytest
from push_samples import ANN, Node, settle
from push_wires import Desk, Peer, settled
from test_push_frames_parts import deflated
from websockets.frames import Opcode

from gateway.config import MAX_FRAME_BYTES
from gateway.push.frames_read import MAX_EVENTS, MAX_TOLD_BYTES
from gateway.push.ws import DeflatedWebSocket
from gateway.tokens.bearer import Bearer
from tests.unit.gateway_push.frame_samples import PONG, TEXT, client_frame, closing

SAY = b'{"type":"ping","id":1}'
COMMANDS = (
    b'{"type":"cmd","cmd":"seat.take","cmd_id":"c1","args":{"seat_index":1}}',
    b'{"type":"cmd","cmd":"seat.leave","cmd_id":"c2"}',
    b'{"type":"cmd","cmd":"seat.take","cmd_id":"c3","args":{"seat_index":2}}',
)


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node)


async def test_what_inflates_far_waits_as_it_came_and_others_have_their_turn(desk: Desk) -> None:
    peer = Peer(desk, Bearer(ANN), DeflatedWebSocket).converse().join()
    peer.frames()
    peer.send(deflated(SAY.ljust(MAX_FRAME_BYTES)) * 200)
    waiting, answered = [], []
    while peer.wire.paused:
        waiting.append(sum(map(len, peer.connection._inbox or ())))  # type: ignore[arg-type]  # texts
        answered.append(len(peer.texts()))
        await asyncio.sleep(0)
    assert max(waiting) < MAX_TOLD_BYTES + MAX_FRAME_BYTES
    assert max(answered) <= MAX_TOLD_BYTES // MAX_FRAME_BYTES
    assert sum(answered) + len(peer.texts()) == 200


async def test_many_control_frames_in_one_piece_are_looked_at_in_parts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.push.ws.MIN_CONTROLS", 10_000)
    peer = Peer(desk, Bearer(ANN)).converse().join()
    peer.frames()
    turns = 0
    peer.send(client_frame(PONG) * (4 * MAX_EVENTS), client_frame(TEXT, SAY))
    while peer.wire.paused:
        assert peer.texts() == []
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 4
    assert len(peer.texts()) == 1


async def test_piece_is_not_read_on_once_the_peer_has_left(desk: Desk) -> None:
    peer = Peer(desk, Bearer(ANN)).converse().join()
    peer.send(client_frame(TEXT, SAY) * (100 * MAX_EVENTS))
    peer.lose()
    await settle()
    assert not desk._tasks
    assert desk.is_left_clean()
    assert desk.failed == []
    assert peer.connection._reader is None


@pytest.mark.parametrize("count", [1, 3])
async def test_commands_that_come_with_a_close_are_acked_before_it_is_answered(
    desk: Desk, count: int
) -> None:
    peer = Peer(desk, Bearer(ANN)).converse().join()
    peer.frames()
    peer.send(*(client_frame(TEXT, text) for text in COMMANDS[:count]), closing(1000))
    await settled(desk)
    frames = peer.frames()
    assert sum(b'"type":"ack"' in frame.data for frame in frames[:-1]) == count
    assert frames[-1].opcode is Opcode.CLOSE
    assert peer.wire.closed
    assert not peer.wire.paused


async def test_close_behind_a_command_that_is_under_way_waits_for_it(desk: Desk) -> None:
    peer = Peer(desk, Bearer(ANN)).converse().join()
    peer.frames()
    peer.send(client_frame(TEXT, COMMANDS[0]))
    peer.send(closing(1000))
    assert not peer.wire.closed
    await settled(desk)
    frames = peer.frames()
    assert any(b'"type":"ack"' in frame.data for frame in frames)
    assert frames[-1].opcode is Opcode.CLOSE
