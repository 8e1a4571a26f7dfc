"""The way between nodes: what is heard, what is known to be missed, and that it comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from redis_kit import Heard, Lines, linked, listening, soon, until, when_available

from room.errors import Unavailable
from room.snapshot import Stored
from store.backend import Backend
from store.bus import Notice, Voices
from store.port import Store
from store.redis.address import Address
from store.redis.bus import RedisBus
from store.redis.keys import online_key
from store.redis.store import RedisStore
from tests.contract.contract_samples import created, set_state
from tests.redis_server import RedisServer

pytestmark = pytest.mark.redis

ROUNDS = 10
ROOMS = 10


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the bus logs."""
    handler = Lines()
    logger = logging.getLogger("store.redis.bus")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(before)
    logger.removeHandler(handler)


async def test_notice_reaches_every_node_its_own_too(server: RedisServer) -> None:
    async with linked(server.url) as link:
        nodes = [RedisBus(Address(server.url), link) for _ in range(2)]
        heard = [Heard(), Heard()]
        async with listening(nodes[0], heard[0]), listening(nodes[1], heard[1]):
            for number in range(100):
                notice = Notice(f"room{number}", "state" if number % 2 else "x-score")
                await nodes[0].notify(notice)
                for one in heard:
                    assert await soon(one.notices.get()) == notice


async def test_voices_reach_every_other_node(server: RedisServer) -> None:
    async with linked(server.url) as link:
        nodes = [RedisBus(Address(server.url), link) for _ in range(2)]
        heard = [Heard(), Heard()]
        async with listening(nodes[0], heard[0]), listening(nodes[1], heard[1]):
            voices = Voices("one", "demo", ("alice", "b\u00e9b\U0001f600"))
            await nodes[0].speak(voices)
            assert await soon(heard[1].voices.get()) == voices
            await nodes[0].notify(Notice("demo", "state"))  # on the same channel, after them
            await soon(heard[0].notices.get())
            assert heard[0].voices.empty()


async def test_channels_of_databases_are_apart(server: RedisServer) -> None:
    here, there = f"{server.url}/0", f"{server.url}/1"
    async with linked(here) as link, linked(there) as other_link:
        bus, other = RedisBus(Address(here), link), RedisBus(Address(there), other_link)
        heard, elsewhere = Heard(), Heard()
        async with listening(bus, heard), listening(other, elsewhere):
            await bus.notify(Notice("demo", "state"))
            await soon(heard.notices.get())
            await other.notify(Notice("other", "state"))
            assert await soon(elsewhere.notices.get()) == Notice("other", "state")
            assert heard.notices.empty()


async def test_gap_is_told_only_when_every_channel_is_in_force(server: RedisServer) -> None:
    class Counting(Heard):
        listeners = b""

        def on_gap(self) -> None:
            channels = [f"seatsync:notices:{shard}" for shard in range(64)]
            self.listeners = server.ask("PUBSUB", "NUMSUB", *channels)
            super().on_gap()

    async with linked(server.url) as link:
        heard = Counting()
        async with listening(RedisBus(Address(server.url), link), heard):
            assert heard.listeners.count(b"\r\n:1\r\n") == 64


class Follower(Heard):
    """Holds rooms as a node does: reads what it is told of, and all of them after a gap."""

    def __init__(self, store: Store, rooms: list[Stored], *, heeds_gaps: bool) -> None:
        super().__init__()
        self.held: dict[str, Stored | None] = {stored.room: stored for stored in rooms}
        self._store = store
        self._heeds_gaps = heeds_gaps
        self.reads: set[asyncio.Task[None]] = set()

    def on_notice(self, notice: Notice) -> None:
        self._follow(notice.room)

    def on_gap(self) -> None:
        super().on_gap()
        if self._heeds_gaps:
            for room in self.held:
                self._follow(room)

    def _follow(self, room: str) -> None:
        async def read() -> None:
            stored = await self._store.read(room)
            held = self.held[room]
            if stored is not None and (held is None or stored.position > held.position):
                self.held[room] = stored

        self.reads.add(asyncio.create_task(read()))


async def test_every_reconnect_is_a_gap_and_reading_again_then_leaves_no_room_wrong(
    server: RedisServer,
) -> None:
    async with linked(server.url) as link:
        store = RedisStore(link)
        bus = RedisBus(Address(server.url), link, draw=lambda: 1.0)
        rooms = [await created(store, f"room{n}") for n in range(ROOMS)]
        heeding = Follower(store, rooms, heeds_gaps=True)
        careless = Follower(store, rooms, heeds_gaps=False)
        other = RedisBus(Address(server.url), link, draw=lambda: 1.0)
        async with listening(bus, heeding), listening(other, careless):
            for turn in range(ROUNDS):
                server.ask("CLIENT", "KILL", "TYPE", "pubsub")
                number = turn % ROOMS
                rooms[number] = await set_state(store, rooms[number], f"c{turn}")
                await bus.notify(Notice(rooms[number].room, "state"))
                for follower in (heeding, careless):
                    await soon(follower.gaps.get())
            for follower in (heeding, careless):
                assert follower.gaps.empty()
                await soon(asyncio.gather(*follower.reads))
        truth = {stored.room: stored for stored in rooms}
        assert heeding.held == truth
        assert careless.held != truth


async def test_frozen_server_is_noticed_and_the_bus_comes_back(
    server: RedisServer, backend: Backend, lines: Lines
) -> None:
    heard = Heard()
    async with listening(backend.bus, heard):
        assert await soon(lines.records.get()) == "the bus is connected"
        probes = server.published()
        await until(lambda: server.published() > probes)  # one that found the subscription in force
        server.freeze()
        assert await soon(lines.records.get()) == "the bus is cut off"
        assert heard.gaps.empty()
        server.thaw()
        await soon(heard.gaps.get())
        await when_available(lambda: backend.bus.notify(Notice("demo", "state")))
        assert await soon(heard.notices.get()) == Notice("demo", "state")


async def test_bus_outlives_the_server(server: RedisServer, backend: Backend, lines: Lines) -> None:
    heard = Heard()
    async with listening(backend.bus, heard):
        for _ in range(3):
            server.kill()
            while await soon(lines.records.get()) != "the bus is cut off":
                pass
            server.start()
            await soon(heard.gaps.get())
            await when_available(lambda: backend.bus.notify(Notice("demo", "state")))
            assert await soon(heard.notices.get()) == Notice("demo", "state")


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\x00", b"{}", b"[]", b'["changed"]', b'["changed",1,2]', b'["speaking","a"]'],
)
async def test_message_that_can_not_be_read_is_logged_and_dropped(
    server: RedisServer, backend: Backend, lines: Lines, body: bytes
) -> None:
    heard = Heard()
    async with listening(backend.bus, heard):
        assert await soon(lines.records.get()) == "the bus is connected"
        server.ask("PUBLISH", "seatsync:notices:7", body)
        assert await soon(lines.records.get()) == "a message on the bus can't be read"
        await backend.bus.notify(Notice("demo", "state"))
        assert await soon(heard.notices.get()) == Notice("demo", "state")
        assert heard.voices.empty()


async def test_what_a_listener_raises_is_not_swallowed(backend: Backend) -> None:
    class Broken(Heard):
        def on_gap(self) -> None:
            raise LookupError("a fault of the listener")

    with pytest.raises(ExceptionGroup) as caught:
        await soon(backend.bus.run(Broken()))
    assert caught.group_contains(LookupError)


async def test_cancelled_bus_leaves_no_task_and_no_connection(
    server: RedisServer, backend: Backend
) -> None:
    before = asyncio.all_tasks()
    async with listening(backend.bus, Heard()):
        assert asyncio.all_tasks() != before
    assert asyncio.all_tasks() == before
    await when_available(lambda: _no_listener(server))


async def test_counts_of_nodes_add_up_and_none_takes_an_entry_out(
    server: RedisServer, backend: Backend
) -> None:
    bus = backend.bus
    assert await bus.count("one", {"demo": 3, "other": 1}) == {"demo": 3, "other": 1}
    assert await bus.count("two", {"demo": 4}) == {"demo": 7}
    assert await bus.count("one", {"demo": 5, "other": 0}) == {"demo": 9, "other": 0}
    assert await bus.count("one", {"demo": 0}) == {"demo": 4}
    assert server.ask("HEXISTS", online_key("demo"), "one") == b":0\r\n"
    assert server.ask("EXISTS", online_key("other")) == b":0\r\n"
    assert await bus.count("one", {}) == {}


async def test_old_and_unreadable_reports_are_dropped(
    server: RedisServer, backend: Backend
) -> None:
    await backend.bus.count("one", {"demo": 3})
    server.ask("HSET", online_key("demo"), "gone", "5:1000", "odd", "many")
    assert await backend.bus.count("two", {"demo": 1}) == {"demo": 4}
    assert server.ask("HLEN", online_key("demo")) == b":2\r\n"
    assert server.ask("PTTL", online_key("demo")) != b":-1\r\n"


async def test_many_rooms_are_counted_together(backend: Backend) -> None:
    online = {f"room{n}": n for n in range(1_000)}
    assert await backend.bus.count("one", online) == online


async def _no_listener(server: RedisServer) -> None:
    if server.ask("PUBSUB", "CHANNELS") != b"*0\r\n":
        raise Unavailable("somebody listens")
