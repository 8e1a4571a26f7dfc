from __future__ import annotations

import pytest
from room_samples import (
    ADMIN,
    MEMBER,
    NOW_MS,
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
from room.commands import Command, SeatKick, SeatLock, SeatMute, SeatUnlock
from room.documents import Cooldown
from room.rules import Ended

STAFF = [OWNER, ADMIN, OPERATOR, REVIEWER]


@pytest.mark.parametrize("actor", STAFF, ids=lambda actor: actor.user_id)
def test_kick_ends_the_stay(actor: Actor) -> None:
    change = send(live_room({2: "member", 3: "other"}), SeatKick("member"), actor)
    assert sitting(change.state) == {3: "other"}
    assert change.ended == (Ended("p_member", "member", 2, "kicked"),)
    assert change.state.cooldowns == ()


def test_kick_with_the_right_seat_as_guard_goes_through() -> None:
    assert sitting(send(live_room({2: "member"}), SeatKick("member", 2), ADMIN).state) == {}


@pytest.mark.parametrize("actor", STAFF, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize("command", [SeatKick("member"), SeatKick("member", 2, 60)])
def test_kick_of_somebody_not_seated_changes_nothing(actor: Actor, command: SeatKick) -> None:
    state = live_room({2: "other"}, cooldowns=(Cooldown("other", NOW_MS - 1),))
    change = send(state, command, actor)
    assert change.state == state
    assert change.ended == ()


@pytest.mark.parametrize(
    ("command", "actor", "code"),
    [
        (SeatKick("member", 1), ADMIN, "SEAT_CHANGED"),
        (SeatKick("member", 3), ADMIN, "SEAT_CHANGED"),
        (SeatKick("member", 9), ADMIN, "SEAT_NOT_FOUND"),
        (SeatKick("member", -1), ADMIN, "SEAT_NOT_FOUND"),
        (SeatKick("owner"), ADMIN, "TARGET_OUTRANKS"),
        (SeatKick("admin2"), ADMIN, "TARGET_OUTRANKS"),
        (SeatKick("owner", 9), ADMIN, "TARGET_OUTRANKS"),
        (SeatKick("other"), MEMBER, "FORBIDDEN"),
        (SeatKick("member"), MEMBER, "FORBIDDEN"),
        (SeatKick("member"), SERVICE, "FORBIDDEN"),
    ],
)
def test_kick_is_refused(command: SeatKick, actor: Actor, code: str) -> None:
    state = live_room({0: "owner", 1: "admin2", 2: "member", 3: "other"})
    assert refused(state, command, actor).code == code


@pytest.mark.parametrize("actor", [OPERATOR, REVIEWER])
@pytest.mark.parametrize(("index", "user_id"), [(0, "owner"), (1, "admin")])
def test_staff_kick_whatever_the_rank(actor: Actor, index: int, user_id: str) -> None:
    state = live_room({index: user_id})
    assert sitting(send(state, SeatKick(user_id), actor).state) == {}


def test_admin_may_kick_themselves() -> None:
    assert sitting(send(live_room({1: "admin"}), SeatKick("admin"), ADMIN).state) == {}


def test_cooldown_is_kept_and_old_ones_are_dropped() -> None:
    old = (Cooldown("a", NOW_MS), Cooldown("b", NOW_MS + 1), Cooldown("member", NOW_MS + 9))
    state = live_room({2: "member"}, cooldowns=old)
    after = send(state, SeatKick("member", cooldown_s=60), ADMIN).state
    assert after.cooldowns == (Cooldown("b", NOW_MS + 1), Cooldown("member", NOW_MS + 60_000))


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_lock_keeps_the_occupant(actor: Actor) -> None:
    before = live_room({2: "member"})
    change = send(before, SeatLock(2), actor)
    assert change.state.seats[2].locked
    assert change.state.seats[2].occupant == before.seats[2].occupant
    assert change.ended == ()


def test_lock_with_evict_ends_the_stay() -> None:
    change = send(live_room({2: "member"}), SeatLock(2, evict=True), ADMIN)
    assert sitting(change.state) == {}
    assert change.ended == (Ended("p_member", "member", 2, "kicked"),)


def test_lock_of_all_spares_the_owner_seat() -> None:
    state = send(live_room({0: "owner", 2: "member"}), SeatLock("all"), ADMIN).state
    assert [seat.locked for seat in state.seats] == [False, True, True, True, True]
    assert sitting(state) == {0: "owner", 2: "member"}


def test_lock_of_all_with_evict_takes_off_only_those_below_the_actor() -> None:
    before = live_room({0: "owner", 1: "admin", 2: "admin2", 3: "member"})
    by_admin = send(before, SeatLock("all", evict=True), ADMIN)
    assert sitting(by_admin.state) == {0: "owner", 1: "admin", 2: "admin2"}
    assert by_admin.ended == (Ended("p_member", "member", 3, "kicked"),)
    by_owner = send(before, SeatLock("all", evict=True), OWNER)
    assert sitting(by_owner.state) == {0: "owner"}
    assert [ended.user_id for ended in by_owner.ended] == ["admin", "admin2", "member"]


def test_lock_of_all_with_evict_leaves_the_owner_on_an_ordinary_seat() -> None:
    before = live_room({3: "owner"})
    for actor in (OWNER, ADMIN):
        assert sitting(send(before, SeatLock("all", evict=True), actor).state) == {3: "owner"}


@pytest.mark.parametrize(
    ("command", "actor", "code"),
    [
        (SeatLock(0), OWNER, "SEAT_RESERVED"),
        (SeatLock(0, evict=True), ADMIN, "SEAT_RESERVED"),
        (SeatLock(5), ADMIN, "SEAT_NOT_FOUND"),
        (SeatLock(-1), ADMIN, "SEAT_NOT_FOUND"),
        (SeatUnlock(5), ADMIN, "SEAT_NOT_FOUND"),
        (SeatUnlock(-1), ADMIN, "SEAT_NOT_FOUND"),
        (SeatLock(1, evict=True), ADMIN, "TARGET_OUTRANKS"),
        (SeatLock(3, evict=True), ADMIN, "TARGET_OUTRANKS"),
        (SeatLock(2), MEMBER, "FORBIDDEN"),
        (SeatLock(2), REVIEWER, "FORBIDDEN"),
        (SeatLock(2), OPERATOR, "FORBIDDEN"),
        (SeatUnlock("all"), MEMBER, "FORBIDDEN"),
    ],
)
def test_lock_and_unlock_are_refused(command: Command, actor: Actor, code: str) -> None:
    state = live_room({1: "admin2", 2: "member", 3: "owner"})
    assert refused(state, command, actor).code == code


@pytest.mark.parametrize("role", ["reviewer", "operator"])
def test_platform_role_does_not_help_an_admin_evict_the_owner_by_a_lock(role: str) -> None:
    admin = Actor("admin", roles=(role,))
    error = refused(live_room({3: "owner"}), SeatLock(3, evict=True), admin)
    assert error.code == "TARGET_OUTRANKS"


def test_operators_role_does_not_help_an_admin_mute_the_seat_of_the_owner() -> None:
    """DOMAIN.md 3: seat.mute is for A, O and R, so P weighs nothing here."""
    error = refused(live_room({0: "owner"}), SeatMute(0), Actor("admin", roles=("operator",)))
    assert error.code == "TARGET_OUTRANKS"


@pytest.mark.parametrize("index", [0, 1, "all"])
def test_unlock_of_what_is_open_changes_nothing(index: int | str) -> None:
    state = live_room({1: "member"})
    command = SeatUnlock("all") if isinstance(index, str) else SeatUnlock(index)
    assert send(state, command, ADMIN).state == state


def test_unlock_opens_one_seat_or_all() -> None:
    state = live_room({2: "member"}, locked=(2, 3))
    one = send(state, SeatUnlock(2), ADMIN).state
    assert [seat.locked for seat in one.seats] == [False, False, False, True, False]
    assert sitting(one) == {2: "member"}
    every = send(state, SeatUnlock("all"), OWNER).state
    assert not any(seat.locked for seat in every.seats)


@pytest.mark.parametrize("command", [SeatLock(2), SeatLock(2, evict=True), SeatLock("all")])
def test_lock_of_what_is_locked_changes_nothing(command: SeatLock) -> None:
    state = live_room({0: "owner"}, locked=(1, 2, 3, 4))
    assert send(state, command, ADMIN).state == state


def test_lock_of_the_only_seat_changes_nothing() -> None:
    state = live_room(count=1)
    assert send(state, SeatLock("all", evict=True), OWNER).state == state
