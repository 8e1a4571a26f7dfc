from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from push_samples import ANN, Node, gateway_of, settle, snapshot

from gateway.bearer import ANONYMOUS, Bearer
from gateway.config import RETRY_SPREAD_MS
from gateway.push.mailbox import MAX_MESSAGES
from gateway.push.outgoing import EXPIRED, Outgoing, farewell, retry_after_ms
from room.errors import InvalidArgument, RoomNotFound, SeatsyncError, Unavailable
from room.messages import Bye


class Cut:
    """Counts aborts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def begin(node: Node, bearer: Bearer = ANONYMOUS) -> Outgoing:
    """A way out; its transport is never cut."""
    return Outgoing(gateway_of(node), "ws", bearer, Cut())


async def test_connection_is_counted_while_it_is_open(node: Node) -> None:
    gauge = node.metrics.connections.labels("ws")
    with begin(node):
        assert len(node.connections) == 1
        assert gauge._value.get() == 1
    assert len(node.connections) == 0
    assert gauge._value.get() == 0


async def test_connection_that_fails_is_counted_out_too(node: Node) -> None:
    with pytest.raises(ZeroDivisionError), begin(node):
        raise ZeroDivisionError
    assert len(node.connections) == 0


async def test_node_that_leaves_takes_nobody_in(node: Node) -> None:
    node.connections.draining = True
    with pytest.raises(SeatsyncError) as caught, begin(node):
        pytest.fail("came in")
    assert caught.value.code == "OVERLOADED"
    assert caught.value.retry_after_ms is not None
    assert len(node.connections) == 0


async def test_what_waits_is_given_in_order(node: Node) -> None:
    with begin(node) as outgoing:
        state = snapshot()
        outgoing.mailbox.offer(state)
        outgoing.mailbox.say(b"ack")
        assert [await outgoing.next(), await outgoing.next()] == [b"ack", state]
    assert node.metrics.snapshots.labels("ws")._value.get() == 1


async def test_waiting_ends_with_what_comes(node: Node) -> None:
    with begin(node) as outgoing:
        waiting = asyncio.create_task(outgoing.next())
        await settle()
        assert not waiting.done()
        outgoing.mailbox.say(b"pong")
        assert await waiting == b"pong"


async def test_nothing_within_the_time_is_none(node: Node) -> None:
    with begin(node) as outgoing:
        assert await outgoing.next(within_s=0) is None
        outgoing.mailbox.say(b"late")
        assert await outgoing.next(within_s=0) == b"late"


@pytest.mark.parametrize("steps", range(4))
async def test_cancellation_loses_nothing(node: Node, steps: int) -> None:
    """Cancelled before it waits, while it waits, and after it was woken."""
    with begin(node) as outgoing:
        waiting = asyncio.create_task(outgoing.next())
        for step in range(4):
            if step == steps:
                outgoing.mailbox.say(b"ack")
                break
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert await outgoing.next(within_s=0) == b"ack"


async def test_expired_token_ends_the_connection(node: Node) -> None:
    now_s = node.clock_ms() / 1000
    with begin(node, Bearer(ANN, now_s - 5)) as outgoing:
        assert await outgoing.next() == EXPIRED
    assert EXPIRED.code == 4500


async def test_token_ends_the_connection_when_it_expires(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    timers: list[tuple[float, tuple[Any, ...], asyncio.TimerHandle]] = []
    call_later = loop.call_later

    def recording(delay_s: float, callback: Any, *args: Any) -> asyncio.TimerHandle:
        timer = call_later(delay_s, callback, *args)
        timers.append((delay_s, args, timer))
        return timer

    monkeypatch.setattr(loop, "call_later", recording)
    with begin(node, Bearer(ANN, node.clock_ms() / 1000 + 90)):
        [(delay_s, args, timer)] = timers
        assert delay_s == pytest.approx(90)
        assert args == (EXPIRED,)
    assert timer.cancelled()


async def test_anonymous_connection_does_not_expire(node: Node) -> None:
    with begin(node) as outgoing:
        assert outgoing._expiry is None


async def test_full_mailbox_holds_the_reading_side(node: Node) -> None:
    with begin(node) as outgoing:
        await outgoing.wait_for_space()
        for _ in range(MAX_MESSAGES + 1):
            outgoing.mailbox.say(b"ack")
        reading = asyncio.create_task(outgoing.wait_for_space())
        await settle()
        assert not reading.done()
        await outgoing.next()
        await settle()
        assert not reading.done()
        await outgoing.next()
        await reading


async def test_skipped_snapshots_are_counted_at_the_end(node: Node) -> None:
    with begin(node) as outgoing:
        for version in range(1, 6):
            outgoing.mailbox.offer(snapshot(version))
    assert node.metrics.skipped.labels("ws")._value.get() == 4


async def test_drain_says_goodbye_and_cuts_who_stays(node: Node) -> None:
    cut = Cut()
    with Outgoing(gateway_of(node), "ws", ANONYMOUS, cut) as outgoing:
        await node.connections.drain(0.0, (7, 7), random.Random(0))
        assert await outgoing.next() == Bye(code=4000, reason="drain", retry_after_ms=7)
        assert cut.count == 1


def test_farewell_tells_who_may_come_back() -> None:
    away = farewell(Unavailable("away"))
    assert away.code == 4002
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
