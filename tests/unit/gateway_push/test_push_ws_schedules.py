"""A WebSocket connection through anything that may happen to it, in any order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from push_samples import ANN, OWNER, Node, settle
from push_wires import Desk, Peer, settled
from websockets.frames import Frame, Opcode

from gateway.push.inbox import MAX_AT_ONCE
from gateway.push.ws import DeflatedWebSocket, WebSocket
from gateway.tokens.bearer import Bearer
from room.messages import Bye
from tests.unit.gateway_push.frame_samples import (
    BINARY,
    PING,
    PONG,
    TEXT,
    client_frame,
    closing,
    fragments,
)

STEPS = {
    "ping": lambda run: run.say(b'{"type":"ping","id":1}'),
    "pings": lambda run: run.say(*[b'{"type":"ping","id":1}'] * (2 * MAX_AT_ONCE)),
    "command": lambda run: run.say(
        b'{"type":"cmd","cmd":"seat.take","cmd_id":"%d","args":{"seat_index":1}}' % run.count()
    ),
    "nonsense": lambda run: run.say(b"{"),
    "subscribe": lambda run: run.say(b'{"type":"subscribe","docs":["state","requests"]}'),
    "unsubscribe": lambda run: run.say(b'{"type":"unsubscribe"}'),
    "control": lambda run: run.send(client_frame(PING, b"x"), client_frame(PONG)),
    "fragments": lambda run: run.send(*fragments([b'{"type":', b'"ping"}'])),
    "cut": lambda run: run.cut(),
    "close": lambda run: run.send(closing(1000)),
    "binary": lambda run: run.send(client_frame(BINARY, b"x")),
    "stick": lambda run: run.peer.wire.stick(),
    "take some": lambda run: run.peer.wire.take(1),
    "take": lambda run: run.peer.wire.take(),
    "time": lambda run: run.desk.pass_time(3.0),
    "bye": lambda run: run.connection.mailbox.say_bye(Bye(code=4000, reason="drain")),
}
LATER = {"change", "turn", "settle"}


class Run:
    """One connection, and what its client may do: nothing that the loop would keep from it."""

    def __init__(self, desk: Desk, kind: type[WebSocket]) -> None:
        self.desk = desk
        self.peer = Peer(desk, Bearer(ANN), kind).converse().join()
        self.connection = self.peer.connection
        self.frames: list[Frame] = []
        self._number = 0
        self._unread: list[bytes] = []
        self._cut = b""

    def count(self) -> int:
        """Give the next number."""
        self._number += 1
        return self._number

    def say(self, *texts: bytes) -> None:
        """Send messages in one piece."""
        self.send(*(client_frame(TEXT, text) for text in texts))

    def cut(self) -> None:
        """Send part of a frame; the rest comes with what is sent next."""
        frame = client_frame(TEXT, b'{"type":"ping","id":"cut"}')
        self.send(frame[:7])
        self._cut = frame[7:]

    def send(self, *frames: bytes) -> None:
        """Send; while the socket is not read, the kernel keeps it."""
        self._unread.append(self._cut + b"".join(frames))
        self._cut = b""
        self.deliver()

    def deliver(self) -> None:
        """Let the loop read, if it may."""
        wire = self.peer.wire
        while self._unread and not wire.paused and not wire.is_closing():
            self.connection.data_received(self._unread.pop(0))

    async def step(self, name: str) -> None:
        """Take one step, and see that all is well."""
        if self.peer.wire.is_closing():
            return
        if name == "change":
            change = "seat.lock" if self.count() % 2 else "seat.unlock"
            await self.desk.node.send(OWNER, change, seat_index=2)
        elif name in LATER:
            await (settle() if name == "turn" else settled(self.desk))
        else:
            STEPS[name](self)
        self.deliver()
        self.frames += self.peer.frames()
        self.check()

    def check(self) -> None:
        """What is held is bounded, and nothing is sent after a close frame."""
        waits = len(self.connection._inbox or ())
        assert self.peer.wire.paused == bool(waits) or self.peer.wire.is_closing()
        opcodes = [frame.opcode for frame in self.frames]
        assert Opcode.CLOSE not in opcodes[:-1]


@settings(deadline=None, max_examples=150)
@given(
    kind=st.sampled_from([WebSocket, DeflatedWebSocket]),
    steps=st.lists(st.sampled_from([*STEPS, *LATER]), max_size=25),
)
async def test_whatever_happens_to_a_connection_its_rules_hold_and_nothing_is_left(
    kind: type[WebSocket], steps: list[str]
) -> None:
    node = Node()
    await node.start()
    desk = Desk(node)
    run = Run(desk, kind)
    for step in steps:
        await run.step(step)
    await settled(desk)
    run.frames += run.peer.frames()
    heard = [json.loads(frame.data) for frame in run.frames if frame.opcode is Opcode.TEXT]
    check_order(heard)
    run.peer.lose()
    await settled(desk)
    assert desk.is_left_clean()
    assert desk.failed == []


def check_order(heard: list[dict[str, Any]]) -> None:
    """Positions rise but where a subscription began anew; a goodbye is the last message."""
    assert [message["type"] for message in heard[:1]] == ["welcome"]
    assert "bye" not in [message["type"] for message in heard[:-1]]
    newest: dict[str, int] = {}
    for message in heard:
        if message["type"] == "snapshot":
            assert message["version"] >= newest.get(message["doc"], 0)
            newest[message["doc"]] = message["version"]


@pytest.mark.parametrize("kind", [WebSocket, DeflatedWebSocket])
async def test_client_that_reads_again_has_everything_in_the_end(
    node: Node, kind: type[WebSocket]
) -> None:
    desk = Desk(node)
    run = Run(desk, kind)
    for step in ("stick", "change", "command", "pings", "ping", "change", "cut", "ping"):
        await run.step(step)
    for step in ("take", "settle", "turn", "settle"):
        await run.step(step)
    heard = [json.loads(frame.data) for frame in run.frames if frame.opcode is Opcode.TEXT]
    kinds = [message["type"] for message in heard]
    assert kinds.count("pong") == 2 * MAX_AT_ONCE + 3
    assert kinds.count("ack") == 1
    held = node.poller.held("demo")
    assert held is not None
    versions = [message["version"] for message in heard if message["type"] == "snapshot"]
    assert versions[-1] == held.position.version
