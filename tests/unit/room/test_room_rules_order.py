"""PROTOCOL.md 5: where several checks would refuse, the first in the order gives its code.

The order: ban, permission, session, actor seated, seat exists, reserved, occupied, locked, mode.
"""

from __future__ import annotations

import pytest
from room_samples import (
    ADMIN,
    EVERYBODY,
    MEMBER,
    NOW_MS,
    OTHER,
    OWNER,
    SERVICE,
    idle_room,
    live_room,
    refused,
)

from room.actor import Actor
from room.commands import (
    COMMANDS,
    Command,
    MicSet,
    SeatKick,
    SeatLeave,
    SeatLock,
    SeatMove,
    SeatMute,
    SeatTake,
    SeatUnlock,
    SeatUnmute,
    SessionEnd,
    SessionStart,
    UserMute,
    UserUnmute,
)
from room.documents import Cooldown, State
from room.errors import Refused
from room.policy import allowed_commands
from room.rules import Context, reduce

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
        # seat exists before mode
        (live_room(seat_mode="apply"), SeatTake(99), MEMBER, "SEAT_NOT_FOUND"),
        (live_room(FULL, count=3, seat_mode="apply"), SeatTake(-1), MEMBER, "NO_FREE_SEAT"),
        # reserved before occupied, locked, mode
        (live_room({0: "owner"}), SeatTake(0), MEMBER, "SEAT_RESERVED"),
        (live_room({0: "owner"}, seat_mode="apply"), SeatTake(0), MEMBER, "SEAT_RESERVED"),
        (live_room({0: "owner", 1: "member"}), SeatMove(0), MEMBER, "SEAT_RESERVED"),
        (live_room(locked=(0,)), SeatTake(0), MEMBER, "SEAT_RESERVED"),
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
    if name in ("seat.leave", "seat.move", "mic.set") and actor.kind == "member":
        return
    assert refused(state, command, actor).code == "FORBIDDEN"


@pytest.mark.parametrize("command", ONE_OF_EACH, ids=lambda command: type(command).__name__)
def test_without_a_session_nothing_but_a_start_goes_through(command: Command) -> None:
    state = idle_room()
    context = Context(OWNER, NOW_MS, lambda: "id")
    if isinstance(command, SessionStart):
        assert reduce(state, command, context).state.session is not None
        return
    with pytest.raises(Refused) as caught:
        reduce(state, command, context)
    assert caught.value.code == "SESSION_NOT_LIVE"


def test_cooldown_of_another_or_run_out_bans_nobody() -> None:
    others = live_room(cooldowns=BANNED)
    assert refused(others, SeatTake(99), OTHER).code == "SEAT_NOT_FOUND"
    over = live_room(cooldowns=(Cooldown("member", NOW_MS),))
    assert refused(over, SeatTake(99), MEMBER).code == "SEAT_NOT_FOUND"
