"""Invitations to a seat, from the first one to the last answer."""

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
    SECOND_ADMIN,
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
from room.commands import Command, InviteAccept, InviteCancel, InviteReject, InviteSend, SeatTake
from room.documents import (
    Ban,
    Cooldown,
    EndedRequest,
    Participation,
    Person,
    Requests,
    SeatRequest,
    State,
)

INVITED = queue(waiting("invite", "member"))
ACCEPT = InviteAccept("r_invite_member")
CANCEL = InviteCancel("r_invite_member")
REJECT = InviteReject("r_invite_member")


@pytest.mark.parametrize("actor", [OWNER, ADMIN])
@pytest.mark.parametrize("mode", ["free", "apply", "invite"])
def test_invitation_waits_for_half_a_minute_in_every_mode(actor: Actor, mode: str) -> None:
    change = send(live_room(seat_mode=mode), InviteSend("member", 2), actor)
    assert change.requests == queue(
        SeatRequest(
            request_id="r_new1",
            kind="invite",
            person=Person("member", "member", ""),
            by=actor.user_id,
            created_at_ms=NOW_MS,
            expires_at_ms=NOW_MS + 30_000,
            seat_index=2,
        )
    )
    assert change.result == {
        "request_id": "r_new1",
        "kind": "invite",
        "seat_index": 2,
        "expires_at": NOW_MS + 30_000,
    }


@pytest.mark.parametrize("seat_index", [None, -1])
def test_invitation_may_be_to_any_seat(seat_index: int | None) -> None:
    assert send(live_room(), InviteSend("member", seat_index), OWNER).result["seat_index"] is None


@pytest.mark.parametrize(
    ("state", "command", "actor", "code"),
    [
        (live_room({2: "member"}), InviteSend("member"), ADMIN, "ALREADY_ON_SEAT"),
        (live_room(bans=(Ban("member"),)), InviteSend("member"), ADMIN, "USER_BANNED"),
        (live_room(), InviteSend("member", 5), ADMIN, "SEAT_NOT_FOUND"),
        (live_room(), InviteSend("member", 0), OWNER, "SEAT_RESERVED"),
        (live_room(), InviteSend("admin2", 0), ADMIN, "SEAT_RESERVED"),
        (live_room(), InviteSend("other"), MEMBER, "FORBIDDEN"),
        (live_room(), InviteSend("other"), SERVICE, "FORBIDDEN"),
        (live_room(), InviteSend("other"), OPERATOR, "FORBIDDEN"),
        (live_room(), InviteSend("other"), REVIEWER, "FORBIDDEN"),
    ],
)
def test_invitation_is_refused(state: State, command: InviteSend, actor: Actor, code: str) -> None:
    assert refused(state, command, actor).code == code


def test_refusal_says_when_the_ban_of_the_invited_ends() -> None:
    state = live_room(bans=(Ban("member", NOW_MS + 9),))
    assert refused(state, InviteSend("member"), ADMIN).retry_after_ms == 9
    assert send(state, InviteSend("member"), ADMIN, NOW_MS + 9).requests is not None


def test_owner_may_be_invited_to_the_owner_seat() -> None:
    sent = send(live_room(), InviteSend("owner", 0), ADMIN)
    assert sent.requests is not None
    change = send(live_room(), InviteAccept("r_new1"), OWNER, requests=sent.requests)
    assert sitting(change.state) == {0: "owner"}


@pytest.mark.parametrize("actor", [ADMIN, OWNER])
def test_second_invitation_returns_the_first_whoever_sends_it(actor: Actor) -> None:
    state = live_room()
    change = send(state, InviteSend("member", 3), actor, requests=INVITED)
    assert change.result == {
        "request_id": "r_invite_member",
        "kind": "invite",
        "seat_index": None,
        "expires_at": NOW_MS + 10_000,
    }
    assert (change.state, change.requests) == (state, None)


def test_invitation_after_one_that_ran_out_is_a_new_one() -> None:
    old = waiting("invite", "member", expires_at_ms=NOW_MS)
    change = send(live_room(), InviteSend("member"), ADMIN, requests=queue(old))
    assert change.result["request_id"] == "r_new1"
    assert change.requests is not None
    assert change.requests.ended == (EndedRequest(old, "expired", NOW_MS),)


def test_at_most_a_hundred_invitations_wait_besides_applications() -> None:
    full = queue(
        *(waiting("invite", f"u{n}") for n in range(100)),
        *(waiting("apply", f"u{n}") for n in range(50)),
    )
    assert refused(live_room(), InviteSend("member"), ADMIN, requests=full).code == "QUEUE_FULL"
    almost = Requests(full.items[1:])
    assert send(live_room(), InviteSend("member"), ADMIN, requests=almost).requests is not None


@pytest.mark.parametrize("mode", ["free", "apply", "invite"])
def test_invited_sits_down_as_their_token_describes_them(mode: str) -> None:
    actor = Actor("member", nickname="Nick", avatar="face/1")
    invitation = waiting("invite", "member", 3)
    change = send(live_room(seat_mode=mode), ACCEPT, actor, requests=queue(invitation))
    person = Person("member", "Nick", "face/1")
    assert change.state.seats[3].occupant == Participation("p_new1", person, NOW_MS)
    assert change.requests == Requests((), (EndedRequest(invitation, "accepted", NOW_MS),))
    assert change.result == {
        "seat_index": 3,
        "participation_id": "p_new1",
        "media_mode": "rtc",
        "request_id": "r_invite_member",
    }


def test_invitation_opens_the_locked_seat_that_it_names_and_no_other() -> None:
    state = live_room(locked=(1, 3))
    named = send(state, ACCEPT, MEMBER, requests=queue(waiting("invite", "member", 3)))
    assert sitting(named.state) == {3: "member"}
    assert named.state.seats[3].locked
    assert sitting(send(state, ACCEPT, MEMBER, requests=INVITED).state) == {2: "member"}


@pytest.mark.parametrize(
    ("state", "seat_index", "code"),
    [
        (live_room({3: "other"}), 3, "SEAT_OCCUPIED"),
        (live_room({3: "other"}, locked=(3,)), 3, "SEAT_OCCUPIED"),
        (live_room(count=3), 3, "SEAT_NOT_FOUND"),
        (live_room({1: "a"}, count=3, locked=(2,)), None, "NO_FREE_SEAT"),
    ],
)
def test_accept_is_refused_where_the_seat_is_not_to_be_had(
    state: State, seat_index: int | None, code: str
) -> None:
    invited = queue(waiting("invite", "member", seat_index))
    assert refused(state, ACCEPT, MEMBER, requests=invited).code == code


def test_invitation_overrides_the_cooldown_of_a_kick() -> None:
    state = live_room(cooldowns=(Cooldown("member", NOW_MS + 60_000),))
    sent = send(state, InviteSend("member"), ADMIN)
    assert sent.requests is not None
    change = send(state, InviteAccept("r_new1"), MEMBER, requests=sent.requests)
    assert sitting(change.state) == {1: "member"}
    assert refused(state, SeatTake(1), MEMBER).code == "USER_BANNED"


def test_invited_rejects() -> None:
    change = send(live_room(), REJECT, MEMBER, requests=INVITED)
    assert outcomes(change) == {"r_invite_member": "rejected"}
    assert change.result == {"request_id": "r_invite_member"}
    assert sitting(change.state) == {}


@pytest.mark.parametrize("actor", [OWNER, ADMIN, SECOND_ADMIN])
def test_owner_and_every_admin_take_an_invitation_back(actor: Actor) -> None:
    change = send(live_room(), CANCEL, actor, requests=INVITED)
    assert outcomes(change) == {"r_invite_member": "cancelled"}
    assert change.result == {"request_id": "r_invite_member"}


@pytest.mark.parametrize(
    ("command", "actor"),
    [
        (ACCEPT, OTHER),
        (ACCEPT, OWNER),
        (ACCEPT, Actor("member", kind="staff", roles=("operator",))),
        (REJECT, OTHER),
        (REJECT, ADMIN),
        (CANCEL, MEMBER),
        (CANCEL, OPERATOR),
    ],
)
def test_answer_of_anybody_else_is_forbidden(command: Command, actor: Actor) -> None:
    assert refused(live_room(), command, actor, requests=INVITED).code == "FORBIDDEN"


ANSWERS = [(ACCEPT, MEMBER), (REJECT, MEMBER), (CANCEL, ADMIN)]


@pytest.mark.parametrize(("command", "actor"), ANSWERS)
def test_invitation_that_ran_out_is_expired(command: Command, actor: Actor) -> None:
    old = waiting("invite", "member", expires_at_ms=NOW_MS)
    assert refused(live_room(), command, actor, requests=queue(old)).code == "REQUEST_EXPIRED"
    swept = Requests((), (EndedRequest(old, "expired", NOW_MS),))
    assert refused(live_room(), command, actor, requests=swept).code == "REQUEST_EXPIRED"


@pytest.mark.parametrize(
    ("command", "actor"),
    [
        (InviteAccept("r_apply_member"), MEMBER),
        (InviteReject("r_apply_member"), MEMBER),
        (InviteCancel("r_apply_member"), ADMIN),
    ],
)
def test_application_is_no_invitation(command: Command, actor: Actor) -> None:
    applied = queue(waiting("apply", "member"))
    assert refused(live_room(), command, actor, requests=applied).code == "REQUEST_NOT_FOUND"
