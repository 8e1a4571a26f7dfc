from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from client_fake_gateway import (
    FakeGateway,
    Handler,
    PushSocket,
    problem,
    push,
    snapshot_body,
    wait_until,
)
from test_client_commands import CommandBook
from test_client_sei import live, media
from test_client_sei import state as video_state

from room.reconcile import Channel, Verdict
from seatsync import CommandRefused, Room, RoomEnded, Update
from seatsync.room import WsSource

TOKEN = "header.claims.signature"


def room(gateway: FakeGateway, *channels: Channel, **more: Any) -> Room:
    """A room whose waits are a fiftieth of what the backoff allows."""
    return Room(
        gateway.url, "demo", channels=channels or ("ws", "sse", "poll"), draw=lambda: 0.02, **more
    )


def answering(response_of: Any) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = response_of()
        return response

    return handler


def polled(version: int) -> Handler:
    return answering(
        lambda: web.Response(body=snapshot_body(version), headers={"Seatsync-Poll-Ms": "100"})
    )


def down() -> Handler:
    return answering(lambda: web.Response(status=503))


class Pushing:
    """A push that can be cut and mended; welcomes each connection with the newest version."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.gateway = gateway
        self.sockets: list[PushSocket] = []
        self.version = 1
        self.mend()

    def mend(self) -> None:
        self.gateway.handlers["push"] = push(self._talk)

    async def cut(self) -> None:
        self.gateway.handlers["push"] = down()
        for socket in self.sockets:
            await socket.socket.close(code=1012)

    async def _talk(self, socket: PushSocket) -> None:
        self.sockets.append(socket)
        await socket.welcome()
        await socket.snapshot(self.version)
        await socket.hold()


async def next_version(updates: AsyncIterator[Update], version: int) -> Update:
    """Wait for a version to show."""
    async with asyncio.timeout(10):
        async for update in updates:
            if update.snapshot.position.version == version:
                return update
    raise AssertionError("the room ended")


async def test_push_is_cut_then_poll_takes_over_then_push_is_back(gateway: FakeGateway) -> None:
    pushing = Pushing(gateway)
    gateway.handlers["events"] = down()
    gateway.handlers["state"] = polled(1)
    async with room(gateway) as demo:
        updates = aiter(demo)
        await next_version(updates, 1)
        gateway.handlers["state"] = polled(2)
        await pushing.cut()
        assert (await next_version(updates, 2)).channel == "poll"
        assert demo.active == "poll"
        pushing.version = 3
        pushing.mend()
        assert (await next_version(updates, 3)).channel == "ws"
        assert demo.running == {"ws"}
        assert demo.active == "ws"
        assert not demo.endings["ws"].permanent


async def test_sse_takes_over_where_websockets_are_blocked(gateway: FakeGateway) -> None:
    gateway.handlers["push"] = down()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"event: snapshot\ndata: " + snapshot_body(5) + b"\n\n")
        await gateway.stopping.wait()
        return response

    gateway.handlers["events"] = stream
    async with room(gateway, "ws", "sse") as demo:
        assert (await next_version(aiter(demo), 5)).channel == "sse"
        assert demo.active == "sse"


async def test_poll_paints_first_while_push_connects(gateway: FakeGateway) -> None:
    gateway.handlers["push"] = push(PushSocket.hold)
    gateway.handlers["state"] = polled(1)
    async with room(gateway) as demo:
        assert (await next_version(aiter(demo), 1)).channel == "poll"
        assert demo.running == {"ws", "poll"}


async def test_video_carries_the_room_when_the_gateway_is_gone(gateway: FakeGateway) -> None:
    pushing = Pushing(gateway)
    gateway.handlers["media"] = media({"format": "flv", "url": "/live.flv"})
    gateway.handlers["live.flv"] = live(video_state(7))
    async with room(gateway, "ws", "poll", "sei") as demo:
        updates = aiter(demo)
        await next_version(updates, 1)
        await wait_until(lambda: bool(gateway.asked_for("media")))
        for part in ("media", "state"):
            gateway.handlers[part] = down()
        await pushing.cut()
        assert (await next_version(updates, 7)).channel == "sei"


async def test_reconnect_says_what_is_held(gateway: FakeGateway) -> None:
    pushing = Pushing(gateway)
    async with room(gateway, "ws") as demo:
        updates = aiter(demo)
        await next_version(updates, 1)
        pushing.version = 2
        await pushing.sockets[0].socket.close(code=1012)
        await next_version(updates, 2)
    first, second = (request.query.get("have") for request in gateway.asked_for("push")[:2])
    assert first is None
    assert second is not None
    assert second.startswith("state:")
    assert second.endswith(".1")


async def test_slow_reader_skips_to_the_newest(gateway: FakeGateway) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        for version in range(1, 51):
            await socket.snapshot(version)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    async with room(gateway, "ws") as demo:
        updates = aiter(demo)
        await anext(updates)
        await wait_until(lambda: demo.counts.get(("ws", Verdict.APPLIED)) == 50)
        assert (await anext(updates)).snapshot.position.version == 50


async def test_stale_arrival_does_not_take_the_place_of_a_newer_one(gateway: FakeGateway) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        for version in (5, 4):
            await socket.snapshot(version)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    async with room(gateway, "ws") as demo:
        updates = aiter(demo)
        await wait_until(lambda: ("ws", Verdict.STALE) in demo.counts)
        assert (await anext(updates)).snapshot.position.version == 5


async def test_late_iteration_begins_with_what_is_shown(gateway: FakeGateway) -> None:
    Pushing(gateway)
    async with room(gateway, "ws") as demo:
        await anext(aiter(demo))
        assert await anext(aiter(demo)) is demo.shown


async def test_every_arrival_is_told_with_its_verdict_and_counted(gateway: FakeGateway) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        for version in (5, 5, 4, 6):
            await socket.snapshot(version)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    demo = room(gateway, "ws")
    arrivals = demo.arrivals()
    async with demo, asyncio.timeout(10):
        verdicts = [(await anext(arrivals)).verdict for _ in range(4)]
    assert verdicts == [Verdict.APPLIED, Verdict.DUPLICATE, Verdict.STALE, Verdict.APPLIED]
    assert demo.counts == {
        ("ws", Verdict.APPLIED): 2,
        ("ws", Verdict.DUPLICATE): 1,
        ("ws", Verdict.STALE): 1,
    }


async def test_room_that_no_channel_can_follow_ends_with_a_clear_error(
    gateway: FakeGateway,
) -> None:
    async def bye(socket: PushSocket) -> None:
        await socket.say(type="bye", code=4502, reason="no such room")

    gateway.handlers["push"] = push(bye)
    gateway.handlers["events"] = answering(lambda: problem(404, "ROOM_NOT_FOUND"))
    gateway.handlers["state"] = answering(lambda: problem(404, "ROOM_NOT_FOUND"))
    async with room(gateway) as demo:
        with pytest.raises(RoomEnded, match="no such room") as caught:
            async for _ in demo:
                pass
        assert demo.running == frozenset()
    assert caught.value.code == "ROOM_NOT_FOUND"
    assert list(caught.value.endings) == ["ws", "sse", "poll"], "best channel first"


async def test_bad_token_ends_the_room(gateway: FakeGateway) -> None:
    for part in ("push", "events", "state"):
        gateway.handlers[part] = answering(lambda: problem(401, "UNAUTHENTICATED"))
    async with room(gateway, token=TOKEN) as demo:
        with pytest.raises(RoomEnded) as caught:
            await anext(aiter(demo))
    assert caught.value.code == "UNAUTHENTICATED"
    assert TOKEN not in str(caught.value)


async def test_unexpected_error_in_a_channel_is_not_swallowed(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_source: WsSource) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(WsSource, "_connect", broken)
    gateway.handlers["state"] = polled(1)

    async def iterate(demo: Room) -> None:
        async with demo:
            async for _ in demo:
                pass

    async def only_wait(demo: Room) -> None:
        async with demo:
            await wait_until(lambda: not demo.running)

    with pytest.raises(ZeroDivisionError):
        await iterate(room(gateway, "ws", "poll"))
    with pytest.raises(ZeroDivisionError):
        await only_wait(room(gateway, "ws", "poll"))


async def test_leaving_the_room_ends_iterations_and_tasks(gateway: FakeGateway) -> None:
    Pushing(gateway)
    before = asyncio.all_tasks()
    async with room(gateway, "ws", "poll", "sei") as demo:
        seen: list[int] = []

        async def follow() -> None:
            async for update in demo:
                seen.append(update.snapshot.position.version)

        following = asyncio.create_task(follow())
        await wait_until(lambda: bool(seen))
    await following
    own = {task for task in asyncio.all_tasks() - before if task.get_name().startswith("seatsync")}
    assert own == set()
    assert [update async for update in demo.arrivals()] == []
    with pytest.raises(RuntimeError):
        await demo.command("seat.leave")


async def test_body_error_leaves_the_room_as_it_is(gateway: FakeGateway) -> None:
    Pushing(gateway)
    with pytest.raises(LookupError):
        async with room(gateway, "ws"):
            raise LookupError


async def test_command_with_a_lost_reply_is_carried_out_once(gateway: FakeGateway) -> None:
    Pushing(gateway)
    book = CommandBook()
    book.lose_answers = 1
    gateway.handlers["commands"] = book.handler
    async with room(gateway, "ws", token=TOKEN) as demo:
        ack = await demo.command("seat.take", seat_index=3)
        gateway.handlers["commands"] = answering(lambda: problem(409, "SEAT_OCCUPIED"))
        with pytest.raises(CommandRefused):
            await demo.command("seat.take", seat_index=3)
    assert ack.result == {"seat_index": 3}
    assert len(book.acks) == 1
    assert len(book.bodies) == 2


async def test_token_is_in_no_log_and_no_url(
    gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pushing = Pushing(gateway)
    gateway.handlers["state"] = polled(1)
    async with room(gateway, token=TOKEN) as demo:
        updates = aiter(demo)
        await next_version(updates, 1)
        await pushing.cut()
        await wait_until(lambda: demo.active == "poll")
    assert TOKEN not in caplog.text
    assert {request.headers["Authorization"] for request in gateway.requests} == {f"Bearer {TOKEN}"}
    assert not any(TOKEN in request.raw_path for request in gateway.requests)
