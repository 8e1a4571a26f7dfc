"""The Server-Sent Events driver: what is sent, as events (WHATWG HTML 9.2)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, cast

import pytest
from push_samples import ANN, EPOCH, OWNER, Node, finish, snapshot
from push_wires import NO_PROGRESS_S, STEP_S, Desk, Wire

from gateway.config import RETRY_SPREAD_MS, SSE_COMMENT_S
from gateway.push.sse import COMMENT, EventStream
from gateway.tokens.bearer import ANONYMOUS, Bearer
from room.actor import Actor
from room.messages import Bye
from room.position import Position

SCORES = Actor("scores", "service", docs=("x-score",))
DRAIN = Bye(code=4000, reason="drain", retry_after_ms=7)


class Event(NamedTuple):
    name: str | None
    id: str | None
    data: dict[str, Any]


def read_events(stream: bytes) -> list[Event]:
    """Read a stream as a browser does; comments and ``retry`` are no events."""
    events = []
    assert stream.endswith(b"\n\n")
    for block in stream.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line != ":")
        if "data" in fields:
            events.append(Event(fields.get("event"), fields.get("id"), json.loads(fields["data"])))
    return events


class Listener:
    """One stream, and what came of it."""

    def __init__(self, desk: Desk, bearer: Bearer = ANONYMOUS, **have: Position) -> None:
        self.desk = desk
        self.have = have
        self.stream = EventStream(desk.channel, bearer, have)
        self.wire = Wire()
        self._read = 0

    async def join(self, *docs: str) -> Listener:
        """Open the conversation and take the transport over, as the door does."""
        node, stream = self.desk.node, self.stream
        conversation = node.conversation(stream.bearer, stream.mailbox, "demo")
        stream.enter(conversation)
        await finish(conversation.open(docs or ("state",), self.have, 15_000))
        self.wire.written.append(stream.opening())
        self.wire.protocol = stream
        stream.connection_made(cast("Any", self.wire))
        return self

    def events(self) -> list[Event]:
        """Give the events that came since it was last asked."""
        new, self._read = self.wire.written[self._read :], len(self.wire.written)
        return read_events(b"".join(new)) if new else []

    def lose(self) -> None:
        self.wire.protocol = None
        self.stream.connection_lost(None)


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node, "sse", SSE_COMMENT_S)


@pytest.fixture
async def listener(desk: Desk) -> Listener:
    """One who follows the state, and has read what came first."""
    listener = await Listener(desk, Bearer(ANN)).join()
    listener.events()
    return listener


async def score(desk: Desk, points: int) -> None:
    await desk.node.rooms.put_document("demo", SCORES, "x-score", b'{"n":%d}' % points)


async def test_when_to_come_back_is_said_first_and_differs(desk: Desk) -> None:
    openings = [(await Listener(desk).join()).wire.written[0] for _ in range(20)]
    times = [int(opening.split(b"\n")[0].removeprefix(b"retry: ")) for opening in openings]
    assert RETRY_SPREAD_MS[0] <= min(times) < max(times) <= RETRY_SPREAD_MS[1]


async def test_what_was_said_before_is_sent_with_the_head_in_one_piece(desk: Desk) -> None:
    listener = await Listener(desk).join()
    assert len(listener.wire.written) == 1
    assert [event.name for event in listener.events()] == ["welcome", "policy", "snapshot"]


async def test_event_is_named_for_the_type_of_its_message(listener: Listener, desk: Desk) -> None:
    desk.node.audience.say("demo", "online", b'{"type":"online","count":3}')
    assert listener.events() == [Event("online", None, {"type": "online", "count": 3})]


async def test_id_of_a_snapshot_names_its_position(listener: Listener, desk: Desk) -> None:
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    [event] = listener.events()
    assert (event.name, event.id) == ("snapshot", f"state:{EPOCH}.3")
    assert event.data["version"] == 3


async def test_event_of_a_lone_document_is_made_once_for_all(desk: Desk) -> None:
    listeners = [await Listener(desk).join() for _ in range(2)]
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    first, second = (listener.wire.written[-1] for listener in listeners)
    assert first is second


async def test_message_is_made_into_an_event_once_for_all(desk: Desk) -> None:
    listeners = [await Listener(desk).join() for _ in range(2)]
    desk.node.audience.say("demo", "online", b'{"type":"online","count":3}')
    first, second = (listener.wire.written[-1] for listener in listeners)
    assert first is second


async def test_id_names_the_positions_of_all_documents_so_far(desk: Desk) -> None:
    await score(desk, 1)
    listener = await Listener(desk).join("state", "x-score")
    *_, first, second = listener.events()
    assert first.id == f"state:{EPOCH}.2"
    assert second.id == f"state:{EPOCH}.2,x-score:{EPOCH}.1"
    await score(desk, 2)
    assert [event.id for event in listener.events()] == [f"state:{EPOCH}.2,x-score:{EPOCH}.2"]


async def test_id_names_what_the_reader_held_and_was_not_sent(desk: Desk) -> None:
    await score(desk, 1)
    listener = Listener(desk, **{"x-score": Position(EPOCH, 1)})
    await listener.join("state", "x-score")
    *_, event = listener.events()
    assert event.id == f"x-score:{EPOCH}.1,state:{EPOCH}.2"


async def test_reader_who_holds_the_newest_is_sent_no_snapshot(desk: Desk) -> None:
    listener = await Listener(desk, state=Position(EPOCH, 2)).join()
    assert [event.name for event in listener.events()] == ["welcome", "policy"]


async def test_lone_form_of_one_reader_does_not_spoil_that_of_another(desk: Desk) -> None:
    alone, both = Listener(desk), Listener(desk)
    await alone.join()
    await score(desk, 1)
    await both.join("state", "x-score")
    for listener in (alone, both):
        listener.events()
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    assert [event.id for event in alone.events()] == [f"state:{EPOCH}.3"]
    assert [event.id for event in both.events()] == [f"state:{EPOCH}.3,x-score:{EPOCH}.1"]


async def test_snapshots_are_counted_whether_they_came_with_the_head_or_later(
    listener: Listener, desk: Desk
) -> None:
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    assert desk.channel.tally.sent == 2


async def test_comment_is_sent_at_each_interval(listener: Listener, desk: Desk) -> None:
    desk.pass_time(4 * (SSE_COMMENT_S + 2 * STEP_S))
    assert listener.wire.written[1:] == [COMMENT] * 4


async def test_no_comment_is_sent_to_a_socket_that_takes_no_more(
    listener: Listener, desk: Desk
) -> None:
    listener.wire.stick()
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    for _ in range(4):
        desk.pass_time(8.0)
        listener.wire.take(1)
    assert COMMENT not in listener.wire.written


async def test_slow_reader_gets_the_newest_alone(listener: Listener, desk: Desk) -> None:
    listener.wire.stick()
    for name in ("seat.lock", "seat.unlock", "seat.lock"):
        await desk.node.send(OWNER, name, seat_index=2)
    assert [event.data["version"] for event in listener.events()] == [3]
    listener.wire.take()
    assert [event.data["version"] for event in listener.events()] == [5]
    listener.lose()
    assert desk.channel.tally.skipped == 1


async def test_socket_that_takes_nothing_is_cut_off(listener: Listener, desk: Desk) -> None:
    listener.wire.stick()
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    desk.pass_time(NO_PROGRESS_S + 6.0)
    assert listener.wire.aborted


async def test_goodbye_is_the_last_event_and_ends_the_stream(
    listener: Listener, desk: Desk
) -> None:
    listener.stream.mailbox.say_bye(DRAIN)
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    [event] = listener.events()
    assert (event.name, event.data["code"], event.data["retry_after_ms"]) == ("bye", 4000, 7)
    assert listener.wire.closed
    assert not listener.wire.aborted
    assert (len(desk.node.hub), desk.node.audience.count("demo")) == (0, 0)


async def test_goodbye_that_is_not_read_is_cut_off(listener: Listener, desk: Desk) -> None:
    listener.stream.mailbox.say_bye(DRAIN)
    desk.pass_time(NO_PROGRESS_S + 1.0)
    assert listener.wire.aborted


async def test_goodbye_waits_until_the_socket_takes_again(listener: Listener, desk: Desk) -> None:
    listener.wire.stick()
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    listener.events()
    listener.stream.mailbox.say_bye(DRAIN)
    assert listener.events() == []
    listener.wire.take()
    assert [event.name for event in listener.events()] == ["bye"]


async def test_token_ends_the_stream_when_it_expires(desk: Desk) -> None:
    bearer = Bearer(ANN, desk.node.clock_ms() / 1000 + 40.0)
    listener = await Listener(desk, bearer).join()
    listener.events()
    desk.pass_time(39.0)
    assert listener.events() == []
    desk.pass_time(2.0)
    assert [event.data["code"] for event in listener.events()] == [4500]


@pytest.mark.parametrize("state", ["idle", "stuck", "bye"])
async def test_nothing_is_left_of_a_stream_that_was_lost(desk: Desk, state: str) -> None:
    listener = await Listener(desk, Bearer(ANN)).join("state", "x-score")
    assert not desk.is_left_clean()
    if state == "stuck":
        listener.wire.stick()
        listener.stream.mailbox.say(b'{"type":"pong"}')
    elif state == "bye":
        listener.stream.mailbox.say_bye(DRAIN)
    listener.lose()
    assert desk.is_left_clean()
    written = len(listener.wire.written)
    await desk.node.send(OWNER, "seat.lock", seat_index=2)
    desk.pass_time(2 * SSE_COMMENT_S)
    assert len(listener.wire.written) == written


async def test_snapshot_is_the_object_that_others_carry(listener: Listener) -> None:
    shown = snapshot(9)
    listener.stream.bring(shown)
    assert listener.wire.written[-1].endswith(b"data: " + shown.body + b"\n\n")


def test_stream_has_no_dictionary_of_attributes(desk: Desk) -> None:
    assert not hasattr(EventStream(desk.channel, ANONYMOUS, {}), "__dict__")
