"""Limits and the audit log, as a client and an operator meet them (PROTOCOL.md 5)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gateway_kit import OWNER, ROOM, auth, fresh_id, hear, running_node, token

from gateway.config import Bounds, Rate
from gateway.server import clock_ms
from store.memory import MemoryStore

SLOW = Rate(per_s=1, burst=3)


def bounded(**limits: object) -> Bounds:
    return Bounds(**{"user_commands": None, "room_commands": None, **limits})  # type: ignore[arg-type]  # by name


async def test_a_user_who_is_too_fast_is_told_when_to_come_back() -> None:
    async with running_node(MemoryStore(clock_ms), bounds=bounded(user_commands=SLOW)) as node:
        await node.live()
        statuses = [(await node.command("bob", "seat.leave")).status for _ in range(3)]
        refused = await node.command("bob", "seat.leave")
        assert (statuses, refused.status) == ([200] * 3, 429)
        assert (refused.code, refused.json["retryable"]) == ("RATE_LIMITED", True)
        assert 0 < refused.json["retry_after_ms"] <= 1000
        assert refused.headers["Retry-After"] == "1"
        assert (await node.command("carol", "seat.leave")).status == 200


async def test_a_socket_is_held_to_the_same_budget_and_stays() -> None:
    async with running_node(MemoryStore(clock_ms), bounds=bounded(user_commands=SLOW)) as node:
        await node.live()
        async with node.ws(user="bob") as socket:
            for _ in range(4):
                await socket.send_json({"type": "cmd", "cmd": "seat.leave", "cmd_id": fresh_id()})
            for _ in range(3):
                await hear(socket, "ack")
            error = await hear(socket, "error")
            assert (error["code"], error["retryable"]) == ("RATE_LIMITED", True)
            assert 0 < error["retry_after_ms"] <= 1000
            assert not socket.closed


async def test_a_flood_by_one_user_leaves_the_room_to_the_others() -> None:
    limits = bounded(user_commands=SLOW, room_commands=Rate(per_s=1, burst=10))
    async with running_node(MemoryStore(clock_ms), bounds=limits) as node:
        await node.live()
        for _ in range(30):
            await node.command("flood", "seat.leave")
        assert (await node.command("bob", "seat.leave")).status == 200


async def test_polls_of_a_user_are_bounded_where_that_is_configured() -> None:
    async with running_node(MemoryStore(clock_ms), bounds=bounded(user_polls=SLOW)) as node:
        await node.live()
        paths = [f"/v1/rooms/{ROOM}/state", f"/v1/rooms/{ROOM}/entry"] * 2
        answers = [await node.ask("GET", path, user="bob") for path in paths]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].code == "RATE_LIMITED"
        assert "Retry-After" in answers[-1].headers
        for _ in range(10):
            assert (await node.poll()).status == 200


async def test_connections_of_a_user_are_bounded_where_that_is_configured() -> None:
    async with running_node(MemoryStore(clock_ms), bounds=bounded(user_connections=1)) as node:
        await node.live()
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": "seatsync.v1",
            **auth("bob"),
        }
        async with node.ws(user="bob") as socket:
            await hear(socket, "snapshot")
            for path in ("push", "events"):
                answer = await node.ask("GET", f"/v1/rooms/{ROOM}/{path}", headers=upgrade)
                assert (answer.status, answer.code) == (429, "RATE_LIMITED"), path
            async with node.ws(user="carol") as other, node.ws() as nobody:
                await hear(other, "snapshot")
                await hear(nobody, "snapshot")
        async with node.ws(user="bob") as socket:
            await hear(socket, "snapshot")


async def test_what_is_done_to_others_is_in_the_audit_log(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    async with running_node(MemoryStore(clock_ms), audit_log=path) as node:
        await node.live()
        await node.do("bob", "seat.take", seat_index=2)
        await node.command("eve", "seat.kick", {"user_id": "bob"})
        await node.do(OWNER, "seat.kick", user_id="bob", seat_index=2)
        service = auth("score", kind="service", docs="*")
        await node.ask("PUT", f"/v1/rooms/{ROOM}/x-score", headers=service, json={"a": 1})
        planted = token("bob", nickname="Planted Nick")
        bearer = {"Authorization": f"Bearer {planted}"}
        await node.ask("PUT", f"/v1/rooms/{ROOM}/x-score", headers=bearer, json={"a": 1})
    text = path.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["actor"], line["cmd"], line["code"]) for line in lines] == [
        (OWNER, "session.start", "ok"),
        ("eve", "seat.kick", "FORBIDDEN"),
        (OWNER, "seat.kick", "ok"),
        ("score", "document.set", "ok"),
        ("bob", "document.set", "FORBIDDEN"),
    ]
    assert lines[2]["whom"] == {"user_id": "bob", "seat_index": 2}
    assert lines[2]["room"] == ROOM
    assert planted not in text
    assert "Planted" not in text


async def test_a_flood_of_attempts_does_not_fill_the_audit_log(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    limits = bounded(user_commands=Rate(per_s=1, burst=2))
    async with running_node(MemoryStore(clock_ms), bounds=limits, audit_log=path) as node:
        await node.create()
        for _ in range(20):
            await node.command("eve", "seat.kick", {"user_id": "bob"})
        for _ in range(20):
            answer = await node.ask("PUT", f"/v1/rooms/{ROOM}/x-score", user="mallory", json={})
        assert (answer.status, answer.code) == (429, "RATE_LIMITED")
    assert len(path.read_text().splitlines()) < 20


@pytest.mark.parametrize(
    ("settings", "claims", "status"),
    [
        ({"audience": "rooms"}, {"aud": ["x", "rooms"]}, 200),
        ({"audience": "rooms"}, {"aud": "other"}, 401),
        ({"audience": "rooms"}, {}, 401),
        ({"issuer": "login"}, {"iss": "login"}, 200),
        ({"issuer": "login"}, {"iss": "other"}, 401),
    ],
    ids=str,
)
async def test_audience_and_issuer_are_checked_where_they_are_configured(
    settings: dict[str, str], claims: dict[str, object], status: int
) -> None:
    async with running_node(MemoryStore(clock_ms), **settings) as node:
        answer = await node.poll(headers=auth("bob", **claims))
        assert answer.status == (404 if status == 200 else status)
