from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.commands import (
    COMMANDS,
    NAMES,
    Command,
    InviteAccept,
    InviteCancel,
    InviteReject,
    InviteSend,
    MicSet,
    Request,
    RequestAccept,
    RequestApply,
    RequestCancel,
    RequestReject,
    RoleGrant,
    RoleRevoke,
    SeatCountSet,
    SeatKick,
    SeatLeave,
    SeatLock,
    SeatModeSet,
    SeatMove,
    SeatMute,
    SeatTake,
    SeatUnlock,
    SeatUnmute,
    SessionEnd,
    SessionStart,
    SystemExpire,
    SystemLink,
    SystemReap,
    UserBan,
    UserMute,
    UserUnban,
    UserUnmute,
    read_envelope,
    read_request,
)
from room.errors import InvalidArgument, Malformed, SeatsyncError
from room.position import Position


def read(header: str | None = None, **envelope: Any) -> Request:
    return read_request(read_envelope(json.dumps(envelope).encode()), header)


def read_or_error(body: bytes, header: str | None = None) -> Request | SeatsyncError:
    try:
        return read_request(read_envelope(body), header)
    except SeatsyncError as error:
        return error


def read_args(cmd: str, **args: Any) -> Command:
    return read(cmd=cmd, cmd_id="c1", args=args).command


@pytest.mark.parametrize(
    ("name", "args", "command"),
    [
        ("session.start", {}, SessionStart()),
        (
            "session.start",
            {"kind": "video", "seat_count": 50, "seat_mode": "invite"},
            SessionStart("video", 50, "invite"),
        ),
        ("session.end", {}, SessionEnd()),
        ("session.end", {"reason": "x" * 200}, SessionEnd("x" * 200)),
        ("seat.take", {"seat_index": -1}, SeatTake(-1)),
        ("seat.take", {"seat_index": 2**40}, SeatTake(2**40)),
        ("seat.leave", {}, SeatLeave()),
        ("seat.move", {"to": 0}, SeatMove(0)),
        (
            "seat.move",
            {"to": 2, "user_id": "a:b", "policy": "swap"},
            SeatMove(2, "a:b", "swap"),
        ),
        ("seat.kick", {"user_id": "u"}, SeatKick("u")),
        (
            "seat.kick",
            {"user_id": "u", "seat_index": 4, "cooldown_s": 86_400},
            SeatKick("u", 4, 86_400),
        ),
        ("seat.lock", {"seat_index": "all", "evict": True}, SeatLock("all", True)),
        ("seat.lock", {"seat_index": 3}, SeatLock(3)),
        ("seat.unlock", {"seat_index": "all"}, SeatUnlock("all")),
        ("seat.mute", {"seat_index": 1}, SeatMute(1)),
        ("seat.unmute", {"seat_index": 1}, SeatUnmute(1)),
        ("user.mute", {"user_id": "u"}, UserMute("u")),
        ("user.unmute", {"user_id": "u"}, UserUnmute("u")),
        ("mic.set", {"on": False}, MicSet(False)),
        ("seat.mode.set", {"mode": "apply"}, SeatModeSet("apply")),
        ("seat.count.set", {"count": 1}, SeatCountSet(1)),
        ("seat.count.set", {"count": 50, "evict": True}, SeatCountSet(50, True)),
        ("request.apply", {}, RequestApply()),
        ("request.apply", {"seat_index": None}, RequestApply()),
        ("request.apply", {"seat_index": -1}, RequestApply(-1)),
        ("request.apply", {"seat_index": 3}, RequestApply(3)),
        ("request.cancel", {"request_id": "r"}, RequestCancel("r")),
        ("request.accept", {"request_id": "é" * 64}, RequestAccept("é" * 64)),
        ("request.reject", {"request_id": "r_1"}, RequestReject("r_1")),
        ("invite.send", {"user_id": "u"}, InviteSend("u")),
        ("invite.send", {"user_id": "u", "seat_index": 2}, InviteSend("u", 2)),
        ("invite.cancel", {"request_id": "r"}, InviteCancel("r")),
        ("invite.accept", {"request_id": "r"}, InviteAccept("r")),
        ("invite.reject", {"request_id": "r"}, InviteReject("r")),
        ("role.grant", {"user_id": "u", "role": "admin"}, RoleGrant("u", "admin")),
        ("role.revoke", {"user_id": "u", "role": "admin"}, RoleRevoke("u", "admin")),
        ("user.ban", {"user_id": "u"}, UserBan("u")),
        ("user.ban", {"user_id": "u", "ttl_s": 1}, UserBan("u", 1)),
        ("user.ban", {"user_id": "u", "ttl_s": 315_360_000}, UserBan("u", 315_360_000)),
        ("user.unban", {"user_id": "u"}, UserUnban("u")),
        (
            "system.reap",
            {"participation_id": "p", "cause": "lease_expired"},
            SystemReap("p", "lease_expired"),
        ),
        ("system.link", {"participation_id": "p", "link": "lost"}, SystemLink("p", "lost")),
        ("system.expire", {}, SystemExpire()),
    ],
)
def test_command_reads_with_its_arguments(
    name: str, args: dict[str, Any], command: Command
) -> None:
    assert read_args(name, **args) == command
    assert NAMES[type(command)] == name


def test_every_command_has_one_name() -> None:
    assert len(NAMES) == len(COMMANDS) == 30


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("session.start", {"kind": "radio"}),
        ("session.start", {"seat_count": 0}),
        ("session.start", {"seat_count": 51}),
        ("session.start", {"seat_count": True}),
        ("session.start", {"seat_mode": "closed"}),
        ("session.end", {"reason": "x" * 201}),
        ("session.end", {"reason": 1}),
        ("seat.take", {}),
        ("seat.take", {"seat_index": None}),
        ("seat.take", {"seat_index": -2}),
        ("seat.take", {"seat_index": "3"}),
        ("seat.take", {"seat_index": 3.5}),
        ("seat.take", {"seat_index": True}),
        ("seat.take", {"seat_index": "all"}),
        ("seat.move", {}),
        ("seat.move", {"to": 1, "user_id": ""}),
        ("seat.move", {"to": 1, "policy": "push"}),
        ("seat.kick", {}),
        ("seat.kick", {"user_id": "a b"}),
        ("seat.kick", {"user_id": "a\n"}),
        ("seat.kick", {"user_id": "x" * 65}),
        ("seat.kick", {"user_id": "u", "cooldown_s": -1}),
        ("seat.kick", {"user_id": "u", "cooldown_s": 86_401}),
        ("seat.kick", {"user_id": "u", "seat_index": "all"}),
        ("seat.lock", {"seat_index": "every"}),
        ("seat.lock", {"seat_index": 1, "evict": 1}),
        ("seat.mute", {"seat_index": "all"}),
        ("user.mute", {"user_id": None}),
        ("mic.set", {}),
        ("mic.set", {"on": 1}),
        ("mic.set", {"on": "true"}),
        ("seat.mode.set", {}),
        ("seat.mode.set", {"mode": "closed"}),
        ("seat.count.set", {}),
        ("seat.count.set", {"count": 0}),
        ("seat.count.set", {"count": 51}),
        ("seat.count.set", {"count": 5, "evict": 1}),
        ("request.apply", {"seat_index": -2}),
        ("request.apply", {"seat_index": "any"}),
        ("request.cancel", {}),
        ("request.cancel", {"request_id": ""}),
        ("request.accept", {"request_id": "x" * 65}),
        ("request.reject", {"request_id": 1}),
        ("invite.send", {}),
        ("invite.send", {"user_id": "a b"}),
        ("invite.send", {"user_id": "u", "seat_index": -2}),
        ("invite.cancel", {"request_id": None}),
        ("invite.accept", {}),
        ("invite.reject", {}),
        ("role.grant", {"user_id": "u"}),
        ("role.grant", {"user_id": "u", "role": "owner"}),
        ("role.revoke", {"role": "admin"}),
        ("user.ban", {"ttl_s": 5}),
        ("user.ban", {"user_id": "u", "ttl_s": 0}),
        ("user.ban", {"user_id": "u", "ttl_s": 315_360_001}),
        ("user.ban", {"user_id": "u", "ttl_s": 1.5}),
        ("user.unban", {}),
        ("system.reap", {"participation_id": "p"}),
        ("system.reap", {"participation_id": "p", "cause": "boredom"}),
        ("system.link", {"participation_id": "p", "link": "gone"}),
    ],
)
def test_argument_of_wrong_type_or_range_is_invalid(name: str, args: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        read_args(name, **args)


def test_unknown_arguments_and_fields_are_ignored() -> None:
    request = read(cmd="seat.leave", cmd_id="c1", args={"later": [1]}, type="cmd", colour="red")
    assert request.command == SeatLeave()


def test_integer_written_as_a_whole_float_is_the_same_seat() -> None:
    assert read_args("seat.take", seat_index=3.0) == SeatTake(3)


@pytest.mark.parametrize("name", ["", "seat", "seat.", "SEAT.TAKE", "seat.take ", "system.rtc"])
def test_unknown_command_has_its_own_code(name: str) -> None:
    with pytest.raises(SeatsyncError) as caught:
        read(cmd=name, cmd_id="c1")
    assert caught.value.code == "UNKNOWN_COMMAND"


@pytest.mark.parametrize("body", [b"", b"{", b"seat.take", b'{"cmd":"seat.leave"', b"\xff"])
def test_body_that_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_envelope(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"null",
        b'{"cmd":1,"cmd_id":"c"}',
        b'{"cmd":"seat.leave","cmd_id":1}',
        b'{"cmd":"seat.leave","cmd_id":"c","args":[]}',
        b'{"cmd":"seat.leave","cmd_id":"c","args":"x"}',
        b'{"cmd":"seat.leave","cmd_id":"c","if_version":1.2}',
        b'{"cmd":"seat.leave","cmd_id":"c","room":1}',
    ],
)
def test_envelope_of_the_wrong_shape_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        read_envelope(body)


def test_if_version_is_a_position() -> None:
    assert read(cmd="seat.leave", cmd_id="c").if_version is None
    assert read(cmd="seat.leave", cmd_id="c", if_version="7.9").if_version == Position(7, 9)


@pytest.mark.parametrize("text", ["", "7", "7.9 ", "07.9", '"7.9"', "latest"])
def test_if_version_of_another_form_is_invalid(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read(cmd="seat.leave", cmd_id="c", if_version=text)


@pytest.mark.parametrize(
    ("field", "header", "cmd_id"),
    [
        ("c1", None, "c1"),
        (None, "h1", "h1"),
        ("same", "same", "same"),
        ("x" * 64, None, "x" * 64),
        ("é" * 64, None, "é" * 64),
    ],
)
def test_cmd_id_comes_from_the_field_or_the_header(
    field: str | None, header: str | None, cmd_id: str
) -> None:
    assert read(header, cmd="seat.leave", cmd_id=field).cmd_id == cmd_id


@pytest.mark.parametrize(
    ("field", "header"),
    [
        (None, None),
        ("a", "b"),
        ("a", ""),
        ("", "b"),
        ("", None),
        (None, ""),
        ("x" * 65, None),
        (None, "x" * 65),
    ],
)
def test_cmd_id_missing_different_or_of_bad_length_is_invalid(
    field: str | None, header: str | None
) -> None:
    with pytest.raises(InvalidArgument):
        read(header, cmd="seat.leave", cmd_id=field)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_malformed_or_invalid_argument(body: bytes) -> None:
    try:
        read_envelope(body)
    except (Malformed, InvalidArgument):
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {"cmd": st.sampled_from(sorted(COMMANDS)) | JSON},
        optional={"cmd_id": JSON, "args": JSON, "if_version": JSON, "room": JSON},
    ),
    st.none() | st.text(max_size=70),
)
def test_arbitrary_json_raises_only_errors_of_the_protocol(
    envelope: dict[str, Any], header: str | None
) -> None:
    outcome = read_or_error(json.dumps(envelope).encode(), header)
    if isinstance(outcome, SeatsyncError):
        assert outcome.code in ("MALFORMED", "INVALID_ARGUMENT", "UNKNOWN_COMMAND")
    else:
        assert NAMES[type(outcome.command)] == outcome.name == envelope["cmd"]


@pytest.mark.parametrize("depth", [200, 400, 600, 800, 950, 5000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_arguments_nested_beyond_reason_raise_only_protocol_errors(
    depth: int, opening: str, closing: str
) -> None:
    args = f'{{"deep":{opening * depth}0{closing * depth}}}'
    body = f'{{"cmd":"seat.leave","cmd_id":"c","args":{args}}}'.encode()
    outcome = read_or_error(body)
    if isinstance(outcome, SeatsyncError):
        assert outcome.code in ("MALFORMED", "INVALID_ARGUMENT")
    else:
        assert outcome.command == SeatLeave()


@pytest.mark.parametrize("header", ["\udcff", "a\ud83d"])
def test_idempotency_key_that_is_not_utf_8_is_invalid(header: str) -> None:
    """HTTP libraries hand over bytes above 0x7F as lone surrogates, which no store can keep."""
    with pytest.raises(InvalidArgument):
        read(header, cmd="seat.leave")
