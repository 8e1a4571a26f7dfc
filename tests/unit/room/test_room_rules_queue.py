"""What becomes of requests through commands that are not about them."""

from __future__ import annotations

import pytest
from room_samples import (
    ADMIN,
    MEMBER,
    NOW_MS,
    OTHER,
    OWNER,
    SYSTEM,
    idle_room,
    live_room,
    outcomes,
    queue,
    refused,
    send,
    waiting,
)

from room.actor import Actor
from room.commands import (
    Command,
    InviteAccept,
    RequestAccept,
    RequestApply,
    RequestCancel,
    SeatKick,
    SeatLock,
    SeatModeSet,
    SeatMute,
    SeatTake,
    SessionEnd,
    SystemExpire,
    UserBan,
)
from room.documents import EndedRequest, Requests, SeatRequest

MINE = (waiting("apply", "member"), waiting("invite", "member"))
THEIRS = (waiting("apply", "other"), waiting("invite", "other"))


@pytest.mark.parametrize(
    ("command", "actor", "expected"),
    [
        (SeatTake(1), MEMBER, {"r_apply_member": "failed", "r_invite_member": "failed"}),
        (
            RequestAccept("r_apply_member"),
            ADMIN,
            {"r_apply_member": "accepted", "r_invite_member": "failed"},
        ),
        (
            InviteAccept("r_invite_member"),
            MEMBER,
            {"r_apply_member": "failed", "r_invite_member": "accepted"},
        ),
        (UserBan("member"), ADMIN, {"r_apply_member": "failed", "r_invite_member": "failed"}),
    ],
)
def test_who_is_seated_or_banned_loses_their_other_requests(
    command: Command, actor: Actor, expected: dict[str, str]
) -> None:
    change = send(live_room(), command, actor, requests=queue(*MINE, *THEIRS))
    assert outcomes(change) == expected
    assert change.requests is not None
    assert change.requests.items == THEIRS


def test_ban_ends_requests_whoever_sits_meanwhile() -> None:
    state = live_room({3: "somebody"})
    change = send(state, UserBan("member"), ADMIN, requests=queue(*MINE, *THEIRS))
    assert outcomes(change) == {"r_apply_member": "failed", "r_invite_member": "failed"}


def test_end_of_the_session_ends_every_request() -> None:
    change = send(live_room(), SessionEnd(), OWNER, requests=queue(*MINE, *THEIRS))
    assert change.requests is not None
    assert change.requests.items == ()
    assert set(outcomes(change).values()) == {"failed"}
    assert len(outcomes(change)) == 4


@pytest.mark.parametrize(
    "command",
    [SeatKick("member"), SeatLock("all"), SeatMute(1), SeatModeSet("invite"), SeatTake(2)],
    ids=lambda command: type(command).__name__,
)
def test_requests_of_others_stay_through_everything_else(command: Command) -> None:
    assert send(live_room(), command, ADMIN, requests=queue(*MINE, *THEIRS)).requests is None


def test_kick_does_not_touch_the_requests_of_the_kicked() -> None:
    assert send(live_room(), SeatKick("member"), ADMIN, requests=queue(*MINE)).requests is None


OLD = waiting("apply", "old", expires_at_ms=NOW_MS)


@pytest.mark.parametrize("command", [SeatTake(1), SeatLock(2)])
def test_request_that_ran_out_wakes_nobody_until_requests_change(command: Command) -> None:
    assert send(live_room(), command, ADMIN, requests=queue(OLD)).requests is None


def test_request_that_ran_out_ends_with_the_next_change_of_requests() -> None:
    requests = queue(OLD, *MINE)
    change = send(live_room(), RequestCancel("r_apply_member"), MEMBER, requests=requests)
    assert outcomes(change) == {"r_apply_old": "expired", "r_apply_member": "cancelled"}


@pytest.mark.parametrize(
    ("command", "actor"),
    [(SeatTake(1), Actor("old")), (SessionEnd(), OWNER), (UserBan("old"), OWNER)],
)
def test_request_that_ran_out_ends_expired_where_it_would_fail(
    command: Command, actor: Actor
) -> None:
    change = send(live_room(), command, actor, requests=queue(OLD))
    assert change.requests == Requests((), (EndedRequest(OLD, "expired", NOW_MS),))


def test_expire_ends_what_ran_out_and_only_that() -> None:
    later = waiting("apply", "later", expires_at_ms=NOW_MS + 1)
    state = live_room({1: "somebody"})
    change = send(state, SystemExpire(), SYSTEM, requests=queue(OLD, later))
    assert change.requests == Requests((later,), (EndedRequest(OLD, "expired", NOW_MS),))
    assert change.state is state
    assert send(state, SystemExpire(), SYSTEM, requests=queue(later)).requests is None


def ended_at(name: str, at_ms: int) -> EndedRequest:
    return EndedRequest(waiting("apply", name), "rejected", at_ms)


def test_what_ended_is_forgotten_after_ten_minutes_with_the_next_change() -> None:
    gone = ended_at("gone", NOW_MS - 600_000)
    kept = ended_at("kept", NOW_MS - 599_999)
    held = Requests(MINE, (gone, kept))
    assert send(live_room(), SeatLock(1), ADMIN, requests=held).requests is None
    assert send(live_room({1: "a"}), SystemExpire(), SYSTEM, requests=held).requests is None
    change = send(live_room(), RequestCancel("r_apply_member"), MEMBER, requests=held)
    assert outcomes(change) == {"r_apply_kept": "rejected", "r_apply_member": "cancelled"}


def test_two_hundred_that_ended_are_kept_the_newest_last() -> None:
    held = Requests(MINE, tuple(ended_at(f"u{n}", NOW_MS - 1) for n in range(200)))
    change = send(live_room(), RequestCancel("r_apply_member"), MEMBER, requests=held)
    names = list(outcomes(change))
    assert (len(names), names[0], names[-1]) == (200, "r_apply_u1", "r_apply_member")


def test_every_one_of_a_full_queue_is_kept_when_the_session_ends() -> None:
    full: tuple[SeatRequest, ...] = (
        *(waiting("apply", f"u{n}") for n in range(100)),
        *(waiting("invite", f"u{n}") for n in range(100)),
    )
    assert len(outcomes(send(live_room(), SessionEnd(), OWNER, requests=queue(*full)))) == 200


def test_requests_of_one_who_cannot_be_seated_leave_the_queue_to_others() -> None:
    state = live_room(seat_mode="apply")
    first = send(state, RequestApply(), OTHER, requests=queue(*MINE))
    assert first.requests is not None
    seated = send(state, RequestAccept("r_apply_member"), ADMIN, requests=first.requests)
    assert seated.requests is not None
    assert [item.person.user_id for item in seated.requests.items] == ["other"]


def test_request_is_not_found_after_the_session_in_which_it_was_made() -> None:
    ended = send(live_room(), SessionEnd(), OWNER, requests=queue(*MINE)).requests
    assert ended is not None
    state = live_room()
    error = refused(state, RequestAccept("r_apply_member"), ADMIN, requests=ended)
    assert error.code == "REQUEST_NOT_FOUND"
    idle = refused(idle_room(), RequestAccept("r_apply_member"), ADMIN, requests=ended)
    assert idle.code == "SESSION_NOT_LIVE"
