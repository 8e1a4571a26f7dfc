"""The same command twice: acks are kept, keys are not reused (PROTOCOL.md 5)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from gateway_kit import OWNER, ROOM, Node, auth, greeted, hear, position, running_node

from gateway.server import clock_ms
from store.sqlite import SqliteStore

BOB = "bob"
TAKE = {"seat_index": 3}


async def over_ws(node: Node, user: str, **fields: Any) -> dict[str, Any]:
    async with node.ws(user=user) as socket:
        await greeted(socket)
        await socket.send_json({"type": "cmd", **fields})
        while (message := await hear(socket))["type"] not in ("ack", "error"):
            pass
        return message


async def test_a_resend_gets_the_first_ack_again(either: Node) -> None:
    await either.live()
    first = await either.command(BOB, "seat.take", TAKE, cmd_id="k1")
    await either.do(BOB, "seat.leave")
    again = await either.command(BOB, "seat.take", TAKE, cmd_id="k1")
    assert (again.status, again.body) == (200, first.body)
    assert (await either.poll()).json["seats"][3]["status"] == "empty"


async def test_a_resend_on_the_other_transport_gets_the_first_ack(either: Node) -> None:
    await either.live()
    posted = await either.command(BOB, "seat.take", TAKE, cmd_id="k1")
    again = await over_ws(either, BOB, cmd="seat.take", cmd_id="k1", args=TAKE)
    assert again == posted.json
    spoken = await over_ws(either, BOB, cmd="seat.leave", cmd_id="k2", args={})
    assert (await either.command(BOB, "seat.leave", cmd_id="k2")).json == spoken


async def test_a_no_op_is_kept_too(either: Node) -> None:
    await either.live()
    first = await either.command(BOB, "seat.leave", cmd_id="k1")
    assert first.json["changed"] is False
    await either.do(BOB, "seat.take", **TAKE)
    again = await either.command(BOB, "seat.leave", cmd_id="k1")
    assert again.body == first.body
    assert (await either.poll()).json["seats"][3]["status"] == "occupied"


async def test_a_refusal_is_not_kept(either: Node) -> None:
    await either.create()
    refused = await either.command(BOB, "seat.take", TAKE, cmd_id="k1")
    assert refused.code == "SESSION_NOT_LIVE"
    await either.do(OWNER, "session.start")
    assert (await either.command(BOB, "seat.take", TAKE, cmd_id="k1")).status == 200


@pytest.mark.parametrize(
    "other",
    [
        {"cmd": "seat.leave", "args": {}},
        {"cmd": "seat.take", "args": {"seat_index": 4}},
        {"cmd": "seat.take", "args": {"seat_index": 3, "more": 1}},
        {"cmd": "seat.take", "args": {"seat_index": 3}, "if_version": "1.1"},
    ],
    ids=str,
)
async def test_a_key_is_not_for_other_content(node: Node, other: dict[str, Any]) -> None:
    await node.live()
    await node.command(BOB, "seat.take", TAKE, cmd_id="k1")
    answer = await node.command(BOB, other.pop("cmd"), other.pop("args"), cmd_id="k1", **other)
    assert (answer.status, answer.code) == (422, "IDEMPOTENCY_KEY_REUSED")
    message = await over_ws(node, BOB, cmd="seat.leave", cmd_id="k1", args={})
    assert (message["code"], message["cmd_id"]) == ("IDEMPOTENCY_KEY_REUSED", "k1")


@pytest.mark.parametrize(
    "body",
    [
        '{"args":{"seat_index":3},"cmd_id":"k1","cmd":"seat.take"}',
        '{ "cmd" : "seat.take", "cmd_id":"k1", "args": {"seat_index": 3.0} }',
        '{"cmd":"seat.take","cmd_id":"k\\u0031","args":{"seat_index":3e0},"other":[1]}',
        '{"cmd":"seat.take","cmd_id":"k1","args":{"seat_index":3},"if_version":null}',
    ],
)
async def test_content_is_compared_as_values(node: Node, body: str) -> None:
    await node.live()
    first = await node.command(BOB, "seat.take", TAKE, cmd_id="k1")
    again = await node.ask(
        "POST",
        f"/v1/rooms/{ROOM}/commands",
        user=BOB,
        data=body.encode(),
        headers={"Content-Type": "application/json"},
    )
    assert again.body == first.body


async def test_a_key_belongs_to_one_user_in_one_room(either: Node) -> None:
    await either.live()
    await either.live("r2")
    acks = [
        await either.command(user, "seat.take", {"seat_index": seat}, room=room, cmd_id="k1")
        for room, user, seat in ((ROOM, BOB, 1), (ROOM, "carol", 2), ("r2", BOB, 3))
    ]
    assert [ack.json["changed"] for ack in acks] == [True, True, True]


@pytest.mark.parametrize(
    ("field", "header", "status"),
    [
        ("k1", None, 200),
        (None, "k1", 200),
        ("k1", "k1", 200),
        ("k1", "k2", 400),
        (None, None, 400),
        (None, "", 400),
        (None, "x" * 65, 400),
    ],
)
async def test_the_header_may_stand_for_cmd_id(
    node: Node, field: str | None, header: str | None, status: int
) -> None:
    await node.live()
    headers = {} if header is None else {"Idempotency-Key": header}
    answer = await node.command(BOB, "seat.take", TAKE, cmd_id=field, headers=headers)
    assert answer.status == status
    if status == 200:
        assert answer.json["cmd_id"] == "k1"
    else:
        assert answer.code == "INVALID_ARGUMENT"


async def test_a_header_that_is_no_text_is_refused(either: Node) -> None:
    """Bytes beyond UTF-8 would be kept under a key that no store and no log can write."""
    await either.live()
    body = b'{"cmd":"seat.take","args":{"seat_index":3}}'
    head = (
        f"POST /v1/rooms/{ROOM}/commands HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"Authorization: {auth(BOB)['Authorization']}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    reader, writer = await either.raw(head.encode(), b"Idempotency-Key: \xff\xfe\r\n\r\n", body)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"INVALID_ARGUMENT" in answer


async def test_strange_keys_are_kept_like_any_other(either: Node) -> None:
    await either.live()
    for key in ("\x00", "a b", "\U0001f600" * 64, "'; --", "\u2028"):
        first = await either.command(BOB, "seat.leave", cmd_id=key)
        assert first.status == 200, key
        assert (await either.command(BOB, "seat.leave", cmd_id=key)).body == first.body


async def test_many_resends_at_once_are_one_change(either: Node) -> None:
    start = await either.live()
    answers = await asyncio.gather(
        *(either.command(BOB, "seat.take", TAKE, cmd_id="k1") for _ in range(50))
    )
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    _, version = start.split(".")
    assert (await either.poll()).json["version"] == int(version) + 1


async def test_two_users_at_one_seat_leave_one_winner(either: Node) -> None:
    await either.live()
    answers = await asyncio.gather(
        *(either.command(f"u{n}", "seat.take", TAKE, cmd_id="k1") for n in range(30))
    )
    codes = sorted(answer.status for answer in answers)
    assert codes == [200] + [409] * 29


async def test_acks_outlive_a_restart_on_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "rooms.db"
    async with running_node(SqliteStore.open(path, clock_ms)) as node:
        await node.live()
        first = await node.command(BOB, "seat.take", TAKE, cmd_id="k1")
        before = (await node.poll()).json
    async with running_node(SqliteStore.open(path, clock_ms)) as node:
        assert (await node.command(BOB, "seat.take", TAKE, cmd_id="k1")).body == first.body
        other = await node.command(BOB, "seat.leave", cmd_id="k1")
        assert other.code == "IDEMPOTENCY_KEY_REUSED"
        after = (await node.poll()).json
        assert after["epoch"] > before["epoch"]
        assert after["seats"] == before["seats"]
        guarded = await node.command(BOB, "seat.leave", if_version=position(before))
        assert guarded.code == "VERSION_MISMATCH"
