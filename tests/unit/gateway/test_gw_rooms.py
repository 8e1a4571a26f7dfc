from __future__ import annotations

import asyncio

import pytest
from committer_samples import OWNER, START_MS
from rooms_samples import House

from room.actor import Actor
from room.commands import NewRoom, SystemExpire, SystemReap
from room.errors import (
    InvalidArgument,
    Malformed,
    Refused,
    RoomNotFound,
    SeatsyncError,
    Unavailable,
)
from room.position import Position
from store.bus import Notice
from store.port import Precondition

ANN = Actor("ann")
SCORES = Actor("scores", "service", docs=("x-score",))
EVERYTHING = Actor("cms", "service", docs=("*",))
OPERATOR = Actor("ops", "staff", ("operator",))


@pytest.fixture
async def house() -> House:
    made = House()
    await made.desk.open()
    return made


# Creating


async def test_created_room_is_held_and_belongs_to_its_creator() -> None:
    house = House()
    stored, created = await house.rooms.create("demo", ANN, NewRoom(seat_count=3))
    assert (created, stored.state.owner_id, stored.position.version) == (True, "ann", 1)
    held = house.rooms.held("demo")
    assert held is not None
    assert held.position == stored.position


async def test_room_that_is_there_is_given_as_it_is(house: House) -> None:
    stored, created = await house.rooms.create("demo", ANN, NewRoom())
    assert (created, stored.state.owner_id) == (False, "alice")


@pytest.mark.parametrize(
    ("actor", "owner_id", "code"),
    [
        (ANN, "bob", "FORBIDDEN"),
        (SCORES, None, "FORBIDDEN"),
        (OPERATOR, None, "INVALID_ARGUMENT"),
    ],
)
async def test_who_may_not_own_or_give_a_room_away_is_refused(
    actor: Actor, owner_id: str | None, code: str
) -> None:
    house = House()
    with pytest.raises(SeatsyncError) as refusal:
        await house.rooms.create("new", actor, NewRoom(owner_id=owner_id))
    assert refusal.value.code == code
    assert await house.shelf.read("new") is None


@pytest.mark.parametrize(("actor", "owner_id"), [(OPERATOR, "bob"), (Actor("bob"), "bob")])
async def test_owner_may_be_named_by_an_operator_and_by_themselves(
    actor: Actor, owner_id: str
) -> None:
    stored, _ = await House().rooms.create("new", actor, NewRoom(owner_id=owner_id))
    assert stored.state.owner_id == "bob"


# Finding


async def test_room_that_is_not_there_is_not_found() -> None:
    house = House()
    for doc in ("state", "requests", "x-score"):
        with pytest.raises(RoomNotFound):
            await house.rooms.find_document("nowhere", doc)


async def test_own_documents_of_a_room_are_found_in_it(house: House) -> None:
    for doc, version in (("state", 2), ("requests", 1)):
        found = await house.rooms.find_document("demo", doc)
        assert (found.edition.doc, found.edition.position.version) == (doc, version)


@pytest.mark.parametrize("doc", ["x-score", "play"])
async def test_document_that_is_not_there_is_not_found(house: House, doc: str) -> None:
    with pytest.raises(SeatsyncError) as missing:
        await house.rooms.find_document("demo", doc)
    assert missing.value.code == "DOC_NOT_FOUND"


async def test_caller_ahead_of_this_node_makes_it_ask_the_store_for_that_document(
    house: House,
) -> None:
    first, _ = await house.rooms.put_document("demo", SCORES, "x-score", b'{"a":1}')
    await house.shelf.put_document("demo", "x-score", b'{"a":2}', b"other", START_MS)
    level = await house.rooms.find_document("demo", "x-score", first.position)
    assert level.edition.position == first.position
    ahead = Position(START_MS, 2)
    found = await house.rooms.find_document("demo", "x-score", ahead)
    assert found.edition.position == ahead


async def test_document_in_memory_is_served_while_the_store_is_away(house: House) -> None:
    """Though the room itself was never loaded here."""
    other = House()
    other.shelf._rooms = house.shelf._rooms
    await other.rooms.put_document("demo", SCORES, "x-score", b'{"a":1}')
    assert other.rooms.held("demo") is None
    other.shelf.is_away = True
    found = await other.rooms.find_document("demo", "x-score")
    assert found.edition.position == Position(START_MS, 1)
    with pytest.raises(Unavailable):
        await other.rooms.find_document("demo", "x-other")


async def test_held_is_what_is_in_memory_and_asks_nobody(house: House) -> None:
    assert house.rooms.held("demo") is not None
    assert house.rooms.held("demo", "x-score") is None
    assert house.rooms.held("other") is None


async def test_refreshed_document_is_the_stores(house: House) -> None:
    await house.rooms.put_document("demo", SCORES, "x-score", b'{"a":1}')
    await house.shelf.put_document("demo", "x-score", b'{"a":2}', b"other", START_MS)
    await house.rooms.refresh("demo", "x-score")
    held = house.rooms.held("demo", "x-score")
    assert held is not None
    assert held.position.version == 2
    with pytest.raises(SeatsyncError) as missing:
        await house.rooms.refresh("demo", "x-other")
    assert missing.value.code == "DOC_NOT_FOUND"


# Commands


async def test_command_is_witnessed_as_it_ended(house: House) -> None:
    await house.send(ANN, "seat.take", "c1", seat_index=1)
    await house.send(ANN, "mic.set", "c2", on=False)
    with pytest.raises(SeatsyncError):
        await house.send(ANN, "session.end", "c3")
    assert house.notes.commands == [
        ("ann", "seat.take", "ok", True),
        ("ann", "mic.set", "ok", False),
        ("ann", "session.end", "FORBIDDEN", None),
    ]


async def test_command_that_is_not_admitted_is_witnessed_and_goes_no_further(house: House) -> None:
    house.limit = SeatsyncError("too fast", code="RATE_LIMITED", retry_after_ms=50)
    with pytest.raises(SeatsyncError, match="too fast"):
        await house.send(ANN, "seat.take", seat_index=1)
    assert house.notes.commands == [("ann", "seat.take", "RATE_LIMITED", None)]
    assert house.shelf.commits == []


async def test_command_is_carried_out_and_witnessed_though_its_sender_has_left(
    house: House,
) -> None:
    house.shelf.gate = asyncio.Event()
    sending = asyncio.create_task(house.send(ANN, "seat.take", seat_index=1))
    await asyncio.sleep(0)
    sending.cancel()
    await asyncio.wait({sending})
    house.shelf.gate.set()
    await house.tasks.settle()
    assert house.desk.stored().state.seated_users() == {"ann"}
    assert house.notes.commands == [("ann", "seat.take", "ok", True)]


# The server's own commands


async def test_applied_command_tells_whether_it_changed_anything(house: House) -> None:
    ack = await house.send(ANN, "seat.take", seat_index=1)
    reap = SystemReap(ack.result["participation_id"], "lease_expired")
    assert [await house.rooms.apply("demo", reap) for _ in range(2)] == [True, False]
    assert house.desk.stored().state.seated_users() == frozenset()
    assert house.notes.system == [("SystemReap", True), ("SystemReap", False)]


async def test_applied_command_is_neither_acked_nor_kept_nor_held_back(house: House) -> None:
    await house.send(ANN, "seat.take", seat_index=1)
    house.limit = SeatsyncError("too fast", code="RATE_LIMITED")
    kept = len(house.shelf._receipts)
    await house.rooms.apply("demo", SystemExpire())
    assert len(house.shelf._receipts) == kept
    assert len(house.notes.commands) == 1


@pytest.mark.parametrize(("room", "is_away"), [("nowhere", False), ("cold", True)])
async def test_applied_command_that_reaches_no_room_says_so(
    house: House, room: str, is_away: bool
) -> None:
    house.shelf.is_away = is_away
    with pytest.raises(Unavailable if is_away else RoomNotFound):
        await house.rooms.apply(room, SystemExpire())
    assert house.notes.system == []


# Documents of services


@pytest.mark.parametrize(
    "actor",
    [
        ANN,
        OWNER,
        OPERATOR,
        Actor("scores", "service"),
        Actor("scores", "service", docs=("x-other",)),
        Actor("scores", "member", docs=("x-score", "*")),
    ],
)
async def test_document_is_set_by_a_service_that_may_alone(house: House, actor: Actor) -> None:
    with pytest.raises(Refused) as refusal:
        await house.rooms.put_document("demo", actor, "x-score", b"{}")
    assert refusal.value.code == "FORBIDDEN"
    assert house.notes.documents == [(actor.user_id, "x-score", "FORBIDDEN")]
    assert await house.shelf.read_document("demo", "x-score") is None
    assert house.told == []


@pytest.mark.parametrize("actor", [SCORES, EVERYTHING])
async def test_document_that_was_set_is_held_told_and_witnessed(house: House, actor: Actor) -> None:
    stored, changed = await house.rooms.put_document("demo", actor, "x-score", b'{ "a": 1 }')
    assert (changed, stored.position, stored.data) == (True, Position(START_MS, 1), b'{"a":1}')
    held = house.rooms.held("demo", "x-score")
    assert held is not None
    assert held.position == stored.position
    assert house.told == [Notice("demo", "x-score")]
    assert house.notes.documents == [(actor.user_id, "x-score", "ok")]


async def test_equal_document_changes_nothing_and_nobody_is_told(house: House) -> None:
    await house.rooms.put_document("demo", SCORES, "x-score", b'{"a":1,"b":2}')
    house.told.clear()
    stored, changed = await house.rooms.put_document("demo", SCORES, "x-score", b'{"b":2.0,"a":1}')
    assert (changed, stored.position.version) == (False, 1)
    assert house.told == []


async def test_precondition_that_does_not_hold_sets_nothing(house: House) -> None:
    first, _ = await house.rooms.put_document("demo", SCORES, "x-score", b'{"a":1}')
    await house.rooms.put_document(
        "demo", SCORES, "x-score", b'{"a":2}', Precondition((first.position,))
    )
    with pytest.raises(SeatsyncError) as refusal:
        await house.rooms.put_document(
            "demo", SCORES, "x-score", b'{"a":3}', Precondition((first.position,))
        )
    assert refusal.value.code == "VERSION_MISMATCH"
    assert house.notes.documents[-1] == ("scores", "x-score", "VERSION_MISMATCH")
    held = house.rooms.held("demo", "x-score")
    assert held is not None
    assert held.position.version == 2


@pytest.mark.parametrize(
    ("room", "body", "error"),
    [
        ("demo", b"{", Malformed),
        ("demo", b"[1]", InvalidArgument),
        ("nowhere", b"{}", RoomNotFound),
    ],
)
async def test_what_cannot_be_set_is_refused_and_witnessed(
    house: House, room: str, body: bytes, error: type[SeatsyncError]
) -> None:
    with pytest.raises(error) as refusal:
        await house.rooms.put_document(room, SCORES, "x-score", body)
    assert house.notes.documents == [("scores", "x-score", refusal.value.code)]


async def test_document_is_set_and_told_though_its_service_has_left(house: House) -> None:
    put, gate = house.shelf.put_document, asyncio.Event()

    async def slow_put(*args: object) -> object:
        await gate.wait()
        return await put(*args)  # type: ignore[arg-type]

    house.shelf.put_document = slow_put  # type: ignore[method-assign, assignment]
    setting = asyncio.create_task(house.rooms.put_document("demo", SCORES, "x-score", b"{}"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    setting.cancel()
    await asyncio.wait({setting})
    gate.set()
    await house.tasks.settle()
    assert house.told == [Notice("demo", "x-score")]
    assert house.rooms.held("demo", "x-score") is not None
