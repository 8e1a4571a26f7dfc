"""Applications for a seat, from the first one to the last answer."""

from __future__ import annotations

import pytest
from room_samples import (
    ADMIN,
    MEMBER,
    MEMBER_WHO_OPERATES,
    NOW_MS,
    OPERATOR,
    OTHER,
    OWNER,
    REVIEWER,
    SERVICE,
    live_room,
    outcomes,
    queue,
    refused,
    send,
    sitting,
    waiting,
)

from room.actor import Actor
from room.commands import (
    Command,
    RequestAccept,
    RequestApply,
    RequestCancel,
    RequestReject,
)
from room.documents import (
    Ban,
    Cooldown,
    EndedRequest,
    Outcome,
    Participation,
    Person,
    Requests,
    SeatRequest,
    State,
)

APPLIED = queue(waiting("apply", "member"))
ACCEPT = RequestAccept("r_apply_member")
CANCEL = RequestCancel("r_apply_member")
REJECT = RequestReject("r_apply_member")


def by_application(occupants: dict[int, str] | None = None, **fields: object) -> State:
    return live_room(occupants, **{"seat_mode": "apply", **fields})


@pytest.mark.parametrize(
    ("named", "kept"), [(None, None), (-1, None), (3, 3)], ids=["absent", "any", "named"]
)
def test_application_waits_for_a_minute(named: int | None, kept: int | None) -> None:
    actor = Actor("member", nickname="Nick", avatar="face/1")
    change = send(by_application(), RequestApply(named), actor)
    assert change.requests == queue(
        SeatRequest(
            request_id="r_new1",
            kind="apply",
            person=Person("member", "Nick", "face/1"),
            by="member",
            created_at_ms=NOW_MS,
            expires_at_ms=NOW_MS + 60_000,
            seat_index=kept,
        )
    )
    assert change.result == {
        "request_id": "r_new1",
        "kind": "apply",
        "seat_index": kept,
        "expires_at": NOW_MS + 60_000,
    }
    assert (sitting(change.state), change.ended) == ({}, ())


def test_applications_stand_in_the_order_they_came_in() -> None:
    first = send(by_application(), RequestApply(), MEMBER)
    assert first.requests is not None
    second = send(by_application(), RequestApply(), OTHER, NOW_MS + 1, first.requests)
    assert second.requests is not None
    assert [item.person.user_id for item in second.requests.items] == ["member", "other"]


def test_second_application_returns_the_first_and_changes_nothing() -> None:
    state = by_application()
    first = send(state, RequestApply(2), MEMBER)
    assert first.requests is not None
    again = send(state, RequestApply(3), MEMBER, NOW_MS + 5, first.requests)
    assert again.result == first.result
    assert (again.state, again.requests) == (state, None)


def test_application_after_one_that_ran_out_is_a_new_one() -> None:
    old = waiting("apply", "member", expires_at_ms=NOW_MS)
    change = send(by_application(), RequestApply(), MEMBER, requests=queue(old))
    assert change.requests is not None
    assert [item.request_id for item in change.requests.items] == ["r_new1"]
    assert change.requests.ended == (EndedRequest(old, "expired", NOW_MS),)


def test_invited_person_may_apply_all_the_same() -> None:
    invited = waiting("invite", "member")
    change = send(by_application(), RequestApply(), MEMBER, requests=queue(invited))
    assert change.requests is not None
    assert [item.kind for item in change.requests.items] == ["invite", "apply"]


@pytest.mark.parametrize(
    ("state", "command", "actor", "code"),
    [
        (live_room(), RequestApply(), MEMBER, "FORBIDDEN"),
        (live_room(seat_mode="invite"), RequestApply(), MEMBER, "INVITE_REQUIRED"),
        (by_application({2: "member"}), RequestApply(), MEMBER, "ALREADY_ON_SEAT"),
        (by_application(), RequestApply(5), MEMBER, "SEAT_NOT_FOUND"),
        (by_application(), RequestApply(0), MEMBER, "SEAT_RESERVED"),
        (by_application(), RequestApply(), ADMIN, "FORBIDDEN"),
        (by_application(), RequestApply(), OWNER, "FORBIDDEN"),
        (by_application(), RequestApply(), SERVICE, "FORBIDDEN"),
        (by_application(), RequestApply(), OPERATOR, "FORBIDDEN"),
        (by_application(bans=(Ban("member"),)), RequestApply(), MEMBER, "USER_BANNED"),
    ],
)
def test_application_is_refused(
    state: State, command: RequestApply, actor: Actor, code: str
) -> None:
    assert refused(state, command, actor).code == code


@pytest.mark.parametrize(
    "state", [by_application({2: "other"}), by_application(locked=(2,))], ids=["taken", "locked"]
)
def test_member_may_apply_for_a_seat_that_is_taken_or_locked(state: State) -> None:
    assert send(state, RequestApply(2), MEMBER).result["seat_index"] == 2


def test_cooldown_of_a_kick_blocks_an_application_until_its_end() -> None:
    state = by_application(cooldowns=(Cooldown("member", NOW_MS + 7),))
    error = refused(state, RequestApply(), MEMBER)
    assert (error.code, error.retry_after_ms) == ("USER_BANNED", 7)
    assert send(state, RequestApply(), MEMBER, NOW_MS + 7).requests is not None


def test_queue_holds_a_hundred_applications_besides_invitations_and_old_ones() -> None:
    full = queue(
        *(waiting("apply", f"u{n}") for n in range(100)),
        *(waiting("invite", f"u{n}") for n in range(50)),
    )
    assert refused(by_application(), RequestApply(), MEMBER, requests=full).code == "QUEUE_FULL"
    almost = Requests(full.items[1:])
    assert send(by_application(), RequestApply(), MEMBER, requests=almost).requests is not None
    ran_out = queue(*full.items[1:], waiting("apply", "late", expires_at_ms=NOW_MS))
    assert send(by_application(), RequestApply(), MEMBER, requests=ran_out).requests is not None


def test_first_application_comes_back_even_from_a_full_queue() -> None:
    mine = waiting("apply", "member")
    full = queue(mine, *(waiting("apply", f"u{n}") for n in range(99)))
    change = send(by_application(), RequestApply(), MEMBER, requests=full)
    assert change.result["request_id"] == mine.request_id


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_accept_seats_the_applicant_and_tells_the_admin_where(actor: Actor) -> None:
    application = waiting("apply", "member", 3)
    change = send(by_application(), ACCEPT, actor, requests=queue(application))
    assert change.state.seats[3].occupant == Participation("p_new1", application.person, NOW_MS)
    assert change.requests == Requests((), (EndedRequest(application, "accepted", NOW_MS),))
    assert change.result == {
        "request_id": "r_apply_member",
        "user_id": "member",
        "seat_index": 3,
        "participation_id": "p_new1",
    }


@pytest.mark.parametrize(
    ("asked", "occupants", "locked", "index"),
    [
        (None, {}, (), 1),
        (3, {3: "other"}, (), 1),
        (3, {}, (3,), 1),
        (3, {3: "other", 1: "b"}, (2,), 4),
        (9, {}, (), 1),
    ],
    ids=["any", "taken", "locked", "taken and others too", "gone"],
)
def test_accept_takes_the_seat_asked_for_or_else_the_first_free_one(
    asked: int | None, occupants: dict[int, str], locked: tuple[int, ...], index: int
) -> None:
    state = by_application(occupants, locked=locked)
    change = send(state, ACCEPT, ADMIN, requests=queue(waiting("apply", "member", asked)))
    assert change.result["seat_index"] == index
    assert sitting(change.state)[index] == "member"


@pytest.mark.parametrize("mode", ["free", "apply", "invite"])
def test_application_that_waits_may_be_accepted_in_every_mode(mode: str) -> None:
    change = send(live_room(seat_mode=mode), ACCEPT, ADMIN, requests=APPLIED)
    assert sitting(change.state) == {1: "member"}


def test_application_waits_on_where_no_seat_is_free() -> None:
    state = by_application({1: "a", 2: "b"}, count=4, locked=(3,))
    assert refused(state, ACCEPT, ADMIN, requests=APPLIED).code == "NO_FREE_SEAT"


def test_applicant_cancels() -> None:
    change = send(by_application(), CANCEL, MEMBER, requests=APPLIED)
    assert outcomes(change) == {"r_apply_member": "cancelled"}
    assert change.requests is not None
    assert change.requests.items == ()
    assert change.result == {"request_id": "r_apply_member"}


def test_applicant_who_became_an_admin_still_cancels() -> None:
    state = by_application(admins=("member",))
    change = send(state, CANCEL, MEMBER, requests=APPLIED)
    assert outcomes(change) == {"r_apply_member": "cancelled"}


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
def test_owner_and_admins_reject(actor: Actor) -> None:
    change = send(by_application(), REJECT, actor, requests=APPLIED)
    assert outcomes(change) == {"r_apply_member": "rejected"}
    assert change.result == {"request_id": "r_apply_member"}
    assert sitting(change.state) == {}


@pytest.mark.parametrize(
    ("command", "actor"),
    [
        (CANCEL, OTHER),
        (CANCEL, ADMIN),
        (CANCEL, OWNER),
        (CANCEL, Actor("member", kind="service")),
        (ACCEPT, MEMBER),
        (ACCEPT, OTHER),
        (ACCEPT, REVIEWER),
        (ACCEPT, MEMBER_WHO_OPERATES),
        (REJECT, MEMBER),
        (REJECT, OPERATOR),
    ],
)
def test_answer_of_anybody_else_is_forbidden(command: Command, actor: Actor) -> None:
    assert refused(by_application(), command, actor, requests=APPLIED).code == "FORBIDDEN"


ANSWERS = [(ACCEPT, ADMIN), (REJECT, OWNER), (CANCEL, MEMBER)]


@pytest.mark.parametrize(("command", "actor"), ANSWERS)
@pytest.mark.parametrize("expires_at_ms", [NOW_MS, NOW_MS - 1])
def test_request_that_ran_out_is_expired_before_it_is_swept(
    command: Command, actor: Actor, expires_at_ms: int
) -> None:
    old = queue(waiting("apply", "member", expires_at_ms=expires_at_ms))
    assert refused(by_application(), command, actor, requests=old).code == "REQUEST_EXPIRED"


@pytest.mark.parametrize(("command", "actor"), ANSWERS)
def test_request_is_answered_in_its_last_millisecond(command: Command, actor: Actor) -> None:
    last = queue(waiting("apply", "member", expires_at_ms=NOW_MS + 1))
    assert outcomes(send(by_application(), command, actor, requests=last))


@pytest.mark.parametrize(("command", "actor"), ANSWERS)
@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("expired", "REQUEST_EXPIRED"),
        ("accepted", "REQUEST_NOT_FOUND"),
        ("rejected", "REQUEST_NOT_FOUND"),
        ("cancelled", "REQUEST_NOT_FOUND"),
        ("failed", "REQUEST_NOT_FOUND"),
    ],
)
def test_request_that_ended_is_expired_or_not_found(
    command: Command, actor: Actor, outcome: Outcome, code: str
) -> None:
    ended = Requests((), (EndedRequest(waiting("apply", "member"), outcome, NOW_MS),))
    assert refused(by_application(), command, actor, requests=ended).code == code


@pytest.mark.parametrize(("command", "actor"), ANSWERS)
def test_unknown_request_is_not_found(command: Command, actor: Actor) -> None:
    others = queue(waiting("apply", "other"))
    assert refused(by_application(), command, actor, requests=others).code == "REQUEST_NOT_FOUND"


@pytest.mark.parametrize(
    ("command", "actor"),
    [
        (RequestAccept("r_invite_member"), ADMIN),
        (RequestReject("r_invite_member"), ADMIN),
        (RequestCancel("r_invite_member"), MEMBER),
    ],
)
def test_invitation_is_no_application(command: Command, actor: Actor) -> None:
    invited = queue(waiting("invite", "member"))
    assert refused(by_application(), command, actor, requests=invited).code == "REQUEST_NOT_FOUND"


def test_whose_it_is_comes_before_whether_it_ran_out() -> None:
    old = queue(waiting("apply", "member", expires_at_ms=NOW_MS))
    assert refused(by_application(), CANCEL, OTHER, requests=old).code == "FORBIDDEN"
