"""The feed of a relay against real gateways: what it follows arrives, whatever happens to push."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web
from gateway_kit import OWNER, PATIENCE_S, SECRET, UNBOUNDED, Node, running_node

from gateway.config import Address, Config
from gateway.server import clock_ms, serving
from room.snapshot import Snapshot, StateSnapshot
from room.wire import read
from seatsync.feed import RoomFeed
from seatsync.feed.conversation import PING_S
from store.memory import MemoryStore
from store.opening import alone
from store.port import Store
from store.sqlite import SqliteStore

ROOMS = 300
_STATE = msgspec.json.Decoder(StateSnapshot)


class Newest(dict[str, Snapshot]):
    """The newest snapshot of each room, and how many came."""

    count = 0

    def take(self, snapshot: Snapshot) -> None:
        self.count += 1
        self[snapshot.room] = snapshot

    def state(self, room: str) -> StateSnapshot:
        return read(_STATE, self[room].body)

    def is_live(self, room: str) -> bool:
        return room in self and self.state(room).session is not None


@asynccontextmanager
async def following(
    url: str, *rooms: str, ping_s: float = PING_S
) -> AsyncIterator[tuple[RoomFeed, Newest]]:
    newest = Newest()
    feed = RoomFeed(url, newest.take, ping_s=ping_s)
    for room in rooms:
        feed.follow(room)
    task = asyncio.create_task(feed.run())
    try:
        yield feed, newest
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool], within_s: float = 3 * PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for is the feed's own state
            await asyncio.sleep(0.01)


@asynccontextmanager
async def node_at(port: int, store: Store) -> AsyncIterator[Node]:
    """Run a gateway on a port of our choice, so that another may take its place."""
    config = Config(
        listen=Address("127.0.0.1", port),
        metrics_listen=Address("127.0.0.1", 0),
        secret=SECRET,
        drain_s=1.0,
        bounds=UNBOUNDED,
        poll_interval_ms=200,
    )
    async with (
        serving(config, alone(store, clock_ms)) as running,
        aiohttp.ClientSession() as session,
    ):
        yield Node(running, session)


async def test_hundreds_of_rooms_share_one_connection_and_every_change_arrives(node: Node) -> None:
    rooms = [f"room-{number}" for number in range(ROOMS)]
    for room in rooms:
        assert (await node.create(room)).status == 201
    async with following(node.url, *rooms) as (feed, newest):
        await until(lambda: feed.counters().rooms_pushed == ROOMS)
        assert feed.counters().rooms_polled == 0
        for room in rooms:
            await node.do(OWNER, "session.start", room)
        await until(lambda: all(newest.is_live(room) for room in rooms))
        metrics = await node.metrics()
        assert all(feed.last_heard_s(room) is not None for room in rooms)
        assert feed.counters().reconnects == 0
    open_now = {name: value for name, value in metrics.items() if "connections" in name}
    assert [value for value in open_now.values() if value] == [1.0], open_now
    assert {snapshot.view for snapshot in newest.values()} == {"anonymous"}


async def test_a_room_that_is_created_later_arrives_and_one_that_is_closed_says_so(
    node: Node,
) -> None:
    async with following(node.url, "later") as (feed, newest):
        await until(lambda: feed.counters().rooms_missing == 1)
        await node.live("later")
        await until(lambda: newest.is_live("later"))
        assert feed.counters().rooms_missing == 0
        await until(lambda: feed.counters().rooms_pushed == 1)
        await node.do(OWNER, "session.end", "later")
        await until(lambda: newest.state("later").session is None)
        feed.unfollow("later")
        count = newest.count
        feed.follow("other")
        await node.do(OWNER, "session.start", "later")
        await node.live("other")
        await until(lambda: newest.is_live("other"))
        assert newest.count > count
        assert not newest.is_live("later")


async def test_a_gateway_that_restarts_is_found_again_and_ages_tell(tmp_path: Path) -> None:
    def store() -> Store:
        return SqliteStore.open(tmp_path / "rooms.db", clock_ms)

    async with AsyncExitStack() as first:
        node = await first.enter_async_context(node_at(0, store()))
        port = node.running.address.port
        await node.create("r1")
        async with following(node.url, "r1") as (feed, newest):
            await until(lambda: feed.counters().rooms_pushed == 1)
            held = newest["r1"]
            await first.aclose()
            await until(lambda: feed.counters().channel == "")
            away_s = feed.last_heard_s("r1")
            assert away_s is not None
            await until(lambda: (feed.last_heard_s("r1") or 0) > away_s + 0.1)
            assert newest["r1"] is held
            async with node_at(port, store()) as second:
                await second.do(OWNER, "session.start", "r1")
                await until(lambda: newest.is_live("r1"))
                await until(lambda: feed.counters().channel == "ws")
                assert feed.counters().reconnects == 1
                assert (feed.last_heard_s("r1") or 0) < away_s + 60


async def test_where_push_is_refused_by_something_between_rooms_are_polled() -> None:
    async with (
        running_node(MemoryStore(clock_ms), poll_interval_ms=200) as node,
        without_push(node) as url,
    ):
        for room in ("a", "b", "c"):
            await node.create(room)
        async with following(url, "a", "b", "c") as (feed, newest):
            await until(lambda: len(newest) == 3)
            assert feed.counters().channel == "poll"
            assert feed.counters().rooms_polled == 3
            await node.do(OWNER, "session.start", "b")
            await until(lambda: newest.is_live("b"))
            assert feed.counters().error_code == "UNAVAILABLE"


async def test_a_connection_that_goes_dead_without_a_word_is_not_relied_upon() -> None:
    async with (
        running_node(MemoryStore(clock_ms), poll_interval_ms=200) as node,
        Wire(node).laid() as wire,
        following(wire.url, "a", ping_s=0.3) as (feed, newest),
    ):
        await node.create("a")
        await until(lambda: feed.counters().rooms_pushed == 1)
        wire.cut_off()
        await node.do(OWNER, "session.start", "a")
        await until(lambda: newest.is_live("a"))
        assert feed.counters().channel == "poll"
        wire.mend()
        await until(lambda: feed.counters().channel == "ws")
        await until(lambda: feed.counters().rooms_polled == 0)
        assert feed.counters().reconnects == 0


class Wire:
    """Stands before a gateway; what is connected at a moment can be made to carry nothing."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.url = ""
        self._flows: set[asyncio.Event] = set()

    def cut_off(self) -> None:
        for flow in self._flows:
            flow.clear()

    def mend(self) -> None:
        for flow in self._flows:
            flow.set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[Wire]:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        async with server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flow = asyncio.Event()
        flow.set()
        self._flows.add(flow)
        far_reader, far_writer = await asyncio.open_connection(*self.node.running.address)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._carry(reader, far_writer, flow))
                tasks.create_task(self._carry(far_reader, writer, flow))
        finally:
            self._flows.discard(flow)
            writer.close()
            far_writer.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                await flow.wait()
                writer.write(piece)
                await writer.drain()
            writer.close()


@asynccontextmanager
async def without_push(node: Node) -> AsyncIterator[str]:
    """Stand before a gateway and let no upgrade through."""

    async def forward(request: web.Request) -> web.Response:
        if request.path.endswith("/push"):
            return web.Response(status=426)
        kept = {"If-None-Match", "Accept-Encoding"}
        headers = {name: value for name, value in request.headers.items() if name in kept}
        async with node.session.get(node.url + request.path_qs, headers=headers) as answer:
            body = await answer.read()
            named = {"ETag", "Seatsync-Poll-Ms", "Content-Type", "Content-Encoding", "Vary"}
            told = {name: value for name, value in answer.headers.items() if name in named}
            return web.Response(status=answer.status, body=body, headers=told)

    app = web.Application()
    app.router.add_get("/{path:.*}", forward)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
