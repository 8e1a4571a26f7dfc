"""Who sees what: every private word of a room is looked for in every byte that leaves the server.

The table says of each word who finds it on which channel. It is exact: a word that turns up
anywhere else is a leak, and one that does not turn up where it should shows that the search would
not have found a leak either.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from leaks_capture import ROOM, Capture, Heard
from leaks_plants import WITH_TOKEN, Plants
from leaks_story import ask_everything, happen, plant

import room.snapshot
from gateway.config import Bounds
from gateway.logs import JsonLines
from gateway.server import clock_ms
from room.documents import State
from room.views import StateView, View, project
from store.memory import MemoryStore
from tests.e2e.gateway.gateway_kit import running_node, upgrade

Places = dict[str, frozenset[str]]

SNAPSHOT = frozenset({"poll", "ws", "sse", "entry"})
PUSH = frozenset({"ws", "sse"})
ACK = frozenset({"ack"})
NOBODY: Places = {}
EVERYBODY = ("anonymous", *WITH_TOKEN)
MEMBERS: Places = dict.fromkeys(WITH_TOKEN, SNAPSHOT)
STAFF_OF_ROOM: Places = dict.fromkeys(("owner", "admin"), SNAPSHOT)

SEEN: dict[str, Places] = {
    "owner.user_id": MEMBERS,
    "owner.nickname": MEMBERS,
    "owner.avatar": MEMBERS,
    "seated.user_id": MEMBERS,
    "seated.nickname": MEMBERS,
    "seated.avatar": MEMBERS,
    "seated.participation_id": {**MEMBERS, "seated": SNAPSHOT | ACK},
    "kicked.participation_id": {"kicked": ACK},
    "admin.user_id": {**STAFF_OF_ROOM, "invitee": PUSH},
    "applicant.user_id": {**STAFF_OF_ROOM, "applicant": PUSH},
    "applicant.nickname": STAFF_OF_ROOM,
    "applicant.avatar": STAFF_OF_ROOM,
    "application": {**STAFF_OF_ROOM, "applicant": PUSH | ACK},
    "invitee.user_id": {**STAFF_OF_ROOM, "invitee": PUSH},
    "invitation": {
        "owner": SNAPSHOT,
        "admin": SNAPSHOT | ACK,
        "invitee": PUSH,
    },
    "document here": dict.fromkeys(EVERYBODY, SNAPSHOT),
    "document elsewhere": dict.fromkeys(EVERYBODY, frozenset({"elsewhere"})),
    **{
        f"{name}.cmd_id": {name: ACK}
        for name in ("owner", "admin", "seated", "kicked", "applicant")
    },
}
"""What is not named here is seen by nobody."""

UNBOUNDED = Bounds(user_commands=None, room_commands=None)
AUDITED = ("owner", "muted", "banned", "kicked", "admin", "idle_admin", "invitee")


class Evening(NamedTuple):
    """All that was heard, the words to look for, and what the server wrote down."""

    heard: Heard
    markers: dict[str, str]
    log: str
    audit: str

    def places(self, name: str) -> Places:
        """Say who found a word where."""
        word = self.markers[name].encode()
        found: dict[str, set[str]] = {}
        for (caller, channel), kept in self.heard.items():
            if word in kept:
                found.setdefault(caller, set()).add(channel)
        return {caller: frozenset(channels) for caller, channels in found.items()}


@contextmanager
def written_log() -> Iterator[io.StringIO]:
    """Keep every line of every logger, down to the least severe."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


async def live_through(audit_log: Path) -> Evening:
    plants = Plants()
    with written_log() as log:
        async with running_node(
            MemoryStore(clock_ms), audit_log=audit_log, bounds=UNBOUNDED
        ) as node:
            capture = Capture(node, plants)
            await plant(capture)
            async with capture.listening() as listening:
                await listening.settle()
                await happen(capture)
                await listening.send("seated", type="speaking", on=True)
                await listening.send("member", type="speaking", on=True)
                await listening.settle()
                await ask_everything(capture)
                await listening.settle()
            await put_tokens_where_they_do_not_belong(capture)
    written = await asyncio.to_thread(audit_log.read_text)
    return Evening(capture.heard, plants.markers(), log.getvalue(), written)


async def put_tokens_where_they_do_not_belong(capture: Capture) -> None:
    signed = capture.plants.member.token
    path = f"/v1/rooms/{ROOM}/state"
    for headers in (
        {"Authorization": signed},
        {"Authorization": f"Basic {signed}"},
        {"Authorization": f"Bearer {signed}x"},
        {"Cookie": f"token={signed}"},
        {"If-None-Match": f'"{signed}"'},
    ):
        await capture.ask("anonymous", "misplaced", "GET", path, headers)
    for query in (f"token={signed}", f"after={signed}", f"docs={signed}", f"schema={signed}"):
        await capture.ask("anonymous", "misplaced", "GET", f"{path}?{query}")
    await capture.ask("anonymous", "misplaced", "GET", f"/v1/rooms/{signed}/state")
    body = {"cmd": signed, "cmd_id": "c", "args": {signed: signed}}
    await capture.ask("member", "misplaced", "POST", f"/v1/rooms/{ROOM}/commands", json=body)
    offered = f"Sec-WebSocket-Protocol: bearer.{signed}x, seatsync.v1"
    for request in (
        f"GET {path} {signed} HTTP/1.1\r\n\r\n".encode(),
        f"GET {path} HTTP/1.1\r\nAuthorization Bearer {signed}\r\n\r\n".encode(),
        f"GET {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {signed}\r\n\r\n".encode(),
        upgrade(f"/v1/rooms/{ROOM}/push", offered, "Connection: close"),
    ):
        reader, _ = await capture.node.raw(request)
        async with asyncio.timeout(10):
            capture.heard["anonymous", "misplaced"] += await reader.read(4096)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    """One evening, looked at from every side."""
    return asyncio.run(live_through(tmp_path_factory.mktemp("leaks") / "audit.jsonl"))


def test_every_word_is_found_by_whom_it_is_for_and_by_nobody_else(evening: Evening) -> None:
    found = {name: evening.places(name) for name in evening.markers}
    wrong = {
        name: {"found": places, "expected": SEEN.get(name, NOBODY)}
        for name, places in found.items()
        if places != SEEN.get(name, NOBODY)
    }
    assert not wrong


def test_no_token_and_no_secret_is_ever_logged(evening: Evening) -> None:
    for name, word in evening.markers.items():
        if name.endswith(".token") or name == "secret":
            assert word not in evening.log, name
            assert word not in evening.audit, name


def test_no_nickname_and_no_picture_is_ever_logged_or_audited(evening: Evening) -> None:
    for name, word in evening.markers.items():
        if name.endswith((".nickname", ".avatar")):
            assert word not in evening.log, name
            assert word not in evening.audit, name


def test_the_audit_log_names_whom_privileged_commands_were_upon(evening: Evening) -> None:
    lines = [json.loads(line) for line in evening.audit.splitlines()]
    assert {line["room"] for line in lines} >= {ROOM}
    for name in AUDITED:
        assert evening.markers[f"{name}.user_id"] in evening.audit, name


def test_the_log_names_who_sent_a_command(evening: Evening) -> None:
    assert evening.markers["seated.user_id"] in evening.log


def test_a_view_that_shows_too_much_is_found_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def careless(state: State, _: View) -> StateView:
        return project(state, "member")

    monkeypatch.setattr(room.snapshot, "project", careless)
    evening = asyncio.run(live_through(tmp_path / "audit.jsonl"))
    for name in ("seated.user_id", "seated.nickname", "owner.avatar", "seated.participation_id"):
        assert evening.places(name)["anonymous"] >= SNAPSHOT | {"sei"}
