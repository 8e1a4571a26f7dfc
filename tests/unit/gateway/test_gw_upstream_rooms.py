from __future__ import annotations

import random
from typing import Any

import pytest
from committer_samples import START_MS
from rooms_samples import House

from gateway.rooms import Rooms
from gateway.upstream.answers import Answer, Whole
from gateway.upstream.documents import UpstreamDocuments
from gateway.upstream.lifetimes import Lifetime
from poller import Freshness
from room.actor import Actor
from room.errors import Refused, RoomNotFound, SeatsyncError
from room.position import Position

EVERYTHING = Actor("cms", "service", docs=("*",))


class Service:
    """An upstream."""

    ttl_s = 1.0

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def read(self, room: str, etag: str | None) -> Answer:
        self.asked.append(room)
        return Whole(b'{"epoch":3,"version":4}', None, Lifetime(self.ttl_s))


class Silent:
    """Nobody keeps account."""

    def on_read(self, *_: Any) -> None: ...

    def on_fault(self, *_: Any) -> None: ...


class Annex:
    """A house of which one document comes from an upstream."""

    def __init__(self) -> None:
        self.house = house = House()
        self.service = Service()
        upstream = UpstreamDocuments(
            {"x-seats": self.service},
            clock_s=lambda: house.now_s,
            clock_ms=lambda: START_MS,
            spawn=house.tasks.spawn,
            rng=random.Random(1),
            announce=lambda edition, before: None,
            witness=Silent(),
        )
        self.rooms = Rooms(
            house.shelf,
            house.poller,
            house.documents,
            house.desk.committer,
            house.tasks,
            admit=lambda actor, room: None,
            witness=house.notes,
            changed=house.told.append,
            clock_ms=lambda: START_MS,
            upstream=upstream,
        )


@pytest.fixture
async def annex() -> Annex:
    made = Annex()
    await made.house.desk.open()
    return made


async def test_a_document_of_an_upstream_is_found_there_and_held(annex: Annex) -> None:
    assert annex.rooms.held("demo", "x-seats") is None
    assert annex.rooms.find_document_now("demo", "x-seats") is None
    first = await annex.rooms.find_document("demo", "x-seats")
    assert (first.edition.position, first.freshness) == (Position(3, 4), Freshness.MISS)
    now = annex.rooms.find_document_now("demo", "x-seats", Position(9, 9))
    assert now is not None
    assert now.freshness is Freshness.HIT
    assert annex.rooms.held("demo", "x-seats") is now.edition
    assert annex.house.documents.reads == 0


async def test_other_documents_are_the_stores(annex: Annex) -> None:
    await annex.rooms.put_document("demo", EVERYTHING, "x-score", b"{}")
    assert (await annex.rooms.find_document("demo", "x-score")).edition.position.version == 1
    assert annex.service.asked == []


async def test_a_room_that_is_not_there_is_not_asked_for(annex: Annex) -> None:
    with pytest.raises(RoomNotFound):
        await annex.rooms.find_document("nowhere", "x-seats")
    assert annex.service.asked == []


async def test_nobody_sets_a_document_of_an_upstream(annex: Annex) -> None:
    with pytest.raises(Refused, match="comes from its upstream") as refusal:
        await annex.rooms.put_document("demo", EVERYTHING, "x-seats", b"{}")
    assert refusal.value.code == "FORBIDDEN"
    assert annex.house.notes.documents == [("cms", "x-seats", "FORBIDDEN")]
    assert annex.house.told == []
    assert await annex.house.shelf.read_document("demo", "x-seats") is None


async def test_a_refresh_asks_the_upstream_if_that_is_due(annex: Annex) -> None:
    for _ in range(2):
        await annex.rooms.refresh("demo", "x-seats")
    assert annex.service.asked == ["demo"]
    annex.rooms.forget_missing("demo", "x-seats")
    annex.house.now_s += 2
    await annex.rooms.refresh("demo", "x-seats")
    assert annex.service.asked == ["demo", "demo"]


async def test_a_document_that_nobody_has_is_missing(annex: Annex) -> None:
    with pytest.raises(SeatsyncError) as missing:
        await annex.rooms.find_document("demo", "x-other")
    assert missing.value.code == "DOC_NOT_FOUND"
