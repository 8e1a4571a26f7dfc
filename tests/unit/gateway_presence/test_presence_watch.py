from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from typing import Any

import pytest
from presence_samples import edition, listen, seated_state, turn

from gateway.loop.tasks import Tasks
from gateway.push.mailbox import Key
from gateway.watch import COMPARED_AT_ONCE, READS_AT_ONCE, Watch
from room.errors import RoomNotFound, Unavailable
from room.snapshot import Published
from store.bus import LocalBus, Notice, Voices

DEMO = Key("demo", "state")


class Place:
    """Rooms, hub and bus of a node that is told of changes."""

    def __init__(self) -> None:
        self.holding: set[Key] = set()
        self.following: list[Key] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads: list[Key] = []
        self.now: Counter[Key] = Counter()
        self.most: Counter[str] = Counter()
        self.errors: dict[Key, BaseException] = {}
        self.heard: list[Voices] = []
        self.tasks = Tasks()
        self.slept: list[float] = []
        self.runs = 0
        self.bus_error: BaseException | None = None
        self.believed: list[Key] = []

    def forget_missing(self, room: str, doc: str = "state") -> None:
        self.believed.append(Key(room, doc))

    def watch(self, bus: Any = None) -> Watch:
        return Watch(
            self if bus is None else bus,
            self,
            self,
            self.tasks,
            on_voices=self.heard.append,
            rng=random.Random(1),
            sleep=self.sleep,
        )

    def held(self, room: str, doc: str = "state") -> Published | None:
        return edition(seated_state("ann"), room) if Key(room, doc) in self.holding else None

    def is_followed(self, key: Key) -> bool:
        return key in self.following

    def followed(self) -> list[Key]:
        return list(self.following)

    async def refresh(self, room: str, doc: str = "state") -> None:
        key = Key(room, doc)
        self.reads.append(key)
        self.now[key] += 1
        self.most["all"] = max(self.most["all"], self.now.total())
        self.most["one"] = max(self.most["one"], self.now[key])
        try:
            await self.gate.wait()
            if key in self.errors:
                raise self.errors[key]
        finally:
            self.now[key] -= 1

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def run(self, listener: Any) -> None:
        self.runs += 1
        if self.bus_error is not None:
            error, self.bus_error = self.bus_error, None
            raise error
        await asyncio.Event().wait()

    async def notify(self, notice: Notice) -> None: ...

    async def speak(self, voices: Voices) -> None: ...

    async def count(self, node: str, online: Any) -> dict[str, int]:
        return {}


@pytest.fixture
async def place() -> Place:
    return Place()


async def test_notice_of_what_is_held_or_followed_is_read(place: Place) -> None:
    place.holding = {DEMO}
    place.following = [Key("demo", "x-score")]
    watch = place.watch()
    watch.on_notice(Notice("demo", "state"))
    watch.on_notice(Notice("demo", "x-score"))
    await place.tasks.settle()
    assert place.reads == [DEMO, Key("demo", "x-score")]
    assert len(watch) == 0


async def test_notice_of_what_nobody_here_has_is_dropped(place: Place) -> None:
    place.holding = {DEMO}
    watch = place.watch()
    watch.on_notice(Notice("other", "state"))
    watch.on_notice(Notice("demo", "x-score"))
    assert len(watch) == 0


async def test_follower_of_requests_needs_the_room(place: Place) -> None:
    place.following = [Key("demo", "requests")]
    place.watch().on_notice(Notice("demo", "state"))
    await place.tasks.settle()
    assert place.reads == [DEMO]


async def test_storm_of_notices_is_two_reads_one_after_the_other(place: Place) -> None:
    place.holding = {DEMO}
    place.gate.clear()
    watch = place.watch()
    for _ in range(1000):
        watch.on_notice(Notice("demo", "state"))
        await asyncio.sleep(0)
    assert place.reads == [DEMO]
    place.gate.set()
    await place.tasks.settle()
    assert place.reads == [DEMO, DEMO]
    assert place.most["one"] == 1


async def test_notice_after_a_read_is_read_anew(place: Place) -> None:
    place.holding = {DEMO}
    watch = place.watch()
    for _ in range(3):
        watch.on_notice(Notice("demo", "state"))
        await place.tasks.settle()
    assert place.reads == [DEMO] * 3


async def test_gap_compares_everything_followed_once_with_bounded_reads(place: Place) -> None:
    rooms = [f"r{n}" for n in range(200)]
    place.following = [Key(room, doc) for room in rooms for doc in ("state", "requests", "x-a")]
    place.gate.clear()
    watch = place.watch()
    watch.on_gap()
    watch.on_gap()
    await turn()
    assert place.now.total() == READS_AT_ONCE
    assert len(watch) == 400
    place.gate.set()
    await place.tasks.settle()
    assert place.most == {"all": READS_AT_ONCE, "one": 1}
    assert {key for key, n in Counter(place.reads).items() if n <= 2} == {
        Key(room, doc) for room in rooms for doc in ("state", "x-a")
    }


async def test_document_that_is_gone_holds_up_no_other(place: Place) -> None:
    reported = listen()
    place.following = [DEMO, Key("bad", "state"), Key("last", "state")]
    place.errors = {DEMO: RoomNotFound("demo"), Key("bad", "state"): ZeroDivisionError()}
    watch = place.watch()
    await watch.compare()
    await place.tasks.settle()
    assert len(place.reads) == 3
    assert len(watch) == 0
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]


async def test_what_waits_is_dropped_while_the_store_is_away(place: Place) -> None:
    place.following = [Key(f"r{n}", "state") for n in range(1000)]
    place.errors = {key: Unavailable("away") for key in place.following}
    watch = place.watch()
    await watch.compare()
    await place.tasks.settle()
    assert len(place.reads) == READS_AT_ONCE
    place.errors.clear()
    await watch.compare()
    await place.tasks.settle()
    assert len(place.reads) == READS_AT_ONCE + 1000


async def test_voices_are_passed_on(place: Place) -> None:
    voices = Voices("n2", "demo", ("ann",))
    place.watch().on_voices(voices)
    assert place.heard == [voices]


async def test_running_watch_compares_every_5_s_and_listens_again(place: Place) -> None:
    reported = listen()
    place.following = [DEMO]
    place.bus_error = ZeroDivisionError("a bug")
    running = asyncio.create_task(place.watch().run())
    await turn(100)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await place.tasks.settle()
    assert place.runs == 2
    assert len(place.reads) > 1
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]
    pauses = [pause_s for pause_s in place.slept if pause_s != 1.0]
    assert pauses
    assert all(4.0 <= pause_s <= 6.0 for pause_s in pauses)


async def test_node_that_is_alone_watches_nothing(place: Place) -> None:
    place.following = [DEMO]
    await place.watch(LocalBus()).run()
    assert place.reads == []


async def test_comparison_reads_the_room_of_whoever_follows_another_document_of_it(
    place: Place,
) -> None:
    """Their requests and what they may do come with the room."""
    place.following = [Key("demo", "x-score")]
    await place.watch().compare()
    await place.tasks.settle()
    assert sorted(place.reads) == [DEMO, Key("demo", "x-score")]


async def test_notice_ends_the_belief_that_there_is_nothing() -> None:
    place = Place()
    watch = place.watch()
    watch.on_notice(Notice("new", "state"))
    watch.on_notice(Notice("new", "x-score"))
    assert place.believed == [Key("new", "state"), Key("new", "x-score")]
    assert place.reads == []


@pytest.mark.parametrize("by_gap", [False, True])
async def test_comparison_of_many_lets_others_have_their_turn(place: Place, by_gap: bool) -> None:
    place.following = [Key(f"r{n}", "state") for n in range(3 * COMPARED_AT_ONCE)]
    place.gate.clear()
    watch = place.watch()
    if by_gap:
        watch.on_gap()
    else:
        place.tasks.spawn(watch.compare())
    taken = [len(watch)]
    for _ in range(10):
        await asyncio.sleep(0)
        taken.append(len(watch))
    assert max(later - earlier for earlier, later in itertools.pairwise(taken)) <= COMPARED_AT_ONCE
    assert taken[-1] == 3 * COMPARED_AT_ONCE
    place.gate.set()
    await place.tasks.settle()
    assert len(place.reads) == 3 * COMPARED_AT_ONCE


async def test_gap_during_a_comparison_is_followed_by_another_one(place: Place) -> None:
    place.following = [Key(f"r{n}", "state") for n in range(2 * COMPARED_AT_ONCE)]
    watch = place.watch()
    watch.on_gap()
    await asyncio.sleep(0)
    watch.on_gap()
    await place.tasks.settle()
    assert Counter(place.reads)[Key("r0", "state")] == 2
