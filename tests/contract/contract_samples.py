"""Rooms, writes and acks for the suites of this folder."""

from __future__ import annotations

import hashlib

import msgspec

from room.documents import Participation, Person, Requests, Seat, SeatRequest, Session, State
from room.position import Position
from room.snapshot import Stored, StoredDocument
from store.port import CommandKey, Consulted, Kept, Precondition, Receipt, Store, Write

START_MS = 1_732_146_400_123
STATE = State("alice")


class Clock:
    """Wall clock that the test turns."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


def seated(*names: str) -> State:
    """A live session with these persons on its seats; differs from that of any other names."""
    stays = (
        Participation(f"p_{n}", Person(n, f"{n} \u00e9\U0001f600", ""), START_MS) for n in names
    )
    seats = (Seat(), *(Seat(occupant=stay) for stay in stays))
    return State("alice", session=Session("s", "voice", 1), seats=seats)


def asking(*names: str) -> Requests:
    """Requests of these persons."""
    return Requests(
        tuple(
            SeatRequest(f"r_{n}", "apply", Person(n, f"{n} \u4e2d", ""), n, START_MS, START_MS + 60)
            for n in names
        )
    )


def after(
    base: Stored, state: State | None = None, requests: Requests | None = None, *, steps: int = 1
) -> Stored:
    """The room as a command leaves it that changes what is given."""
    epoch, version = base.position
    if state is not None:
        base = msgspec.structs.replace(
            base, state=state, position=Position(epoch, version + steps), ts_ms=base.ts_ms + 5
        )
    if requests is not None:
        base = msgspec.structs.replace(
            base,
            requests=requests,
            requests_version=base.requests_version + steps,
            requests_ts_ms=base.requests_ts_ms + 7,
        )
    return base


def key(name: str, actor_id: str = "alice") -> CommandKey:
    return CommandKey(actor_id, name)


def kept(name: str, stored: Stored, *, changed: bool = True, actor_id: str = "alice") -> Kept:
    """The ack of a command called ``name``."""
    positions = {"requests": stored.requests_position} if stored.requests.items else {}
    result = {"name": name, "n": [1, None, {"deep": "\u00e9\U0001f600"}]}
    fingerprint = hashlib.sha256(name.encode()).digest()
    receipt = Receipt(fingerprint, changed, result, stored.position, positions)
    return Kept(key(name, actor_id), receipt)


def write(stored: Stored, *names: str, changed: bool = True) -> Write:
    """What leaves a room as given, as the effect of commands of these names."""
    return Write(stored, tuple(kept(name, stored, changed=changed) for name in names))


async def created(store: Store, room: str = "demo") -> Stored:
    """A room that is new."""
    stored, is_new = await store.create(room, STATE, START_MS)
    assert is_new
    return stored


async def set_state(store: Store, base: Stored, name: str, *persons: str) -> Stored:
    """Commit one command that seats persons (one of the command's name, if none is given)."""
    stored = after(base, seated(*(persons or (name,))))
    await store.commit(base.revision, write(stored, name))
    return stored


async def find(
    store: Store, name: str, room: str = "demo", actor_id: str = "alice"
) -> Receipt | None:
    """The receipt of one command, if it was accepted."""
    one = key(name, actor_id)
    consulted: Consulted = await store.consult(room, [one])
    assert set(consulted.receipts) <= {one}
    return consulted.receipts.get(one)


async def put(
    store: Store, text: str, doc: str = "x-score", precondition: Precondition | None = None
) -> tuple[StoredDocument, bool]:
    """Set a document of room ``demo`` to an object that says ``text``."""
    data = msgspec.json.encode({"text": text})
    fingerprint = hashlib.sha256(data).digest()
    return await store.put_document("demo", doc, data, fingerprint, START_MS + 9, precondition)
