"""One suite for every store: the ``x-`` documents of services."""

from __future__ import annotations

import pytest
from contract_samples import START_MS, created, put, set_state

from room.errors import RoomNotFound, SeatsyncError
from room.position import Position
from room.snapshot import StoredDocument
from store.port import MAX_DOCUMENTS, Precondition, Store

MUST_EXIST = Precondition()


async def test_document_that_was_never_set_is_none(store: Store) -> None:
    assert await store.read_document("nowhere", "x-score") is None
    await created(store)
    assert await store.read_document("demo", "x-score") is None


async def test_first_document_stands_at_version_1_in_the_epoch_of_its_room(store: Store) -> None:
    room = await created(store)
    document, changed = await put(store, "one")
    assert changed
    assert document == StoredDocument(
        "demo",
        "x-score",
        Position(room.position.epoch, 1),
        START_MS + 9,
        b'{"text":"one"}',
        document.fingerprint,
    )
    assert await store.read_document("demo", "x-score") == document


async def test_each_change_is_one_more(store: Store) -> None:
    await created(store)
    for version in range(1, 6):
        document, changed = await put(store, f"n{version}")
        assert changed
        assert document.position.version == version
        assert await store.read_document("demo", "x-score") == document


async def test_equal_fingerprint_changes_nothing_and_keeps_the_first_bytes(store: Store) -> None:
    await created(store)
    first, _ = await store.put_document("demo", "x-score", b'{"a":1,"b":2}', b"same", START_MS)
    again = await store.put_document("demo", "x-score", b'{"b":2,"a":1}', b"same", START_MS + 5)
    assert again == (first, False)
    assert await store.read_document("demo", "x-score") == first


async def test_value_that_comes_back_is_a_change(store: Store) -> None:
    await created(store)
    versions = [(await put(store, text))[0].position.version for text in ("a", "b", "a")]
    assert versions == [1, 2, 3]


async def test_documents_of_a_room_have_versions_of_their_own(store: Store) -> None:
    await created(store)
    await put(store, "one")
    await put(store, "two")
    other, _ = await put(store, "one", doc="x-other")
    assert other.position.version == 1
    held = await store.read_document("demo", "x-score")
    assert held is not None
    assert held.position.version == 2


async def test_document_leaves_its_room_where_it_is(store: Store) -> None:
    room = await created(store)
    await put(store, "one")
    assert await store.read("demo") == room
    await set_state(store, room, "c1")
    held = await store.read_document("demo", "x-score")
    assert held is not None
    assert held.position.version == 1


async def test_documents_of_two_rooms_are_apart(store: Store) -> None:
    await created(store)
    await created(store, "other")
    await put(store, "one")
    assert await store.read_document("other", "x-score") is None


async def test_document_of_an_unknown_room_is_refused(store: Store) -> None:
    for precondition in (None, MUST_EXIST):
        with pytest.raises(RoomNotFound):
            await put(store, "one", precondition=precondition)
    assert await store.read_document("demo", "x-score") is None


async def test_precondition_that_names_the_position_holds(store: Store) -> None:
    await created(store)
    first, _ = await put(store, "one")
    elsewhere = Position(first.position.epoch, 7)
    second, changed = await put(
        store, "two", precondition=Precondition((elsewhere, first.position))
    )
    assert changed
    assert second.position.version == 2


@pytest.mark.parametrize(("epoch_by", "version_by"), [(0, 1), (0, -1), (1, 0), (-1, 0)])
async def test_precondition_that_names_another_position_does_not_hold(
    store: Store, epoch_by: int, version_by: int
) -> None:
    await created(store)
    first, _ = await put(store, "one")
    epoch, version = first.position
    condition = Precondition((Position(epoch + epoch_by, version + version_by),))
    with pytest.raises(SeatsyncError) as caught:
        await put(store, "two", precondition=condition)
    assert (caught.value.code, caught.value.position) == ("VERSION_MISMATCH", first.position)
    assert await store.read_document("demo", "x-score") == first


async def test_precondition_is_judged_before_equal_values_are_a_no_op(store: Store) -> None:
    await created(store)
    first, _ = await put(store, "one")
    wrong = Precondition((Position(first.position.epoch, 9),))
    with pytest.raises(SeatsyncError) as caught:
        await put(store, "one", precondition=wrong)
    assert caught.value.code == "VERSION_MISMATCH"
    assert await put(store, "one", precondition=Precondition((first.position,))) == (first, False)


async def test_document_that_must_exist_is_refused_until_it_does(store: Store) -> None:
    await created(store)
    for condition in (MUST_EXIST, Precondition((Position(1, 1),))):
        with pytest.raises(SeatsyncError) as caught:
            await put(store, "one", precondition=condition)
        assert (caught.value.code, caught.value.position) == ("VERSION_MISMATCH", None)
    await put(store, "one")
    document, changed = await put(store, "two", precondition=MUST_EXIST)
    assert changed
    assert document.position.version == 2


async def test_room_has_at_most_so_many_documents(store: Store) -> None:
    await created(store)
    for number in range(MAX_DOCUMENTS):
        await put(store, "one", doc=f"x-{number}")
    with pytest.raises(SeatsyncError) as caught:
        await put(store, "one", doc="x-more")
    assert caught.value.code == "TOO_LARGE"
    assert await store.read_document("demo", "x-more") is None
    document, _ = await put(store, "two", doc="x-0")
    assert document.position.version == 2


async def test_bytes_come_back_as_they_went(store: Store) -> None:
    await created(store)
    data = '{"\u00e9\U0001f600":"\\u0000\u2028 \' \\" %s ? \\\\"}'.encode() + b" " * 65_000
    fingerprint = bytes(range(256))
    document, _ = await store.put_document("demo", "x-" + "a" * 32, data, fingerprint, 2**53 - 1)
    held = await store.read_document("demo", "x-" + "a" * 32)
    assert held == document
    assert (held.data, held.fingerprint, held.ts_ms) == (data, fingerprint, 2**53 - 1)
