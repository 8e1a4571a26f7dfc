"""The watch over the store leaves alone what comes from an upstream."""

from __future__ import annotations

import random

from gateway.loop.tasks import Tasks
from gateway.push.mailbox import Key
from gateway.watch import Watch
from room.snapshot import Published
from store.bus import LocalBus, Notice


class Place:
    """Rooms and hub of a node."""

    def __init__(self) -> None:
        self.reads: list[Key] = []
        self.believed: list[Key] = []
        self.following = [Key("demo", "x-seats"), Key("demo", "x-score")]

    def held(self, room: str, doc: str = "state") -> Published | None:
        return None

    def forget_missing(self, room: str, doc: str = "state") -> None:
        self.believed.append(Key(room, doc))

    async def refresh(self, room: str, doc: str = "state") -> None:
        self.reads.append(Key(room, doc))

    def is_followed(self, key: Key) -> bool:
        return key in self.following

    def followed(self) -> list[Key]:
        return list(self.following)


def watch(place: Place, tasks: Tasks) -> Watch:
    return Watch(
        LocalBus(),
        place,
        place,
        tasks,
        on_voices=lambda voices: None,
        rng=random.Random(1),
        is_stored=lambda doc: doc != "x-seats",
    )


async def test_a_notice_of_it_is_dropped() -> None:
    place, tasks = Place(), Tasks()
    watching = watch(place, tasks)
    watching.on_notice(Notice("demo", "x-seats"))
    watching.on_notice(Notice("demo", "x-score"))
    await tasks.settle()
    assert place.reads == place.believed == [Key("demo", "x-score")]


async def test_a_comparison_reads_the_room_and_not_the_document() -> None:
    place, tasks = Place(), Tasks()
    await watch(place, tasks).compare()
    await tasks.settle()
    assert sorted(place.reads) == [Key("demo", "state"), Key("demo", "x-score")]
