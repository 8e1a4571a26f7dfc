from __future__ import annotations

import pytest
from room_samples import (
    ADMIN,
    MEMBER,
    MEMBER_WHO_OPERATES,
    NOW_MS,
    OPERATOR,
    OWNER,
    REVIEWER,
    SERVICE,
    idle_room,
    live_room,
    refused,
    send,
    sitting,
)

from room.actor import Actor
from room.commands import (
    Command,
    SeatLeave,
    SeatLock,
    SeatMute,
    SeatTake,
    SeatUnlock,
    SessionEnd,
    SessionStart,
)
from room.documents import Cooldown, EndReason, Seat, Session, State
from room.rules import Ended


@pytest.mark.parametrize("actor", [OWNER, OPERATOR, MEMBER_WHO_OPERATES])
def test_owner_and_operator_start_a_session_with_nobody_seated(actor: Actor) -> None:
    change = send(idle_room(), SessionStart(), actor)
    assert change.state.session == Session("s_new1", "voice", NOW_MS, NOW_MS)
    assert change.state.seats == (Seat(),) * 9
    assert change.result == {"session_id": "s_new1"}
    assert change.ended == ()


@pytest.mark.parametrize("actor", [ADMIN, MEMBER, REVIEWER, SERVICE])
def test_nobody_else_starts_a_session(actor: Actor) -> None:
    assert refused(idle_room(), SessionStart(), actor).code == "FORBIDDEN"


@pytest.mark.parametrize(
    ("room_says", "command", "kind", "count", "mode"),
    [
        ({}, SessionStart(), "voice", 9, "free"),
        ({}, SessionStart("video"), "video", 5, "free"),
        ({"kind": "video"}, SessionStart(), "video", 5, "free"),
        ({"kind": "video"}, SessionStart("voice"), "voice", 9, "free"),
        ({"seat_count": 12}, SessionStart("video"), "video", 12, "free"),
        ({"seat_count": 12}, SessionStart(None, 1), "voice", 1, "free"),
        ({"room_seat_mode": "apply"}, SessionStart(), "voice", 9, "apply"),
        (
            {"room_seat_mode": "apply"},
            SessionStart(None, 50, "invite"),
            "voice",
            50,
            "invite",
        ),
        ({"room_seat_mode": "apply"}, SessionStart(None, None, "free"), "voice", 9, "free"),
    ],
)
def test_arguments_override_what_the_room_says(
    room_says: dict[str, object], command: SessionStart, kind: str, count: int, mode: str
) -> None:
    state = send(idle_room(**room_says), command, OWNER).state
    assert state.session is not None
    assert (state.session.kind, len(state.seats), state.seat_mode) == (kind, count, mode)


def test_start_leaves_the_configuration_of_the_room_alone() -> None:
    before = idle_room(kind="video", seat_count=7, room_seat_mode="apply")
    after = send(before, SessionStart("voice", 3, "invite"), OWNER).state
    assert (after.kind, after.seat_count, after.room_seat_mode) == ("video", 7, "apply")
    assert (after.owner_id, after.admins) == (before.owner_id, before.admins)


def test_second_start_is_refused() -> None:
    assert refused(live_room(), SessionStart(), OWNER).code == "SESSION_ALREADY_LIVE"


@pytest.mark.parametrize(
    ("actor", "reason"),
    [
        (OWNER, "session_ended"),
        (Actor("owner", roles=("operator", "reviewer")), "session_ended"),
        (OPERATOR, "moderated"),
        (REVIEWER, "moderated"),
        (MEMBER_WHO_OPERATES, "moderated"),
        (Actor("owner", kind="staff", roles=("operator",)), "moderated"),
    ],
)
def test_end_ends_every_participation_and_clears_the_session(
    actor: Actor, reason: EndReason
) -> None:
    before = live_room(
        {0: "owner", 3: "member"},
        muted_users=("member",),
        cooldowns=(Cooldown("other", NOW_MS + 1),),
        seat_mode="invite",
        room_seat_mode="apply",
    )
    change = send(before, SessionEnd("late"), actor)
    assert change.state == idle_room(seat_mode="apply", room_seat_mode="apply")
    assert change.ended == (
        Ended("p_owner", "owner", 0, reason),
        Ended("p_member", "member", 3, reason),
    )


@pytest.mark.parametrize("actor", [ADMIN, MEMBER, SERVICE])
def test_nobody_else_ends_a_session(actor: Actor) -> None:
    assert refused(live_room(), SessionEnd(), actor).code == "FORBIDDEN"


def test_end_without_a_session_is_refused() -> None:
    assert refused(idle_room(), SessionEnd(), OWNER).code == "SESSION_NOT_LIVE"


def test_next_session_knows_nothing_of_the_last() -> None:
    before = live_room({1: "member"}, locked=(2,), audio_locked=(3,), muted_users=("member",))
    ended = send(before, SessionEnd(), OWNER).state
    again = send(ended, SessionStart(), OWNER).state
    assert sitting(again) == {}
    assert again.seats == (Seat(),) * 9
    assert again.muted_users == ()


def empty_since_ms(state: State) -> int | None:
    assert state.session is not None
    return state.session.empty_since_ms


def test_session_remembers_since_when_nobody_has_been_seated() -> None:
    started = send(idle_room(), SessionStart(), OWNER).state
    assert empty_since_ms(started) == NOW_MS
    one = send(started, SeatTake(1), MEMBER, NOW_MS + 10).state
    assert empty_since_ms(one) is None
    two = send(one, SeatTake(2), ADMIN, NOW_MS + 20).state
    still_one = send(two, SeatLeave(), MEMBER, NOW_MS + 30).state
    assert empty_since_ms(still_one) is None
    nobody = send(still_one, SeatLeave(), ADMIN, NOW_MS + 40).state
    assert empty_since_ms(nobody) == NOW_MS + 40
    locked = send(nobody, SeatLock(2), ADMIN, NOW_MS + 50).state
    assert empty_since_ms(locked) == NOW_MS + 40


@pytest.mark.parametrize("command", [SeatUnlock("all"), SeatLeave(), SeatMute(2)])
def test_command_without_effect_gives_back_the_very_state(command: Command) -> None:
    state = live_room(audio_locked=(2,))
    change = send(state, command, ADMIN, NOW_MS + 1)
    assert change.state is state
    assert change.requests is None
