"""The WebSocket driver's way in: what a client sends, in order, and no more than is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from push_samples import ANN, Node, settle
from push_wires import Desk, Peer, settled

from gateway.push.inbox import MAX_AT_ONCE
from gateway.push.mailbox import MAX_MESSAGES
from gateway.push.ws import DeflatedWebSocket
from gateway.tokens.bearer import Bearer
from room.actor import Actor
from room.commands import Request
from room.errors import Unavailable
from room.messages import Ack, Bye
from tests.unit.gateway_push.frame_samples import PONG, TEXT, client_frame, fragments

PING = b'{"type":"ping","id":1}'
TAKE = b'{"type":"cmd","cmd":"seat.take","cmd_id":"c1","args":{"seat_index":1}}'
LEAVE = b'{"type":"cmd","cmd":"seat.leave","cmd_id":"c2"}'


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node)


@pytest.fixture
def peer(desk: Desk) -> Peer:
    """One who follows the state, and has read what came first."""
    peer = Peer(desk, Bearer(ANN)).converse().join()
    peer.frames()
    return peer


class Gate:
    """Holds commands back until it is opened."""

    def __init__(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = asyncio.Event()
        self.names: list[str] = []
        self._execute: Callable[..., Awaitable[Ack]] = node.rooms.execute
        monkeypatch.setattr(node.rooms, "execute", self.execute)

    async def execute(self, room: str, actor: Actor, request: Request) -> Ack:
        self.names.append(request.name)
        await self.opened.wait()
        return await self._execute(room, actor, request)


@pytest.fixture
def gate(node: Node, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(node, monkeypatch)


def said(peer: Peer) -> list[dict[str, Any]]:
    """Give the messages that came."""
    return [json.loads(text) for text in peer.texts()]


def types(peer: Peer) -> list[str]:
    return [message["type"] for message in said(peer)]


async def test_what_needs_no_store_is_answered_before_the_next_turn(peer: Peer) -> None:
    peer.say(PING)
    assert types(peer) == ["pong"]


async def test_message_in_fragments_with_a_pong_between_is_answered(peer: Peer) -> None:
    first, second = fragments([PING[:9], PING[9:]])
    peer.send(first, client_frame(PONG))
    peer.send(second)
    assert types(peer) == ["pong"]


async def test_message_cut_anywhere_is_answered(peer: Peer) -> None:
    for byte in client_frame(TEXT, PING):
        peer.send(bytes((byte,)))
    assert types(peer) == ["pong"]


async def test_deflated_message_is_answered_by_one_that_agreed_on_it(desk: Desk) -> None:
    peer = Peer(desk, Bearer(ANN), DeflatedWebSocket).converse().join()
    peer.frames()
    peer.say(b'{"type":"ping","id":"%s"}' % (b"x" * 1000))
    assert types(peer) == ["pong"]


# Commands


async def test_command_is_acked(desk: Desk, peer: Peer) -> None:
    peer.say(TAKE)
    await settled(desk)
    assert sorted(types(peer)) == ["ack", "policy", "snapshot"]


async def test_commands_are_carried_out_one_after_the_other(
    desk: Desk, peer: Peer, gate: Gate
) -> None:
    peer.say(TAKE, PING, LEAVE)
    await settle()
    assert gate.names == ["seat.take"]
    assert types(peer) == []
    gate.opened.set()
    await settled(desk)
    answers = [kind for kind in types(peer) if kind in ("ack", "pong")]
    assert answers == ["ack", "pong", "ack"]


async def test_socket_is_not_read_while_something_waits_for_an_answer(
    desk: Desk, peer: Peer, gate: Gate
) -> None:
    peer.say(TAKE, PING)
    await settle()
    assert peer.wire.paused
    gate.opened.set()
    await settled(desk)
    assert not peer.wire.paused


async def test_socket_is_not_read_on_when_something_comes_during_an_answer(
    desk: Desk, peer: Peer, gate: Gate
) -> None:
    """Else a client could fill the memory while the store is slow."""
    peer.say(TAKE)
    await settle()
    peer.say(PING)
    assert peer.wire.paused
    gate.opened.set()
    await settled(desk)
    assert not peer.wire.paused
    assert "pong" in types(peer)


async def test_goodbye_waits_for_the_ack_and_what_was_not_begun_is_not_carried_out(
    desk: Desk, peer: Peer, gate: Gate
) -> None:
    peer.say(TAKE, LEAVE)
    await settle()
    peer.connection.mailbox.say_bye(Bye(code=4000, reason="drain"))
    peer.say(LEAVE)
    assert peer.frames() == []
    gate.opened.set()
    await settled(desk)
    assert [kind for kind in types(peer) if kind in ("ack", "bye")] == ["ack", "bye"]
    assert gate.names == ["seat.take"]


async def test_what_waits_is_not_begun_once_the_end_was_decided_though_the_goodbye_waits_too(
    desk: Desk, peer: Peer, gate: Gate
) -> None:
    peer.wire.stick()
    peer.say(PING)
    peer.say(TAKE, LEAVE)
    await settle()
    peer.connection.mailbox.say_bye(Bye(code=4000, reason="drain"))
    gate.opened.set()
    await settled(desk)
    peer.say(LEAVE)
    await settled(desk)
    assert gate.names == ["seat.take"]


async def test_command_is_carried_through_if_the_peer_leaves_meanwhile(
    desk: Desk, peer: Peer, gate: Gate
) -> None:
    peer.say(TAKE, LEAVE)
    await settle()
    peer.lose()
    gate.opened.set()
    await settled(desk)
    assert (await desk.node.rooms.find("demo")).edition.seated_users == {"ann"}
    assert gate.names == ["seat.take"]
    assert desk.is_left_clean()
    assert desk.failed == []


async def test_error_of_the_store_is_an_answer(
    desk: Desk, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(desk.node.rooms, "execute", away)
    peer.say(TAKE, PING)
    await settled(desk)
    assert [message.get("code") for message in said(peer)] == ["UNAVAILABLE", None]


# Many at once


async def test_many_messages_in_one_piece_let_others_have_their_turn(
    desk: Desk, peer: Peer
) -> None:
    peer.say(*[PING] * (2 * MAX_AT_ONCE + 1))
    answered = []
    while (count := len(said(peer))) or peer.wire.paused:
        answered.append(count)
        await asyncio.sleep(0)
    assert max(answered) == MAX_AT_ONCE
    assert sum(answered) == 2 * MAX_AT_ONCE + 1
    assert not peer.wire.paused


async def test_client_that_does_not_read_answers_is_not_read(desk: Desk, peer: Peer) -> None:
    peer.wire.stick()
    for _ in range(10 * MAX_MESSAGES):
        if peer.wire.paused:
            break
        peer.say(PING)
        await settled(desk)
    assert peer.wire.paused
    assert peer.connection.mailbox.is_full
    assert len(peer.connection._inbox or ()) == 1
    answered = len(said(peer))
    peer.wire.take()
    await settled(desk)
    assert not peer.wire.paused
    assert answered + len(said(peer)) == MAX_MESSAGES + 2


async def test_reading_goes_on_when_a_slow_peer_has_read_its_answers_during_a_command(
    desk: Desk, peer: Peer, gate: Gate
) -> None:
    peer.wire.stick()
    peer.say(PING)
    peer.say(TAKE, PING)
    await settle()
    peer.wire.take()
    gate.opened.set()
    await settled(desk)
    assert not peer.wire.paused
    assert [kind for kind in types(peer) if kind in ("ack", "pong")] == ["pong", "ack", "pong"]


# What must not happen


async def test_unexpected_exception_of_an_answer_that_was_awaited_closes_and_is_reported(
    desk: Desk, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.node.rooms, "execute", fail)
    peer.say(TAKE, PING)
    await settled(desk)
    assert [code for code, _ in peer.closes()] == [1011]
    assert [type(error) for error in desk.failed] == [ZeroDivisionError]


async def test_unexpected_exception_of_an_answer_closes_and_is_raised_to_the_loop(
    desk: Desk, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.node.metrics, "observe_applied", fail)
    report = b'{"type":"applied","room":"demo","doc":"state","epoch":1,"version":2,"lag_ms":1,'
    with pytest.raises(ZeroDivisionError):
        peer.say(report + b'"channel":"ws"}')
    assert [code for code, _ in peer.closes()] == [1011]


async def test_unexpected_exception_behind_a_command_closes_and_is_reported(
    desk: Desk, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the socket would never be read again."""

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.node.metrics, "observe_applied", fail)
    report = b'{"type":"applied","room":"demo","doc":"state","epoch":1,"version":2,"lag_ms":1,'
    peer.say(TAKE, report + b'"channel":"ws"}', PING)
    await settled(desk)
    assert [code for code, _ in peer.closes()] == [1011]
    assert [type(error) for error in desk.failed] == [ZeroDivisionError]
