from __future__ import annotations

import pytest
from room_samples import (
    ADMIN,
    MEMBER,
    OPERATOR,
    OWNER,
    REVIEWER,
    SERVICE,
    live_room,
    refused,
    send,
    sitting,
)

from room.actor import Actor
from room.commands import Command, SeatCountSet, SeatModeSet, SessionEnd
from room.documents import Seat, SeatMode
from room.rules import Ended


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
@pytest.mark.parametrize("mode", ["apply", "invite"])
def test_mode_is_set_for_the_session_alone(actor: Actor, mode: SeatMode) -> None:
    after = send(live_room({1: "member"}), SeatModeSet(mode), actor).state
    assert (after.seat_mode, after.room_seat_mode) == (mode, "free")
    assert sitting(after) == {1: "member"}
    assert send(after, SessionEnd(), OWNER).state.seat_mode == "free"


def test_mode_in_force_set_again_changes_nothing() -> None:
    state = live_room(seat_mode="apply")
    assert send(state, SeatModeSet("apply"), ADMIN).state is state


@pytest.mark.parametrize("actor", [OWNER, OPERATOR])
def test_seats_are_added_at_the_end_and_stand_open(actor: Actor) -> None:
    before = live_room({2: "member"}, count=3, locked=(1,), seat_count=9)
    change = send(before, SeatCountSet(5), actor)
    assert change.state.seats == (*before.seats, Seat(), Seat())
    assert change.state.seat_count == 9
    assert change.ended == ()


@pytest.mark.parametrize("evict", [False, True])
def test_empty_seats_go_from_the_end_locked_or_not(evict: bool) -> None:
    before = live_room({0: "owner", 1: "member"}, locked=(3,))
    change = send(before, SeatCountSet(2, evict), OWNER)
    assert change.state.seats == before.seats[:2]
    assert change.ended == ()


def test_seat_with_an_occupant_goes_only_with_evict() -> None:
    before = live_room({0: "owner", 1: "a", 3: "b", 4: "c"})
    assert refused(before, SeatCountSet(4), OWNER).code == "SEAT_OCCUPIED"
    change = send(before, SeatCountSet(3, evict=True), OWNER)
    assert sitting(change.state) == {0: "owner", 1: "a"}
    assert change.ended == (
        Ended("p_b", "b", 3, "seat_removed"),
        Ended("p_c", "c", 4, "seat_removed"),
    )


def test_owner_seat_is_the_last_to_stay() -> None:
    change = send(live_room({0: "owner", 1: "a"}), SeatCountSet(1, evict=True), OPERATOR)
    assert sitting(change.state) == {0: "owner"}


@pytest.mark.parametrize("evict", [False, True])
def test_count_in_force_set_again_changes_nothing(evict: bool) -> None:
    state = live_room({4: "member"})
    assert send(state, SeatCountSet(5, evict), OWNER).state is state


@pytest.mark.parametrize(
    ("command", "actor"),
    [
        (SeatModeSet("apply"), MEMBER),
        (SeatModeSet("apply"), OPERATOR),
        (SeatModeSet("apply"), SERVICE),
        (SeatCountSet(9), ADMIN),
        (SeatCountSet(9), MEMBER),
        (SeatCountSet(9), REVIEWER),
    ],
)
def test_nobody_else_shapes_the_room(command: Command, actor: Actor) -> None:
    assert refused(live_room(), command, actor).code == "FORBIDDEN"
