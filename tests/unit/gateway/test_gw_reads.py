from __future__ import annotations

from gateway.reads import Reads, no_document
from room.documents import State
from room.external import read_document
from room.position import Position
from room.snapshot import Edition, External
from store.memory import MemoryStore

NOW_MS = 1_732_146_400_123


async def test_what_the_store_does_not_hold_is_none() -> None:
    reads = Reads(MemoryStore(lambda: NOW_MS))
    assert await reads.room("demo") is None
    assert await reads.document(("demo", "x-score")) is None


async def test_room_is_read_as_an_edition_under_its_name() -> None:
    store = MemoryStore(lambda: NOW_MS)
    stored, _ = await store.create("demo", State("alice"), NOW_MS)
    edition = await Reads(store).room("demo")
    assert isinstance(edition, Edition)
    assert (edition.key, edition.stored) == ("demo", stored)


async def test_document_is_read_under_room_and_name() -> None:
    store = MemoryStore(lambda: NOW_MS)
    await store.create("demo", State("alice"), NOW_MS)
    await store.put_document("demo", "x-score", *read_document(b'{"a":1}'), NOW_MS)
    document = await Reads(store).document(("demo", "x-score"))
    assert isinstance(document, External)
    assert (document.key, document.position) == (("demo", "x-score"), Position(NOW_MS, 1))


def test_missing_document_says_so() -> None:
    assert no_document(("demo", "x-score")).code == "DOC_NOT_FOUND"
