"""The start of a page: the bytes are those of ``Entry``, however they come about."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from edge_answers_samples import (
    NOW_S,
    Bench,
    FakeExchange,
    bearer,
    edition,
    head_of,
    score,
)
from msgspec import UNSET

from gateway.config import Rate, Stream
from gateway.edge.entries import PRIVATE, PUBLIC
from gateway.entry import Entry, Permission
from gateway.tokens.bearer import ANONYMOUS, Bearer
from room import wire
from room.actor import Actor, TokenKind
from room.policy import allowed_commands
from room.snapshot import Edition

PATH = "/v1/rooms/r1/entry"
HOST = "http://here:8080"
STREAM = Stream("flv", "https://cdn.example/{room}.flv")


def caller(user: str, kind: TokenKind = "member", roles: tuple[str, ...] = ()) -> Bearer:
    return Bearer(Actor(user, kind, roles), NOW_S + 600)


CALLERS = {
    "nobody": ANONYMOUS,
    "member": caller("bob"),
    "owner": caller("olga"),
    "admin": caller("adam"),
    "seated": caller("ann"),
    "banned": caller("eve"),
    "operator": caller("ops", "staff", ("operator",)),
    "reviewing owner": caller("olga", "member", ("reviewer", "unheard-of")),
    "service": caller("svc", "service"),
}
DOCS = [
    ("state",),
    ("requests", "state"),
    ("state", "requests", "x-score"),
    ("x-score",),
    ("play", "x-none", "X-score", 'a"\\b\u00e9', "../state", "state"),
]


@pytest.fixture
async def bench() -> Bench:
    """A door with a room and a document in memory."""
    bench = Bench(announcement='Back at "9" \u00e9', streams=(STREAM,))
    bench.hold(edition(), score())
    return bench


def encoded(bench: Bench, who: Bearer, docs: tuple[str, ...], base: str | None) -> bytes:
    """Write down by msgspec what an entry has to say."""
    room: Edition | None = bench.poller.held("r1")
    assert room is not None
    may_read = who.actor is not None and who.actor.user_id in ("olga", "adam")
    bodies = {
        "state": room.view(who.view).body,
        "requests": room.requests.view(who.view).body if may_read else None,
        "x-score": score().view(who.view).body,
    }
    documents = {doc: bodies[doc] for doc in docs if bodies.get(doc) is not None}
    missing = [doc for doc in docs if doc not in documents]
    commands = allowed_commands(room.stored.state, who.actor, int(NOW_S * 1000))
    entry = Entry(
        documents={doc: msgspec.Raw(body or b"") for doc, body in documents.items()},
        policy=Permission("r1", who.view, commands),
        plan=UNSET if base is None else bench.planner.plan("r1", who, base),
        announcement='Back at "9" \u00e9',
        missing=(*missing, *(["plan"] if base is None else [])),
    )
    return wire.encode(entry)


@pytest.mark.parametrize("base", [HOST, None])
@pytest.mark.parametrize("docs", DOCS)
@pytest.mark.parametrize("who", CALLERS)
async def test_bytes_from_memory_and_behind_a_read_are_those_of_the_struct(
    bench: Bench, who: str, docs: tuple[str, ...], base: str | None
) -> None:
    await bench.ask("/v1/rooms/r1/x-none")  # so that it is known to be missing
    now = bench.reception.enter_now("r1", CALLERS[who], docs, base)
    assert now is not None
    assert now.body == encoded(bench, CALLERS[who], docs, base)
    assert now.is_whole is not bool(json.loads(now.body)["missing"])
    bench.poller._cache.drop("r1")
    bench.documents._cache.drop(("r1", "x-score"))
    assert bench.reception.enter_now("r1", CALLERS[who], docs, base) is None
    assert await bench.reception.enter("r1", CALLERS[who], docs, base) == now


async def test_what_is_held_is_answered_at_once_and_the_rest_after_a_read(bench: Bench) -> None:
    line = bearer("olga")
    now = bench.ask_now(f"{PATH}?docs=state,x-score", line).sent
    assert bench.shelf.reads == 0
    bench.documents._cache.drop(("r1", "x-score"))
    later = await bench.ask(f"{PATH}?docs=state,x-score", line)
    assert later == now
    assert bench.shelf.reads == 1
    assert bench.touched == [("r1", "olga")] * 2


async def test_policy_is_that_of_the_moment(bench: Bench) -> None:
    def commands() -> list[str]:
        allowed: list[str] = json.loads(bench.ask_now(PATH, bearer("bob")).sent.body)["policy"][
            "commands"
        ]
        return allowed

    assert "seat.kick" not in commands()
    bench.poller.put(edition(8, admins=("bob",)))
    assert "seat.kick" in commands()
    bench.poller.put(edition(9, bans=()))
    assert "seat.kick" not in commands()


@pytest.mark.parametrize(
    ("target", "lines", "wanted"),
    [
        (PATH, (), PUBLIC),
        (f"{PATH}?docs=x-score,state", (), PUBLIC),
        (f"{PATH}?docs=state,requests", (), PRIVATE),
        (PATH, (bearer("bob"),), PRIVATE),
    ],
)
async def test_caches_keep_what_is_whole_and_for_everybody(
    bench: Bench, target: str, lines: tuple[str, ...], wanted: str
) -> None:
    sent = bench.ask_now(target, *lines).sent
    assert sent.status == 200
    assert sent.headers == {
        "content-type": "application/json",
        "cache-control": wanted,
        "vary": "Authorization",
        "server": "seatsync",
        "x-content-type-options": "nosniff",
    }


async def test_with_the_store_away_the_entry_says_what_is_missing(bench: Bench) -> None:
    bench.shelf.is_away = True
    for _ in range(2):  # after a read, and while the store is left alone
        sent = await bench.ask("/v1/rooms/r2/entry?docs=state,x-score", bearer("bob"))
        entry = json.loads(sent.body)
        assert (entry["documents"], entry["missing"]) == ({}, ["state", "x-score", "policy"])
        assert "policy" not in entry
        assert entry["plan"]["channels"]
    assert json.loads((await bench.ask(PATH)).body)["missing"] == []


@pytest.mark.parametrize(
    ("target", "lines", "code"),
    [
        (PATH, ("Authorization: Bearer x",), "UNAUTHENTICATED"),
        ("/v1/rooms/a.b/entry", (), "INVALID_ARGUMENT"),
        ("/v1/rooms/nowhere/entry", (), "ROOM_NOT_FOUND"),
        (f"{PATH}?schema=0", (), "UPGRADE_REQUIRED"),
        (f"{PATH}?docs=", (), "INVALID_ARGUMENT"),
    ],
)
async def test_what_is_refused_is_a_problem(
    bench: Bench, target: str, lines: tuple[str, ...], code: str
) -> None:
    for _ in range(2):
        sent = await bench.ask(target, *lines)
        assert f'"code":"{code}"'.encode() in sent.body


async def test_urls_are_those_by_which_the_caller_came(bench: Bench) -> None:
    for host, wanted in (("there:99", "http://there:99/"), ("a~b", None)):
        exchange: Any = FakeExchange(head_of(PATH, host=host))
        bench.serve(exchange)
        entry = json.loads(exchange.sent.body)
        if wanted is None:
            assert entry["missing"] == ["plan"]
        else:
            assert entry["plan"]["channels"][0]["url"].startswith(wanted)


async def test_a_user_enters_no_faster_than_they_may_poll() -> None:
    bench = Bench(user_polls=Rate(per_s=1, burst=2))
    bench.hold(edition())
    line = bearer("bob")
    assert [(await bench.ask(PATH, line)).status for _ in range(3)] == [200, 200, 429]
