from __future__ import annotations

import msgspec
import pytest
from room_samples import (
    ADMIN,
    MEMBER,
    OPERATOR,
    OTHER,
    OWNER,
    REVIEWER,
    SERVICE,
    live_room,
    refused,
    send,
)

from room.actor import Actor
from room.commands import (
    Command,
    MicSet,
    SeatKick,
    SeatLeave,
    SeatMove,
    SeatMute,
    SeatTake,
    SeatUnmute,
    UserMute,
    UserUnmute,
)
from room.documents import State
from room.rules.mute import MAX_MUTED
from room.views import project

ROOM = live_room({0: "owner", 1: "admin2", 2: "member"})


def shown_muted(state: State, index: int) -> bool:
    muted = project(state, "member").seats[index].muted
    assert isinstance(muted, bool)
    return muted


@pytest.mark.parametrize("actor", [OWNER, ADMIN, REVIEWER])
def test_seat_mute_silences_the_seat_and_no_other_fact(actor: Actor) -> None:
    state = send(ROOM, SeatMute(2), actor).state
    assert [seat.audio_locked for seat in state.seats] == [False, False, True, False, False]
    assert state.seats[2].occupant == ROOM.seats[2].occupant
    assert state.muted_users == ()
    assert send(state, SeatUnmute(2), actor).state == ROOM


def test_empty_seat_can_be_muted_beforehand() -> None:
    state = send(ROOM, SeatMute(3), ADMIN).state
    seat = send(state, SeatTake(3), OTHER).state.seats[3]
    assert seat.audio_locked
    assert seat.occupant is not None


@pytest.mark.parametrize("actor", [OWNER, ADMIN, REVIEWER, OPERATOR])
def test_user_mute_silences_the_person_wherever_they_are(actor: Actor) -> None:
    state = send(ROOM, UserMute("member"), actor).state
    assert state.muted_users == ("member",)
    assert state.seats == ROOM.seats
    assert send(state, UserUnmute("member"), actor).state == ROOM


@pytest.mark.parametrize("user_id", ["owner", "admin2", "member"])
@pytest.mark.parametrize("actor", [OPERATOR, REVIEWER])
def test_staff_mute_whatever_the_rank(actor: Actor, user_id: str) -> None:
    state = send(ROOM, UserMute(user_id), actor).state
    assert state.muted_users == (user_id,)
    assert send(state, UserUnmute(user_id), actor).state == ROOM


def test_mute_follows_the_person_to_every_seat() -> None:
    state = send(ROOM, UserMute("member"), ADMIN).state
    moved = send(state, SeatMove(4), MEMBER).state
    assert shown_muted(moved, 4)
    left = send(moved, SeatLeave(), MEMBER).state
    back = send(left, SeatTake(3), MEMBER).state
    assert shown_muted(back, 3)
    assert not shown_muted(send(left, SeatTake(3), OTHER).state, 3)


def test_mute_outlasts_a_kick() -> None:
    state = send(ROOM, UserMute("member"), ADMIN).state
    assert send(state, SeatKick("member"), ADMIN).state.muted_users == ("member",)


def test_muted_persons_are_listed_once_and_in_order() -> None:
    state = ROOM
    for user_id in ("member", "a", "member", "z", "a"):
        state = send(state, UserMute(user_id), OWNER).state
    assert state.muted_users == ("a", "member", "z")


@pytest.mark.parametrize(
    ("command", "actor", "code"),
    [
        (SeatMute(5), ADMIN, "SEAT_NOT_FOUND"),
        (SeatMute(-1), ADMIN, "SEAT_NOT_FOUND"),
        (SeatUnmute(5), ADMIN, "SEAT_NOT_FOUND"),
        (SeatUnmute(-1), ADMIN, "SEAT_NOT_FOUND"),
        (SeatMute(0), ADMIN, "TARGET_OUTRANKS"),
        (SeatMute(1), ADMIN, "TARGET_OUTRANKS"),
        (SeatMute(2), MEMBER, "FORBIDDEN"),
        (SeatMute(2), OPERATOR, "FORBIDDEN"),
        (SeatUnmute(2), SERVICE, "FORBIDDEN"),
        (UserMute("owner"), ADMIN, "TARGET_OUTRANKS"),
        (UserMute("admin2"), ADMIN, "TARGET_OUTRANKS"),
        (UserUnmute("owner"), ADMIN, "TARGET_OUTRANKS"),
        (UserMute("other"), MEMBER, "FORBIDDEN"),
        (UserUnmute("member"), MEMBER, "FORBIDDEN"),
        (UserMute("member"), SERVICE, "FORBIDDEN"),
        (MicSet(True), OTHER, "NOT_ON_SEAT"),
        (MicSet(False), OTHER, "NOT_ON_SEAT"),
        (MicSet(True), ADMIN, "NOT_ON_SEAT"),
        (MicSet(True), SERVICE, "FORBIDDEN"),
        (MicSet(True), OPERATOR, "FORBIDDEN"),
    ],
)
def test_mute_and_mic_are_refused(command: Command, actor: Actor, code: str) -> None:
    assert refused(ROOM, command, actor).code == code


def test_reviewer_mutes_the_seat_of_the_owner() -> None:
    assert send(ROOM, SeatMute(0), REVIEWER).state.seats[0].audio_locked


def test_mic_is_the_own_wish_of_the_occupant() -> None:
    on = send(ROOM, MicSet(True), MEMBER).state
    occupant = on.seats[2].occupant
    assert occupant is not None
    assert occupant.mic_on
    assert send(on, MicSet(False), MEMBER).state == ROOM


@pytest.mark.parametrize("mute", [SeatMute(2), UserMute("member")])
def test_muted_person_may_switch_off_but_not_on(mute: Command) -> None:
    on = send(ROOM, MicSet(True), MEMBER).state
    muted = send(on, mute, ADMIN).state
    assert refused(muted, MicSet(True), MEMBER).code == "MUTED_BY_ADMIN"
    off = send(muted, MicSet(False), MEMBER).state
    assert refused(off, MicSet(True), MEMBER).code == "MUTED_BY_ADMIN"


@pytest.mark.parametrize(
    ("mute", "unmute"),
    [
        (SeatMute(2), SeatUnmute(2)),
        (UserMute("member"), UserUnmute("member")),
    ],
)
def test_mutes_leave_the_own_wish_as_it_was(mute: Command, unmute: Command) -> None:
    on = send(ROOM, MicSet(True), MEMBER).state
    assert send(send(on, mute, ADMIN).state, unmute, ADMIN).state == on


@pytest.mark.parametrize(
    "command",
    [SeatUnmute(2), UserUnmute("member"), UserUnmute("nobody")],
)
def test_unmute_of_what_is_not_muted_changes_nothing(command: Command) -> None:
    assert send(ROOM, command, ADMIN).state == ROOM


def test_repeated_mutes_and_wishes_change_nothing() -> None:
    for command, actor in (
        (SeatMute(3), ADMIN),
        (UserMute("other"), ADMIN),
        (MicSet(True), MEMBER),
    ):
        once = send(ROOM, command, actor).state
        assert once != ROOM
        assert send(once, command, actor).state == once


def test_a_session_holds_a_bounded_number_of_muted_persons() -> None:
    full = msgspec.structs.replace(ROOM, muted_users=tuple(f"u{n:04}" for n in range(MAX_MUTED)))
    assert refused(full, UserMute("one-more"), OWNER).code == "TOO_LARGE"
    assert send(full, UserMute("u0000"), OWNER).state == full
