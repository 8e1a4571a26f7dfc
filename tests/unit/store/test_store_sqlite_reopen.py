"""What a restart keeps, and how it moves the epoch."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest
from sqlite_samples import START_MS, STATE, Clock, created, find, give, key, no_op, write

from room.documents import Participation, Person, Requests, Seat, SeatRequest, Session, State
from room.errors import SeatsyncError
from room.position import Position
from store.leases import Seated
from store.port import KEEP_ACKS_MS, AlreadyKept, BaseMoved, Precondition
from store.sqlite import SqliteStore


async def test_every_start_is_a_new_epoch_whatever_the_clock_says(path: Path, clock: Clock) -> None:
    epochs = []
    for now_ms in (START_MS, START_MS, START_MS - 10**9, 0, START_MS + 50, START_MS + 50):
        clock.now_ms = now_ms
        opened = SqliteStore.open(path, clock)
        stored, _ = await opened.create("demo", STATE, now_ms)
        epochs.append(stored.position.epoch)
        await opened.close()
    assert epochs == [START_MS + n for n in (0, 1, 2, 3, 50, 51)]


async def test_rooms_survive_at_their_versions_in_the_new_epoch(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    base = await created(opened)
    asked = SeatRequest("r1", "apply", Person("bob", "Bob", ""), "bob", 1, 2)
    old = msgspec.structs.replace(
        base,
        position=Position(START_MS, 5),
        requests=Requests((asked,)),
        requests_version=3,
        requests_ts_ms=START_MS + 7,
    )
    await opened.commit(base.revision, write(old, "c1"))
    await opened.close()
    opened = SqliteStore.open(path, clock)
    held = await opened.read("demo")
    assert held == msgspec.structs.replace(old, position=Position(START_MS + 1, 5))
    with pytest.raises(BaseMoved) as caught:
        await give(opened, old, "c2")
    assert caught.value.position == held.position
    after = await give(opened, held, "c2")
    assert after.position == Position(START_MS + 1, 6)
    await opened.close()


async def test_receipts_survive_with_their_first_positions(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    stored = await give(opened, await created(opened), "c1")
    await no_op(opened, stored, "c2", "c3")
    first = (await opened.consult("demo", [key(name) for name in ("c1", "c2", "c3")])).receipts
    await opened.close()
    opened = SqliteStore.open(path, clock)
    again = await opened.consult("demo", [key(name) for name in ("c1", "c2", "c3")])
    assert again.receipts == first
    assert first[key("c1")].position == Position(START_MS, 2)
    assert again.stored is not None
    with pytest.raises(AlreadyKept) as caught:
        await give(opened, again.stored, "c1", "carol")
    assert caught.value.receipts == {key("c1"): first[key("c1")]}
    await opened.close()


@pytest.mark.parametrize(
    ("after_ms", "is_found"), [(KEEP_ACKS_MS, True), (KEEP_ACKS_MS + 1, False)]
)
async def test_receipts_survive_ten_minutes_over_restarts_and_go_afterwards(
    path: Path, clock: Clock, after_ms: int, is_found: bool
) -> None:
    opened = SqliteStore.open(path, clock)
    await give(opened, await created(opened), "c1")
    await opened.close()
    clock.now_ms += after_ms
    opened = SqliteStore.open(path, clock)
    assert (await find(opened, "c1") is not None) is is_found
    held = await opened.read("demo")
    assert held is not None
    await no_op(opened, held, "c2")  # the first write after a start drops the old
    await opened.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM acks").fetchone() == (1 + is_found,)
    connection.close()


async def test_documents_survive_in_the_new_epoch(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    await created(opened)
    await opened.put_document("demo", "x-score", b'{"n":1}', b"1", START_MS)
    old, _ = await opened.put_document("demo", "x-score", b'{"n":2}', b"2", START_MS + 1)
    await opened.close()
    opened = SqliteStore.open(path, clock)
    held = await opened.read_document("demo", "x-score")
    assert held == msgspec.structs.replace(old, position=Position(START_MS + 1, 2))
    condition = Precondition((old.position,))
    with pytest.raises(SeatsyncError, match="another position"):
        await opened.put_document("demo", "x-score", b"{}", b"3", START_MS, condition)
    assert await opened.put_document("demo", "x-score", b"{}", b"2", START_MS) == (held, False)
    after, _ = await opened.put_document("demo", "x-score", b"{}", b"3", START_MS)
    assert after.position == Position(START_MS + 1, 3)
    await opened.close()


async def test_everybody_on_a_seat_is_known_after_a_start(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    assert opened.taken() == []
    for room, users in (("demo", ("bob", "alice")), ("other", ("bob",)), ("empty", ())):
        base = await created(opened, room)
        stays = (Participation(f"p_{user}", Person(user, user, ""), 1) for user in users)
        seats = (Seat(), *(Seat(occupant=stay) for stay in stays), Seat())
        state = State("alice", session=Session("s", "voice", 1), seats=seats)
        after = msgspec.structs.replace(base, state=state, position=Position(START_MS, 2))
        await opened.commit(base.revision, write(after, "c1"))
    await opened.close()
    opened = SqliteStore.open(path, clock)
    seated = [Seated("demo", "alice"), Seated("demo", "bob"), Seated("other", "bob")]
    assert sorted(opened.taken()) == seated
    held = await opened.read("other")
    assert held is not None
    await give(opened, held, "c2")
    assert sorted(opened.taken()) == seated[:2]
    await opened.close()
