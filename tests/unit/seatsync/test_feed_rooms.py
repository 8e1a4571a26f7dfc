from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web
from client_fake_gateway import FakeGateway, PushSocket, problem, push, snapshot_body, wait_until

from room.errors import InvalidArgument
from room.snapshot import Snapshot
from seatsync.feed import RoomFeed, feed_states
from seatsync.feed.push import PushConnection


class Seen(list[tuple[str, int]]):
    def take(self, snapshot: Snapshot) -> None:
        self.append((snapshot.room, snapshot.position.version))


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@asynccontextmanager
async def running(feed: RoomFeed) -> AsyncIterator[RoomFeed]:
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def feed_of(gateway: FakeGateway, seen: Seen, *, draw: float = 0.0, **more: float) -> RoomFeed:
    return RoomFeed(gateway.url, seen.take, draw=lambda: draw, **more)  # type: ignore[arg-type]  # numbers all


async def hear(socket: PushSocket) -> dict[str, object]:
    """Give the next message of the client that is no ping."""
    while True:
        frame = await socket.socket.receive(timeout=10)
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        message: dict[str, object] = json.loads(frame.data)
        if message["type"] != "ping":
            return message


def polled(version: int) -> web.Response:
    body = snapshot_body(version)
    headers = {"ETag": f'"1.{version}"', "Seatsync-Poll-Ms": "100"}
    return web.Response(body=body, headers=headers, content_type="application/json")


async def test_a_pushed_room_is_polled_no_more(gateway: FakeGateway) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        assert (await hear(socket))["room"] == "demo"
        await socket.snapshot(5)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    seen = Seen()
    async with running(feed_of(gateway, seen, draw=1.0)) as feed:
        feed.follow("demo")
        await wait_until(lambda: feed.counters().rooms_polled == 1)
        await wait_until(lambda: bool(seen))
        counts = feed.counters()
    assert seen == [("demo", 5)]
    assert (counts.channel, counts.rooms_pushed, counts.rooms_polled) == ("ws", 1, 0)
    assert not gateway.asked_for("state")
    request = gateway.requests[0]
    assert request.path == "/v1/push"
    assert "Authorization" not in request.headers


async def test_where_push_is_refused_rooms_are_polled_and_nothing_older_shows(
    gateway: FakeGateway,
) -> None:
    versions = iter([3, 2, 4])

    async def state(request: web.Request) -> web.Response:
        version = next(versions, 4)
        if version == 4 and request.headers.get("If-None-Match") == '"1.4"':
            return web.Response(status=304, headers={"Seatsync-Poll-Ms": "100"})
        return polled(version)

    async def refuse(_request: web.Request) -> web.Response:
        return problem(426, "UPGRADE_REQUIRED")

    gateway.handlers |= {"state": state, "push": refuse}
    seen = Seen()
    feed = feed_of(gateway, seen)
    feed.follow("demo")
    async with running(feed):
        await wait_until(lambda: feed.counters().polls >= 4)
        counts = feed.counters()
        assert feed.last_heard_s("demo") is not None
    assert seen == [("demo", 3), ("demo", 4)]
    assert (counts.channel, counts.rooms_pushed, counts.rooms_polled) == ("poll", 0, 1)
    assert counts.error_code == "UPGRADE_REQUIRED"
    assert len(gateway.asked_for("push")) == 1


async def test_a_goodbye_is_honoured_and_the_next_connection_says_what_is_held(
    gateway: FakeGateway,
) -> None:
    haves = []

    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        haves.append((await hear(socket))["have"])
        if len(haves) == 1:
            await socket.snapshot(5)
            await socket.say(type="bye", code=4000, reason="drain", retry_after_ms=100)
            await socket.socket.close(code=4000)
            return
        await socket.snapshot(6)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    seen = Seen()
    feed = feed_of(gateway, seen)
    feed.follow("demo")
    async with running(feed):
        await wait_until(lambda: len(seen) == 2)
        counts = feed.counters()
    assert [versions for _, versions in seen] == [5, 6]
    assert haves == [{}, {"state": "1732146400123.5"}]
    assert counts.reconnects == 1


async def test_a_silent_connection_is_not_relied_upon(gateway: FakeGateway) -> None:
    """Older than two pings: polled too; once it speaks again, pushed."""
    speak = asyncio.Event()

    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        await hear(socket)
        await socket.snapshot(1)
        await speak.wait()
        await socket.snapshot(3)
        await socket.hold()

    async def state(_request: web.Request) -> web.Response:
        return polled(2)

    gateway.handlers |= {"push": push(talk), "state": state}
    seen = Seen()
    feed = feed_of(gateway, seen, ping_s=0.05)
    feed.follow("demo")
    async with running(feed):
        await wait_until(lambda: feed.counters().channel == "poll")
        assert feed.counters().rooms_polled == 1
        await wait_until(lambda: ("demo", 2) in seen)
        speak.set()
        await wait_until(lambda: ("demo", 3) in seen)
        assert feed.counters().channel == "ws"
        assert feed.counters().rooms_polled == 0


async def test_the_age_of_a_state_grows_while_nobody_confirms_it(gateway: FakeGateway) -> None:
    clock = Clock()
    leave = asyncio.Event()

    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        await hear(socket)
        await socket.snapshot(1)
        await leave.wait()

    async def away(_request: web.Request) -> web.Response:
        return web.Response(status=503)

    gateway.handlers |= {"push": push(talk), "state": away}
    seen = Seen()
    feed = RoomFeed(gateway.url, seen.take, draw=lambda: 1.0, clock_s=clock)
    feed.follow("demo")
    assert feed.last_heard_s("demo") is None
    async with running(feed):
        await wait_until(lambda: bool(seen))
        await wait_until(lambda: feed.last_heard_s("demo") == 0.0)
        gateway.handlers["push"] = away
        leave.set()
        await wait_until(lambda: feed.counters().channel == "")
        clock.now_s += 30
        assert feed.last_heard_s("demo") == 30.0
        assert feed.counters().error_code == "UNAVAILABLE"
        feed.unfollow("demo")
        assert feed.last_heard_s("demo") is None


async def test_a_room_that_is_left_is_neither_pushed_nor_polled(gateway: FakeGateway) -> None:
    heard: list[dict[str, object]] = []

    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        heard.append(await hear(socket))
        await socket.snapshot(1)
        heard.append(await hear(socket))
        await socket.snapshot(2)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    seen = Seen()
    feed = feed_of(gateway, seen, draw=1.0)
    feed.follow("demo")
    async with running(feed):
        await wait_until(lambda: bool(seen))
        feed.unfollow("demo")
        feed.unfollow("demo")
        await wait_until(lambda: len(heard) == 2)
        counts = feed.counters()
    assert [message["type"] for message in heard] == ["subscribe", "unsubscribe"]
    assert seen == [("demo", 1)]
    assert (counts.rooms, counts.rooms_polled) == (0, 0)


async def test_without_a_room_nobody_is_asked(gateway: FakeGateway) -> None:
    async with running(feed_of(gateway, Seen())) as feed:
        feed.follow("demo")
        feed.unfollow("demo")
        await asyncio.sleep(0)
    assert gateway.requests == []


async def test_what_answers_in_another_tongue_is_no_push(gateway: FakeGateway) -> None:
    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    async def state(_request: web.Request) -> web.Response:
        return polled(2)

    gateway.handlers |= {"push": talk, "state": state}
    seen = Seen()
    feed = feed_of(gateway, seen)
    feed.follow("demo")
    async with running(feed):
        await wait_until(lambda: bool(seen))
        assert "seatsync.v1" in feed.counters().error


async def test_a_binary_frame_ends_the_connection(gateway: FakeGateway) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        await socket.socket.send_bytes(b"\x00")
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    feed = feed_of(gateway, Seen(), draw=1.0)
    feed.follow("demo")
    async with running(feed):
        await wait_until(lambda: "binary" in feed.counters().error)


async def test_the_gateway_is_asked_for_signs_of_life_and_its_pings_are_answered(
    gateway: FakeGateway,
) -> None:
    heard = []

    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        await socket.socket.ping(b"mark")
        async for frame in socket.socket:
            heard.append((frame.type, frame.data))

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("seatsync.v1",), autoping=False, timeout=0.1)
        await socket.prepare(request)
        await talk(PushSocket(socket))
        return socket

    gateway.handlers["push"] = handler
    feed = feed_of(gateway, Seen(), draw=1.0, ping_s=0.02)
    feed.follow("demo")
    ping = (aiohttp.WSMsgType.TEXT, '{"type":"ping","id":"feed"}')
    async with running(feed):
        await wait_until(lambda: heard.count(ping) >= 3)
    assert (aiohttp.WSMsgType.PONG, b"mark") in [
        (kind, bytes(data)) for kind, data in heard if kind is aiohttp.WSMsgType.PONG
    ]


async def test_a_room_beyond_what_push_takes_is_polled(gateway: FakeGateway) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        await hear(socket)
        refusal = {"type": "error", "code": "INVALID_ARGUMENT", "retryable": False}
        await socket.say(**refusal, message="as much as it may", room="demo", doc="state")
        await socket.hold()

    async def state(_request: web.Request) -> web.Response:
        return polled(2)

    gateway.handlers |= {"push": push(talk), "state": state}
    seen = Seen()
    feed = feed_of(gateway, seen)
    feed.follow("demo")
    async with running(feed):
        await wait_until(lambda: bool(seen))
        counts = feed.counters()
    assert (counts.channel, counts.rooms_pushed, counts.rooms_polled) == ("ws", 0, 1)


def test_malformed_names_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        RoomFeed("ftp://x", Seen().take)
    feed = RoomFeed("http://127.0.0.1:1", Seen().take)
    with pytest.raises(InvalidArgument):
        feed.follow("no/room")
    assert feed.counters().rooms == 0


async def test_states_that_want_rooms_are_fed(gateway: FakeGateway) -> None:
    class Wanting(Seen):
        def offer(self, snapshot: Snapshot) -> None:
            self.take(snapshot)

        def attach(self, source: RoomFeed) -> None:
            source.follow("demo")

    async def state(_request: web.Request) -> web.Response:
        return polled(2)

    gateway.handlers["state"] = state
    states = Wanting()
    async with running(feed_states(gateway.url, states)):
        await wait_until(lambda: states == [("demo", 2)])


async def test_a_feed_may_be_run_again_after_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = RoomFeed("http://127.0.0.1:9", Seen().take, draw=lambda: 0.0)
    feed.follow("demo")
    begun = asyncio.Event()

    async def fails(_connection: PushConnection) -> None:
        raise ZeroDivisionError

    async def lives(_connection: PushConnection) -> None:
        begun.set()
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(PushConnection, "live", fails)
    with pytest.raises(ExceptionGroup):
        await feed.run()
    assert feed.counters().push_failures == 1
    monkeypatch.setattr(PushConnection, "live", lives)
    async with running(feed), asyncio.timeout(20):
        feed.unfollow("demo")
        feed.follow("demo")
        await begun.wait()
