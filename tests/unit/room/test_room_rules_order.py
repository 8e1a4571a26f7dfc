"""PROTOCOL.md 5: where several checks would refuse, the first in the order gives its code.

The order: ban, permission, session, actor seated, seat exists, reserved, occupied, locked, mode.
"""

from __future__ import annotations

import msgspec
import pytest
from room_samples import (
    ADMIN,
    EVERYBODY,
    MEMBER,
    NOW_MS,
    OPERATOR,
    OTHER,
    OWNER,
    SERVICE,
    idle_room,
    live_room,
    refused,
    send,
)

from room.actor import SYSTEM, Actor
from room.commands import (
    COMMANDS,
    Command,
    InviteAccept,
    InviteCancel,
    InviteReject,
    InviteSend,
    MicSet,
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
)
from room.documents import Ban, Cooldown, State
from room.errors import Refused
from room.policy import POLICY, allowed_commands

BANNED = (Cooldown("member", NOW_MS + 1000),)
FULL = {0: "owner", 1: "a", 2: "b"}


@pytest.mark.parametrize(
    ("state", "command", "actor", "code"),
    [
        # ban before session, seated, exists, reserved, occupied, locked, mode
        (idle_room(cooldowns=BANNED), SeatTake(1), MEMBER, "USER_BANNED"),
        (live_room({1: "member"}, cooldowns=BANNED), SeatTake(1), MEMBER, "USER_BANNED"),
        (live_room(cooldowns=BANNED), SeatTake(99), MEMBER, "USER_BANNED"),
        (live_room(cooldowns=BANNED), SeatTake(0), MEMBER, "USER_BANNED"),
        (live_room({2: "b"}, cooldowns=BANNED), SeatTake(2), MEMBER, "USER_BANNED"),
        (live_room(locked=(2,), cooldowns=BANNED), SeatTake(2), MEMBER, "USER_BANNED"),
        (live_room(cooldowns=BANNED, seat_mode="apply"), SeatTake(2), MEMBER, "USER_BANNED"),
        (live_room(cooldowns=BANNED), RequestApply(99), MEMBER, "USER_BANNED"),
        (live_room({1: "member"}, cooldowns=BANNED), RequestApply(), MEMBER, "USER_BANNED"),
        # permission before session
        (idle_room(), SeatTake(1), SERVICE, "FORBIDDEN"),
        (idle_room(), SessionEnd(), MEMBER, "FORBIDDEN"),
        (idle_room(), SeatKick("owner", 99), MEMBER, "FORBIDDEN"),
        (live_room(), SessionStart(), ADMIN, "FORBIDDEN"),
        # session before seated and exists
        (idle_room(), SeatTake(99), MEMBER, "SESSION_NOT_LIVE"),
        (idle_room(seat_mode="apply"), SeatTake(0), MEMBER, "SESSION_NOT_LIVE"),
        (idle_room(), SeatMove(99), MEMBER, "SESSION_NOT_LIVE"),
        (idle_room(), MicSet(True), MEMBER, "SESSION_NOT_LIVE"),
        (idle_room(), SeatLock(0), OWNER, "SESSION_NOT_LIVE"),
        (idle_room(), SeatKick("owner"), ADMIN, "SESSION_NOT_LIVE"),
        # actor seated before exists, reserved, occupied, locked, mode
        (live_room({1: "member"}), SeatTake(99), MEMBER, "ALREADY_ON_SEAT"),
        (live_room({1: "member"}), SeatTake(0), MEMBER, "ALREADY_ON_SEAT"),
        (live_room({1: "member"}), SeatTake(1), MEMBER, "ALREADY_ON_SEAT"),
        (live_room({1: "member"}, locked=(2,)), SeatTake(2), MEMBER, "ALREADY_ON_SEAT"),
        (live_room({1: "member"}, seat_mode="apply"), SeatTake(2), MEMBER, "ALREADY_ON_SEAT"),
        (live_room({1: "member"}, count=2), SeatTake(-1), MEMBER, "ALREADY_ON_SEAT"),
        (live_room(), SeatMove(99), MEMBER, "NOT_ON_SEAT"),
        (live_room(), SeatMove(0), MEMBER, "NOT_ON_SEAT"),
        (live_room({2: "b"}), SeatMove(2), MEMBER, "NOT_ON_SEAT"),
        (live_room(locked=(2,)), SeatMove(2), MEMBER, "NOT_ON_SEAT"),
        (live_room({2: "b"}), SeatMove(2, policy="replace"), MEMBER, "NOT_ON_SEAT"),
        (live_room({1: "member"}), RequestApply(99), MEMBER, "ALREADY_ON_SEAT"),
        (live_room({1: "other"}), InviteSend("other", 99), ADMIN, "ALREADY_ON_SEAT"),
        # seat exists before mode
        (live_room(), RequestApply(99), MEMBER, "SEAT_NOT_FOUND"),
        (live_room(seat_mode="apply"), SeatTake(99), MEMBER, "SEAT_NOT_FOUND"),
        (live_room(FULL, count=3, seat_mode="apply"), SeatTake(-1), MEMBER, "NO_FREE_SEAT"),
        # reserved before occupied, locked, mode
        (live_room({0: "owner"}), SeatTake(0), MEMBER, "SEAT_RESERVED"),
        (live_room({0: "owner"}, seat_mode="apply"), SeatTake(0), MEMBER, "SEAT_RESERVED"),
        (live_room({0: "owner", 1: "member"}), SeatMove(0), MEMBER, "SEAT_RESERVED"),
        (live_room(locked=(0,)), SeatTake(0), MEMBER, "SEAT_RESERVED"),
        (live_room(), RequestApply(0), MEMBER, "SEAT_RESERVED"),
        # occupied before locked and mode
        (live_room({2: "b"}, locked=(2,)), SeatTake(2), MEMBER, "SEAT_OCCUPIED"),
        (live_room({2: "b"}, seat_mode="invite"), SeatTake(2), MEMBER, "SEAT_OCCUPIED"),
        (live_room({1: "member", 2: "b"}, locked=(2,)), SeatMove(2), MEMBER, "SEAT_OCCUPIED"),
        # locked before mode
        (live_room(locked=(2,), seat_mode="apply"), SeatTake(2), MEMBER, "SEAT_LOCKED"),
        (live_room(locked=(2,), seat_mode="invite"), SeatTake(2), MEMBER, "SEAT_LOCKED"),
    ],
)
def test_first_check_that_fails_gives_the_code(
    state: State, command: Command, actor: Actor, code: str
) -> None:
    assert refused(state, command, actor).code == code


ONE_OF_EACH: tuple[Command, ...] = (
    SessionStart(),
    SessionEnd(),
    SeatTake(1),
    SeatLeave(),
    SeatMove(1),
    SeatKick("other"),
    SeatLock(1),
    SeatUnlock(1),
    SeatMute(1),
    SeatUnmute(1),
    UserMute("other"),
    UserUnmute("other"),
    MicSet(True),
    SeatModeSet("apply"),
    SeatCountSet(3),
    RequestApply(),
    RequestCancel("r"),
    RequestAccept("r"),
    RequestReject("r"),
    InviteSend("other"),
    InviteCancel("r"),
    InviteAccept("r"),
    InviteReject("r"),
    RoleGrant("other", "admin"),
    RoleRevoke("other", "admin"),
    UserBan("other"),
    UserUnban("other"),
    SystemReap("p", "lease_expired"),
    SystemLink("p", "lost"),
    SystemExpire(),
)
WITHOUT_SESSION = (
    SessionStart,
    RoleGrant,
    RoleRevoke,
    UserBan,
    UserUnban,
    SystemReap,
    SystemLink,
    SystemExpire,
)
NAMES = {kind: name for name, kind in COMMANDS.items()}


def test_one_of_each_command_is_tried() -> None:
    assert {type(command) for command in ONE_OF_EACH} == set(COMMANDS.values())


@pytest.mark.parametrize("actor", EVERYBODY, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize("command", ONE_OF_EACH, ids=lambda command: type(command).__name__)
def test_command_outside_the_callers_row_is_forbidden(command: Command, actor: Actor) -> None:
    state = live_room({3: "other"})
    name = NAMES[type(command)]
    if name in allowed_commands(state, actor):
        return
    if "seated" in POLICY[name] and actor.kind == "member":
        return
    assert refused(state, command, actor).code == "FORBIDDEN"


@pytest.mark.parametrize("actor", EVERYBODY, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize("command", ONE_OF_EACH, ids=lambda command: type(command).__name__)
def test_command_that_is_about_a_session_needs_one(command: Command, actor: Actor) -> None:
    code = code_of(idle_room(), command, actor)
    if isinstance(command, WITHOUT_SESSION):
        assert code in (None, "FORBIDDEN")
    else:
        assert code in ("SESSION_NOT_LIVE", "FORBIDDEN")


@pytest.mark.parametrize("command", ONE_OF_EACH, ids=lambda command: type(command).__name__)
def test_ban_refuses_every_command_before_anything_else(command: Command) -> None:
    for until_ms in (None, NOW_MS + 1):
        for user_id in ("member", "admin", "owner"):
            state = idle_room(bans=(Ban(user_id, until_ms),))
            error = refused(state, command, Actor(user_id))
            assert error.code == "USER_BANNED"
            assert error.retry_after_ms == (None if until_ms is None else 1)


@pytest.mark.parametrize("command", ONE_OF_EACH, ids=lambda command: type(command).__name__)
def test_ban_of_another_or_run_out_or_of_no_person_refuses_nothing(command: Command) -> None:
    state = live_room({3: "other"})
    for ban, actor in (
        (Ban("nobody"), MEMBER),
        (Ban("member", NOW_MS), MEMBER),
        (Ban("operator"), OPERATOR),
        (Ban("service"), SERVICE),
        (Ban(SYSTEM.user_id), SYSTEM),
    ):
        banned = msgspec.structs.replace(state, bans=(ban,))
        assert code_of(banned, command, actor) == code_of(state, command, actor)


def code_of(state: State, command: Command, actor: Actor) -> str | None:
    try:
        send(state, command, actor)
    except Refused as refusal:
        return refusal.code
    return None


def test_cooldown_of_another_or_run_out_bans_nobody() -> None:
    others = live_room(cooldowns=BANNED)
    assert refused(others, SeatTake(99), OTHER).code == "SEAT_NOT_FOUND"
    over = live_room(cooldowns=(Cooldown("member", NOW_MS),))
    assert refused(over, SeatTake(99), MEMBER).code == "SEAT_NOT_FOUND"
