from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.config import MAX_DOCS, Address, Config
from gateway.entry import Reception, read_docs
from gateway.plan import Planner
from gateway.reading import find_readable
from gateway.tokens.bearer import ANONYMOUS, Bearer
from poller import Found, Freshness
from room.actor import Actor
from room.documents import State
from room.errors import InvalidArgument, RoomNotFound, SeatsyncError, Unavailable
from room.position import Position
from room.snapshot import Edition, External, Stored, StoredDocument

OWNER = Bearer(Actor("olga"), 2000.0)
BOB = Bearer(Actor("bob"), 2000.0)
SERVICE = Bearer(Actor("score", "service", docs=("*",)), 2000.0)
BASE = "https://rooms.example"
SCORE = External(StoredDocument("r1", "x-score", Position(7, 4), 5, b'{"a":1}', b"f"))


class FakeRooms:
    """One room with one document; a store that may be away."""

    def __init__(self) -> None:
        self.edition = Edition(Stored("r1", State("olga"), Position(7, 2), 5))
        self.away: set[str] = set()

    def find_now(self, room: str) -> Found[Edition] | None:
        return None

    def find_document_now(self, room: str, doc: str, after: Any = None) -> Found[Any] | None:
        return None

    async def find(self, room: str) -> Found[Edition]:
        self._check("state")
        if room != "r1":
            raise RoomNotFound(room)
        return Found(self.edition, Freshness.HIT, 0.0)

    async def find_document(self, room: str, doc: str, after: Any = None) -> Found[Any]:
        self._check(doc)
        if doc == "x-score":
            return Found(SCORE, Freshness.HIT, 0.0)
        if doc.startswith("x-") or doc == "play":
            raise SeatsyncError("no such document", code="DOC_NOT_FOUND")
        return Found(self.edition.document(doc), Freshness.HIT, 0.0)

    def _check(self, doc: str) -> None:
        if doc in self.away:
            raise Unavailable("the store does not answer")


@pytest.fixture
def rooms() -> Any:
    return FakeRooms()


def reception(rooms: Any, announcement: str | None = None) -> Reception:
    config = Config(Address("127.0.0.1", 0), Address("127.0.0.1", 0), b"x" * 32)
    return Reception(rooms, Planner(config), announcement, lambda: 0)


async def enter(
    rooms: Any, bearer: Bearer = ANONYMOUS, *docs: str, room: str = "r1", base: str | None = BASE
) -> Any:
    entry = await reception(rooms).enter(room, bearer, docs or ("state",), base)
    return json.loads(entry.body)


async def test_everything_is_there_in_one_answer(rooms: Any) -> None:
    entry = await enter(rooms, OWNER, "state", "requests", "x-score")
    assert list(entry) == ["documents", "policy", "plan", "announcement", "missing"]
    assert list(entry["documents"]) == ["state", "requests", "x-score"]
    assert {doc: value["doc"] for doc, value in entry["documents"].items()} == {
        doc: doc for doc in entry["documents"]
    }
    assert entry["policy"]["room"] == "r1"
    assert entry["policy"]["view"] == "member"
    assert "session.start" in entry["policy"]["commands"]
    assert entry["plan"]["channels"][0]["url"] == "wss://rooms.example/v1/rooms/r1/push"
    assert (entry["announcement"], entry["missing"]) == (None, [])


async def test_a_snapshot_is_the_very_bytes_of_the_other_channels(rooms: Any) -> None:
    entry = await reception(rooms).enter("r1", BOB, ("state",), BASE)
    assert rooms.edition.view("member").body in entry.body


async def test_without_a_token_there_is_the_anonymous_view_and_nothing_to_send(rooms: Any) -> None:
    entry = await enter(rooms)
    assert entry["documents"]["state"]["view"] == "anonymous"
    assert entry["policy"] == {"room": "r1", "view": "anonymous", "commands": []}


@pytest.mark.parametrize("bearer", [ANONYMOUS, BOB, SERVICE])
async def test_a_document_that_the_caller_may_not_read_is_named_and_left_out(
    rooms: Any, bearer: Bearer
) -> None:
    entry = await enter(rooms, bearer, "state", "requests")
    assert (list(entry["documents"]), entry["missing"]) == (["state"], ["requests"])


@pytest.mark.parametrize(
    "doc", ["x-none", "play", "X-score", "../state", "x-" + "a" * 33, "policy"]
)
async def test_a_document_that_is_not_there_is_named_and_left_out(rooms: Any, doc: str) -> None:
    entry = await enter(rooms, BOB, doc, "state")
    assert (list(entry["documents"]), entry["missing"]) == (["state"], [doc])


async def test_a_room_that_is_not_there_is_no_answer(rooms: Any) -> None:
    with pytest.raises(RoomNotFound):
        await enter(rooms, room="r2")


async def test_with_the_store_away_the_plan_still_comes(rooms: Any) -> None:
    rooms.away = {"state"}
    entry = await enter(rooms, BOB, "state", "requests", "x-score")
    assert list(entry["documents"]) == ["x-score"]
    assert entry["missing"] == ["state", "requests", "policy"]
    assert "policy" not in entry
    assert entry["plan"]["channels"]


async def test_one_document_that_fails_takes_no_other_with_it(rooms: Any) -> None:
    rooms.away = {"x-score"}
    entry = await enter(rooms, BOB, "x-score", "state")
    assert (list(entry["documents"]), entry["missing"]) == (["state"], ["x-score"])


async def test_without_an_address_there_is_no_plan(rooms: Any) -> None:
    entry = await enter(rooms, BOB, base=None)
    assert entry["missing"] == ["plan"]
    assert "plan" not in entry


async def test_what_every_page_shows_is_the_operators(rooms: Any) -> None:
    entry = await reception(rooms, "Back at 9").enter("r1", BOB, ("state",), BASE)
    assert json.loads(entry.body)["announcement"] == "Back at 9"


@pytest.mark.parametrize(
    ("bearer", "docs", "is_whole"),
    [
        (ANONYMOUS, ("state",), True),
        (ANONYMOUS, ("state", "requests"), False),
        (BOB, ("state",), True),
        (SERVICE, ("x-none",), False),
    ],
)
async def test_an_entry_says_whether_anything_is_missing(
    rooms: Any, bearer: Bearer, docs: tuple[str, ...], is_whole: bool
) -> None:
    assert (await reception(rooms).enter("r1", bearer, docs, BASE)).is_whole is is_whole


@pytest.mark.parametrize(
    ("text", "docs"),
    [
        (None, ("state",)),
        ("state", ("state",)),
        ("x-b,state,x-b", ("x-b", "state")),
        (",state,", ("state",)),
        (",".join(f"x-{n}" for n in range(MAX_DOCS)), tuple(f"x-{n}" for n in range(MAX_DOCS))),
    ],
)
def test_documents_are_asked_for_by_name(text: str | None, docs: tuple[str, ...]) -> None:
    assert read_docs(text) == docs


@pytest.mark.parametrize("text", ["", ",", ",".join("x" for _ in range(MAX_DOCS + 1))])
def test_none_and_too_many_documents_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read_docs(text)


async def test_requests_are_for_owner_and_admins(rooms: Any) -> None:
    found = await find_readable(rooms, OWNER, "r1", "requests")
    assert found.edition.doc == "requests"
    for bearer in (ANONYMOUS, BOB, SERVICE):
        with pytest.raises(SeatsyncError) as refused:
            await find_readable(rooms, bearer, "r1", "requests")
        assert refused.value.code == "FORBIDDEN"


async def test_a_room_that_is_not_there_comes_before_who_may_read_it(rooms: Any) -> None:
    with pytest.raises(RoomNotFound):
        await find_readable(rooms, BOB, "r2", "requests")
