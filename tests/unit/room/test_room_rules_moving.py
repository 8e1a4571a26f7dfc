from __future__ import annotations

import pytest
from room_samples import (
    ADMIN,
    MEMBER,
    MEMBER_WHO_REVIEWS,
    OPERATOR,
    OTHER,
    OWNER,
    REVIEWER,
    SERVICE,
    live_room,
    refused,
    send,
    sitting,
)

from room.actor import Actor
from room.commands import SeatMove
from room.rules import Ended


def test_move_keeps_the_participation_and_leaves_the_seats_as_they_are() -> None:
    before = live_room({1: "member"}, locked=(1,), audio_locked=(1,), muted_users=("member",))
    change = send(before, SeatMove(3), MEMBER)
    assert change.state.seats[3].occupant == before.seats[1].occupant
    assert [seat.locked for seat in change.state.seats] == [False, True, False, False, False]
    assert [seat.audio_locked for seat in change.state.seats] == [
        s.audio_locked for s in before.seats
    ]
    assert change.state.muted_users == ("member",)
    assert change.result == {"seat_index": 3}
    assert change.ended == ()


def test_move_to_the_own_seat_changes_nothing() -> None:
    state = live_room({1: "member"}, locked=(1,))
    change = send(state, SeatMove(1), MEMBER)
    assert change.state == state
    assert change.result == {"seat_index": 1}


@pytest.mark.parametrize("mode", ["apply", "invite"])
def test_seated_member_moves_in_any_mode(mode: str) -> None:
    state = send(live_room({1: "member"}, seat_mode=mode), SeatMove(2), MEMBER).state
    assert sitting(state) == {2: "member"}


def test_naming_oneself_is_moving_oneself() -> None:
    state = send(live_room({1: "member"}), SeatMove(2, "member"), MEMBER).state
    assert sitting(state) == {2: "member"}


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_owner_and_admins_move_members(actor: Actor) -> None:
    state = send(live_room({1: "member"}), SeatMove(2, "member"), actor).state
    assert sitting(state) == {2: "member"}


@pytest.mark.parametrize(
    ("occupants", "command", "actor", "code"),
    [
        ({}, SeatMove(2), MEMBER, "NOT_ON_SEAT"),
        ({}, SeatMove(2, "member"), ADMIN, "NOT_ON_SEAT"),
        ({1: "member"}, SeatMove(5), MEMBER, "SEAT_NOT_FOUND"),
        ({1: "member"}, SeatMove(-1), MEMBER, "SEAT_NOT_FOUND"),
        ({1: "member"}, SeatMove(0), MEMBER, "SEAT_RESERVED"),
        ({1: "member"}, SeatMove(0, "member"), OWNER, "SEAT_RESERVED"),
        ({1: "admin"}, SeatMove(0), ADMIN, "SEAT_RESERVED"),
        ({1: "member", 2: "other"}, SeatMove(2), MEMBER, "SEAT_OCCUPIED"),
        ({1: "member", 2: "other"}, SeatMove(2, "member"), OWNER, "SEAT_OCCUPIED"),
        ({1: "member"}, SeatMove(4), MEMBER, "SEAT_LOCKED"),
        ({1: "member", 2: "other"}, SeatMove(3, "other"), MEMBER, "FORBIDDEN"),
        ({0: "owner"}, SeatMove(3, "owner"), ADMIN, "TARGET_OUTRANKS"),
        ({1: "admin2"}, SeatMove(3, "admin2"), ADMIN, "TARGET_OUTRANKS"),
        ({1: "member", 2: "other"}, SeatMove(2, policy="swap"), MEMBER, "TARGET_OUTRANKS"),
        ({1: "member", 2: "other"}, SeatMove(2, policy="replace"), MEMBER, "TARGET_OUTRANKS"),
        ({1: "admin", 2: "admin2"}, SeatMove(2, policy="replace"), ADMIN, "TARGET_OUTRANKS"),
        (
            {1: "member", 2: "admin2"},
            SeatMove(2, "member", policy="swap"),
            ADMIN,
            "TARGET_OUTRANKS",
        ),
        ({1: "admin", 0: "owner"}, SeatMove(0, policy="swap"), ADMIN, "SEAT_RESERVED"),
        ({0: "owner", 2: "other"}, SeatMove(2, policy="swap"), OWNER, "SEAT_RESERVED"),
        ({1: "member"}, SeatMove(2, "member"), REVIEWER, "FORBIDDEN"),
        ({1: "member"}, SeatMove(2, "member"), OPERATOR, "FORBIDDEN"),
        ({1: "member"}, SeatMove(2), SERVICE, "FORBIDDEN"),
    ],
)
def test_move_is_refused(
    occupants: dict[int, str], command: SeatMove, actor: Actor, code: str
) -> None:
    assert refused(live_room(occupants, locked=(4,)), command, actor).code == code


def test_swap_exchanges_two_participations() -> None:
    before = live_room({1: "member", 2: "other"})
    change = send(before, SeatMove(2, "member", policy="swap"), ADMIN)
    assert sitting(change.state) == {1: "other", 2: "member"}
    assert change.state.seats[1].occupant == before.seats[2].occupant
    assert change.ended == ()


def test_admin_swaps_with_a_member() -> None:
    state = send(live_room({1: "admin", 2: "other"}), SeatMove(2, policy="swap"), ADMIN).state
    assert sitting(state) == {1: "other", 2: "admin"}


def test_replace_ends_the_stay_of_whoever_sat_there() -> None:
    change = send(
        live_room({1: "member", 2: "other"}), SeatMove(2, "member", policy="replace"), ADMIN
    )
    assert sitting(change.state) == {2: "member"}
    assert change.ended == (Ended("p_other", "other", 2, "replaced"),)


@pytest.mark.parametrize("policy", ["swap", "replace"])
def test_every_policy_moves_to_an_empty_seat(policy: str) -> None:
    command = SeatMove(2, policy="swap" if policy == "swap" else "replace")
    change = send(live_room({1: "member"}), command, MEMBER)
    assert sitting(change.state) == {2: "member"}
    assert change.ended == ()


def test_owner_leaves_the_owner_seat_and_comes_back() -> None:
    away = send(live_room({0: "owner"}), SeatMove(3), OWNER).state
    assert sitting(away) == {3: "owner"}
    assert sitting(send(away, SeatMove(0), OWNER).state) == {0: "owner"}


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_owner_and_admins_enter_locked_seats_and_lead_others_there(actor: Actor) -> None:
    state = live_room({1: "member", 2: actor.user_id}, locked=(3, 4))
    assert sitting(send(state, SeatMove(4), actor).state) == {1: "member", 4: actor.user_id}
    assert sitting(send(state, SeatMove(3, "member"), actor).state)[3] == "member"


@pytest.mark.parametrize("policy", ["swap", "replace"])
@pytest.mark.parametrize("target", ["other", "admin", "owner"])
def test_reviewer_on_a_seat_pushes_nobody_off_theirs(policy: str, target: str) -> None:
    """DOMAIN.md 3 gives R no part in seat.move: as a member they act on nobody but themselves."""
    command = SeatMove(2, policy="swap" if policy == "swap" else "replace")
    state = live_room({1: "moonlighter", 2: target})
    assert refused(state, command, MEMBER_WHO_REVIEWS).code == "TARGET_OUTRANKS"


def test_locked_seat_gains_nobody_through_the_swap_of_a_reviewing_member() -> None:
    state = live_room({1: "moonlighter", 2: "other"}, locked=(1,))
    error = refused(state, SeatMove(2, policy="swap"), MEMBER_WHO_REVIEWS)
    assert error.code == "TARGET_OUTRANKS"


@pytest.mark.parametrize("role", ["reviewer", "operator"])
def test_admin_with_a_platform_role_still_does_not_move_the_owner(role: str) -> None:
    admin = Actor("admin", roles=(role,))
    error = refused(live_room({0: "owner"}), SeatMove(3, "owner"), admin)
    assert error.code == "TARGET_OUTRANKS"


def test_nobody_else_is_touched() -> None:
    before = live_room({0: "owner", 1: "member", 2: "other", 4: "admin"})
    after = send(before, SeatMove(3), OTHER).state
    assert sitting(after) == {0: "owner", 1: "member", 3: "other", 4: "admin"}
