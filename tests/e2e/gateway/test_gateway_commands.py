"""One command: acks, refusals, what may be wrong with the request (PROTOCOL.md 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from gateway_kit import (
    OWNER,
    ROOM,
    Node,
    auth,
    fresh_id,
    greeted,
    hear,
    position,
)

BOB, CAROL = "bob", "carol"
Send = Callable[..., Awaitable[dict[str, Any]]]


async def by_post(node: Node, user: str, cmd: str, args: Any, **fields: Any) -> dict[str, Any]:
    answer = await node.command(user, cmd, args, **fields)
    if answer.status != 200:
        assert answer.code == answer.json["code"]
    message: dict[str, Any] = answer.json
    return message


async def by_ws(node: Node, user: str, cmd: str, args: Any, **fields: Any) -> dict[str, Any]:
    async with node.ws(user=user) as socket:
        await greeted(socket)
        cmd_id = fresh_id()
        await socket.send_json(
            {"type": "cmd", "cmd": cmd, "cmd_id": cmd_id, "args": args, **fields}
        )
        while True:
            message = await hear(socket)
            if message["type"] in ("ack", "error"):
                assert message.get("cmd_id") == fields.get("cmd_id", cmd_id)
                return message


@pytest.fixture(params=[by_post, by_ws], ids=["post", "ws"])
def send(request: pytest.FixtureRequest, node: Node) -> Send:
    """Send a command by each transport; gives the ack or the error."""

    async def sender(user: str, cmd: str, args: Any = None, **fields: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await request.param(node, user, cmd, args or {}, **fields)
        return answer

    return sender


CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    (OWNER, "seat.take", {"seat_index": 0}),
    (OWNER, "mic.set", {"on": True}),
    (BOB, "seat.take", {"seat_index": -1}),
    (CAROL, "seat.take", {"seat_index": 3.0}),
    (CAROL, "seat.move", {"to": 5}),
    (OWNER, "seat.move", {"user_id": CAROL, "to": 6}),
    (OWNER, "seat.mute", {"seat_index": 6}),
    (OWNER, "seat.unmute", {"seat_index": 6}),
    (OWNER, "user.mute", {"user_id": CAROL}),
    (OWNER, "user.unmute", {"user_id": CAROL}),
    (OWNER, "seat.lock", {"seat_index": 8}),
    (OWNER, "seat.unlock", {"seat_index": "all"}),
    (OWNER, "seat.kick", {"user_id": CAROL, "seat_index": 6}),
    (BOB, "seat.leave", {}),
    (OWNER, "session.end", {"reason": "done"}),
]


async def test_each_change_raises_the_version_by_1(node: Node, send: Send) -> None:
    start = await node.live()
    epoch, version = map(int, start.split("."))
    for number, (user, cmd, args) in enumerate(CHANGES, 1):
        ack = await send(user, cmd, args)
        assert ack["type"] == "ack", (cmd, ack)
        assert set(ack) <= {"type", "cmd_id", "changed", "epoch", "version", "positions", "result"}
        assert isinstance(ack["result"], dict)
        assert ack["changed"] is True, cmd
        assert (ack["epoch"], ack["version"]) == (epoch, version + number), cmd


NO_OPS: list[tuple[str, str, dict[str, Any]]] = [
    (BOB, "seat.leave", {}),
    (OWNER, "seat.unlock", {"seat_index": 4}),
    (OWNER, "seat.unmute", {"seat_index": 4}),
    (OWNER, "user.unmute", {"user_id": BOB}),
    (OWNER, "seat.kick", {"user_id": BOB}),
    (OWNER, "seat.move", {"to": 0}),
    (OWNER, "mic.set", {"on": False}),
]


async def test_a_no_op_is_acked_and_raises_nothing(node: Node, send: Send) -> None:
    await node.live()
    before = position(await node.do(OWNER, "seat.take", seat_index=0))
    for user, cmd, args in NO_OPS:
        ack = await send(user, cmd, args)
        assert (ack["type"], ack.get("changed")) == ("ack", False), (cmd, ack)
        assert position(ack) == before, cmd
    assert position((await node.poll()).json) == before


async def test_the_ack_of_take_and_leave_says_where_and_which_media(node: Node, send: Send) -> None:
    await node.live()
    taken = (await send(BOB, "seat.take", {"seat_index": 2}))["result"]
    assert (taken["seat_index"], taken["media_mode"]) == (2, "rtc")
    seat = (await node.poll(user=BOB)).json["seats"][2]
    assert seat["participation_id"] == taken["participation_id"]
    assert (await send(BOB, "seat.leave"))["result"]["media_mode"] == "cdn"


STATUS = {
    "FORBIDDEN": 403,
    "TARGET_OUTRANKS": 403,
    "USER_BANNED": 403,
    "MUTED_BY_ADMIN": 403,
    "SEAT_NOT_FOUND": 404,
    "SEAT_OCCUPIED": 409,
    "SEAT_LOCKED": 409,
    "SEAT_RESERVED": 409,
    "SEAT_CHANGED": 409,
    "ALREADY_ON_SEAT": 409,
    "NOT_ON_SEAT": 409,
    "SESSION_ALREADY_LIVE": 409,
    "VERSION_MISMATCH": 412,
}
REFUSALS: list[tuple[str, str, dict[str, Any], str]] = [
    (OWNER, "session.start", {}, "SESSION_ALREADY_LIVE"),
    (BOB, "session.start", {}, "FORBIDDEN"),
    (BOB, "session.end", {}, "FORBIDDEN"),
    (BOB, "seat.lock", {"seat_index": 3}, "FORBIDDEN"),
    (BOB, "seat.kick", {"user_id": CAROL}, "FORBIDDEN"),
    (BOB, "seat.move", {"user_id": CAROL, "to": 3}, "FORBIDDEN"),
    (BOB, "seat.take", {"seat_index": 4}, "ALREADY_ON_SEAT"),
    ("dan", "seat.take", {"seat_index": 9}, "SEAT_NOT_FOUND"),
    ("dan", "seat.take", {"seat_index": 10**15}, "SEAT_NOT_FOUND"),
    ("dan", "seat.take", {"seat_index": 0}, "SEAT_RESERVED"),
    ("dan", "seat.take", {"seat_index": 1}, "SEAT_OCCUPIED"),
    ("dan", "seat.take", {"seat_index": 8}, "SEAT_LOCKED"),
    ("eve", "seat.take", {"seat_index": 4}, "USER_BANNED"),
    ("dan", "mic.set", {"on": True}, "NOT_ON_SEAT"),
    ("dan", "seat.move", {"to": 4}, "NOT_ON_SEAT"),
    (CAROL, "mic.set", {"on": True}, "MUTED_BY_ADMIN"),
    (CAROL, "seat.move", {"to": 1}, "SEAT_OCCUPIED"),
    (CAROL, "seat.move", {"to": 8}, "SEAT_LOCKED"),
    (CAROL, "seat.move", {"to": 77}, "SEAT_NOT_FOUND"),
    (CAROL, "seat.move", {"to": 1, "policy": "swap"}, "TARGET_OUTRANKS"),
    (OWNER, "seat.kick", {"user_id": BOB, "seat_index": 5}, "SEAT_CHANGED"),
    (OWNER, "seat.move", {"user_id": BOB, "to": 0}, "SEAT_RESERVED"),
    (OWNER, "seat.lock", {"seat_index": 0}, "SEAT_RESERVED"),
    (OWNER, "seat.mute", {"seat_index": 12}, "SEAT_NOT_FOUND"),
]


async def kicked(node: Node, user: str) -> None:
    """Let somebody sit down and be taken off, with a cooldown."""
    await node.do(user, "seat.take", seat_index=7)
    assert (await node.do(OWNER, "seat.kick", user_id=user, cooldown_s=600))["changed"]


async def test_a_refusal_names_its_code_and_the_position_and_changes_nothing(
    node: Node, send: Send
) -> None:
    await node.live()
    await node.do(BOB, "seat.take", seat_index=1)
    await node.do(CAROL, "seat.take", seat_index=2)
    await node.do(OWNER, "user.mute", user_id=CAROL)
    await kicked(node, "eve")
    before = position(await node.do(OWNER, "seat.lock", seat_index=8))
    for user, cmd, args, code in REFUSALS:
        refusal = await send(user, cmd, args)
        assert refusal["code"] == code, (cmd, args, refusal)
        assert position(refusal) == before, (cmd, args)
        assert refusal["retryable"] is False
    assert position((await node.poll()).json) == before


@pytest.mark.parametrize(("user", "cmd", "args", "code"), REFUSALS, ids=lambda v: str(v)[:20])
async def test_a_refusal_has_the_status_of_its_code(
    node: Node, user: str, cmd: str, args: dict[str, Any], code: str
) -> None:
    await node.live()
    await node.do(BOB, "seat.take", seat_index=1)
    await node.do(CAROL, "seat.take", seat_index=2)
    await node.do(OWNER, "user.mute", user_id=CAROL)
    await kicked(node, "eve")
    await node.do(OWNER, "seat.lock", seat_index=8)
    answer = await node.command(user, cmd, args)
    assert (answer.code, answer.status) == (code, STATUS[code])


async def test_a_cooldown_says_when_it_ends(node: Node) -> None:
    await node.live()
    await kicked(node, "eve")
    answer = await node.command("eve", "seat.take", {"seat_index": 3})
    assert answer.code == "USER_BANNED"
    assert 0 < answer.json["retry_after_ms"] <= 600_000


@pytest.mark.parametrize(
    ("mode", "code"), [("apply", "APPROVAL_REQUIRED"), ("invite", "INVITE_REQUIRED")]
)
async def test_take_never_turns_into_a_request(node: Node, mode: str, code: str) -> None:
    await node.live(seat_mode=mode)
    answer = await node.command(BOB, "seat.take", {"seat_index": 3})
    assert (answer.status, answer.code) == (409, code)
    assert (await node.do(OWNER, "seat.take", seat_index=3))["changed"]


async def test_a_full_room_has_no_free_seat(node: Node) -> None:
    await node.live(seat_count=2)
    await node.do(BOB, "seat.take", seat_index=-1)
    answer = await node.command(CAROL, "seat.take", {"seat_index": -1})
    assert (answer.status, answer.code) == (409, "NO_FREE_SEAT")


async def test_without_a_session_there_is_nothing_to_sit_on(node: Node) -> None:
    await node.create()
    answer = await node.command(BOB, "seat.take", {"seat_index": 1})
    assert (answer.status, answer.code) == (409, "SESSION_NOT_LIVE")


async def test_a_command_to_a_room_that_is_not_there(node: Node) -> None:
    answer = await node.command(BOB, "seat.take", {"seat_index": 1})
    assert (answer.status, answer.code) == (404, "ROOM_NOT_FOUND")


@pytest.mark.parametrize("kind", ["service", "staff"])
async def test_only_people_hold_seats(node: Node, kind: str) -> None:
    await node.live()
    answer = await node.command(
        None, "seat.take", {"seat_index": 1}, headers=auth("bot", kind=kind)
    )
    assert (answer.status, answer.code) == (403, "FORBIDDEN")


async def test_a_command_needs_a_token(node: Node, send: Send) -> None:
    await node.live()
    refusal = await send(None, "seat.leave")
    assert refusal["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("matches", [True, False])
async def test_if_version_guards_the_position(node: Node, send: Send, matches: bool) -> None:
    here = await node.live()
    guard = here if matches else "1.1"
    answer = await send(BOB, "seat.take", {"seat_index": 1}, if_version=guard)
    if matches:
        assert answer["changed"] is True
    else:
        assert (answer["code"], position(answer)) == ("VERSION_MISMATCH", here)


async def test_a_version_mismatch_is_412(node: Node) -> None:
    await node.live()
    answer = await node.command(BOB, "seat.take", {"seat_index": 1}, if_version="1.1")
    assert (answer.status, answer.code) == (412, "VERSION_MISMATCH")


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"cmd": "seat.fly"}, "UNKNOWN_COMMAND"),
    ({"cmd": ""}, "UNKNOWN_COMMAND"),
    ({"cmd": "request.grant"}, "UNKNOWN_COMMAND"),
    ({"cmd_id": ""}, "INVALID_ARGUMENT"),
    ({"cmd_id": "x" * 65}, "INVALID_ARGUMENT"),
    ({"if_version": "7"}, "INVALID_ARGUMENT"),
    ({"if_version": "1.-1"}, "INVALID_ARGUMENT"),
    ({"if_version": f"{2**53}.1"}, "INVALID_ARGUMENT"),
    ({"args": {}}, "INVALID_ARGUMENT"),
    ({"args": {"seat_index": "3"}}, "INVALID_ARGUMENT"),
    ({"args": {"seat_index": None}}, "INVALID_ARGUMENT"),
    ({"args": {"seat_index": True}}, "INVALID_ARGUMENT"),
    ({"args": {"seat_index": 3.5}}, "INVALID_ARGUMENT"),
    ({"args": {"seat_index": -2}}, "INVALID_ARGUMENT"),
    ({"args": {"seat_index": [3]}}, "INVALID_ARGUMENT"),
]


async def test_a_field_out_of_range_is_refused_by_its_code(node: Node, send: Send) -> None:
    before = await node.live()
    for wrong, code in BAD_FIELDS:
        fields = {"cmd": "seat.take", "args": {"seat_index": 3}, **wrong}
        refusal = await send(BOB, fields.pop("cmd"), fields.pop("args"), **fields)
        assert refusal["code"] == code, wrong
    assert position((await node.poll()).json) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"cmd": 5},
        {"cmd": None},
        {"cmd_id": 5},
        {"cmd_id": "\x00" * 65},
        {"args": []},
        {"args": "seat_index"},
        {"if_version": 5},
        {"room": 5},
    ],
    ids=str,
)
async def test_an_envelope_of_the_wrong_types_is_refused_alike(
    node: Node, wrong: dict[str, Any]
) -> None:
    await node.live()
    envelope = {"cmd": "seat.take", "cmd_id": "e1", "args": {"seat_index": 3}, **wrong}
    path = f"/v1/rooms/{ROOM}/commands"
    answer = await node.ask("POST", path, user=BOB, json=envelope)
    assert (answer.status, answer.code) == (400, "INVALID_ARGUMENT")
    async with node.ws(user=BOB) as socket:
        await greeted(socket)
        await socket.send_json({"type": "cmd", **envelope})
        error = await hear(socket, "error")
        assert error["code"] == "INVALID_ARGUMENT"
        if isinstance(envelope["cmd_id"], str):
            assert error.get("cmd_id") == envelope["cmd_id"], "a client can't tell which one failed"
