from __future__ import annotations

import pytest
from room_samples import (
    ADMIN,
    MEMBER,
    NOW_MS,
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
from room.commands import SeatKick, SeatLeave, SeatTake
from room.documents import Cooldown, Participation, Person
from room.rules import Ended


def test_take_seats_the_actor_as_the_token_describes_them() -> None:
    actor = Actor("u1", nickname="Nick", avatar="face/1")
    change = send(live_room(), SeatTake(3), actor)
    assert change.state.seats[3].occupant == Participation(
        "p_new1", Person("u1", "Nick", "face/1"), NOW_MS, mic_on=False, link="ok"
    )
    assert change.result == {
        "seat_index": 3,
        "participation_id": "p_new1",
        "media_mode": "rtc",
    }
    assert change.ended == ()


def test_seat_shows_the_id_of_somebody_without_a_nickname() -> None:
    occupant = send(live_room(), SeatTake(1), Actor("u1")).state.seats[1].occupant
    assert occupant is not None
    assert occupant.person.nickname == "u1"


def test_take_keeps_lock_and_mute_of_the_seat() -> None:
    seat = send(live_room(locked=(2,), audio_locked=(2,)), SeatTake(2), ADMIN).state.seats[2]
    assert (seat.locked, seat.audio_locked) == (True, True)


@pytest.mark.parametrize(
    ("actor", "seats", "locked", "index"),
    [
        (MEMBER, {}, (), 1),
        (OWNER, {}, (), 0),
        (OWNER, {0: "owner2"}, (), 1),
        (ADMIN, {}, (), 1),
        (MEMBER, {1: "other"}, (2,), 3),
        (ADMIN, {1: "other"}, (2,), 3),
        (OWNER, {}, (0,), 1),
    ],
)
def test_any_seat_is_the_first_free_open_and_unreserved(
    actor: Actor, seats: dict[int, str], locked: tuple[int, ...], index: int
) -> None:
    change = send(live_room(seats, locked=locked), SeatTake(-1), actor)
    assert change.result["seat_index"] == index
    assert sitting(change.state)[index] == actor.user_id


@pytest.mark.parametrize("mode", ["free", "apply", "invite"])
def test_no_free_seat_where_every_open_seat_is_taken(mode: str) -> None:
    state = live_room({1: "a", 2: "b"}, count=4, locked=(3,), seat_mode=mode)
    assert refused(state, SeatTake(-1), MEMBER).code == "NO_FREE_SEAT"


def test_room_of_the_owner_seat_alone_has_no_seat_for_others() -> None:
    assert refused(live_room(count=1), SeatTake(-1), MEMBER).code == "NO_FREE_SEAT"
    assert sitting(send(live_room(count=1), SeatTake(-1), OWNER).state) == {0: "owner"}


@pytest.mark.parametrize(
    ("mode", "code"), [("apply", "APPROVAL_REQUIRED"), ("invite", "INVITE_REQUIRED")]
)
@pytest.mark.parametrize("index", [1, -1])
def test_member_needs_leave_where_seats_are_given(mode: str, code: str, index: int) -> None:
    assert refused(live_room(seat_mode=mode), SeatTake(index), MEMBER).code == code


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
@pytest.mark.parametrize("mode", ["apply", "invite"])
def test_owner_and_admins_sit_down_in_any_mode(actor: Actor, mode: str) -> None:
    assert sitting(send(live_room(seat_mode=mode), SeatTake(2), actor).state) == {2: actor.user_id}


@pytest.mark.parametrize("index", [5, 50, 2**63, 2**80])
def test_seat_outside_the_room_is_not_found(index: int) -> None:
    assert refused(live_room(count=5), SeatTake(index), MEMBER).code == "SEAT_NOT_FOUND"


@pytest.mark.parametrize("actor", [ADMIN, MEMBER])
def test_owner_seat_is_reserved(actor: Actor) -> None:
    assert refused(live_room(), SeatTake(0), actor).code == "SEAT_RESERVED"


@pytest.mark.parametrize("actor", [OWNER, ADMIN, MEMBER])
def test_taken_seat_is_occupied_for_everybody(actor: Actor) -> None:
    assert refused(live_room({2: "other"}), SeatTake(2), actor).code == "SEAT_OCCUPIED"


def test_locked_seat_is_closed_to_members_and_open_to_owner_and_admins() -> None:
    state = live_room(locked=(2,))
    assert refused(state, SeatTake(2), MEMBER).code == "SEAT_LOCKED"
    assert sitting(send(state, SeatTake(2), ADMIN).state) == {2: "admin"}
    assert sitting(send(state, SeatTake(2), OWNER).state) == {2: "owner"}


@pytest.mark.parametrize("index", [1, 2, -1])
def test_nobody_holds_two_seats(index: int) -> None:
    assert refused(live_room({1: "member"}), SeatTake(index), MEMBER).code == "ALREADY_ON_SEAT"


@pytest.mark.parametrize("actor", [SERVICE, OPERATOR, REVIEWER])
def test_only_people_hold_seats(actor: Actor) -> None:
    assert refused(live_room(), SeatTake(1), actor).code == "FORBIDDEN"


def test_service_account_with_the_id_of_the_owner_takes_no_seat() -> None:
    assert refused(live_room(), SeatTake(0), Actor("owner", kind="service")).code == "FORBIDDEN"


def test_leave_ends_the_stay_and_frees_the_seat() -> None:
    change = send(live_room({2: "member"}, locked=(2,), audio_locked=(2,)), SeatLeave(), MEMBER)
    assert sitting(change.state) == {}
    assert (change.state.seats[2].locked, change.state.seats[2].audio_locked) == (True, True)
    assert change.result == {"media_mode": "cdn"}
    assert change.ended == (Ended("p_member", "member", 2, "left"),)


def test_leave_of_somebody_not_seated_changes_nothing() -> None:
    state = live_room({2: "other"})
    change = send(state, SeatLeave(), MEMBER)
    assert change.state == state
    assert change.result == {"media_mode": "cdn"}
    assert change.ended == ()


def test_coming_back_is_a_new_participation() -> None:
    left = send(live_room({2: "member"}), SeatLeave(), MEMBER).state
    occupant = send(left, SeatTake(2), MEMBER).state.seats[2].occupant
    assert occupant is not None
    assert occupant.participation_id == "p_new1"


def test_cooldown_keeps_the_kicked_out_until_its_last_millisecond() -> None:
    state = send(live_room({2: "member"}), SeatKick("member", cooldown_s=30), ADMIN).state
    error = refused(state, SeatTake(2), MEMBER, NOW_MS + 29_999)
    assert error.code == "USER_BANNED"
    assert error.retry_after_ms == 1
    assert sitting(send(state, SeatTake(2), MEMBER, NOW_MS + 30_000).state) == {2: "member"}
    assert sitting(send(state, SeatTake(2), OTHER).state) == {2: "other"}


def test_cooldown_refuses_no_command_but_take() -> None:
    state = live_room(cooldowns=(Cooldown("member", NOW_MS + 1),))
    assert send(state, SeatLeave(), MEMBER).state == state
