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
from room.commands import Command, RoleGrant, RoleRevoke, SeatLock
from room.documents import Ban, State

GRANTORS = [OWNER, OPERATOR, MEMBER_WHO_OPERATES]


@pytest.mark.parametrize("actor", GRANTORS, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize("state", [idle_room(), live_room()], ids=["idle", "live"])
def test_grant_makes_an_admin(actor: Actor, state: State) -> None:
    after = send(state, RoleGrant("member", "admin"), actor).state
    assert after.admins == ("admin", "admin2", "member")
    assert after.rank_of("member") == "admin"


@pytest.mark.parametrize("user_id", ["owner", "admin"])
def test_grant_to_owner_or_admin_changes_nothing(user_id: str) -> None:
    state = idle_room()
    assert send(state, RoleGrant(user_id, "admin"), OWNER).state is state


@pytest.mark.parametrize("actor", GRANTORS, ids=lambda actor: actor.user_id)
def test_revoke_makes_a_member_who_keeps_their_seat(actor: Actor) -> None:
    state = live_room({1: "admin"}, locked=(1,))
    after = send(state, RoleRevoke("admin", "admin"), actor).state
    assert after.admins == ("admin2",)
    assert sitting(after) == {1: "admin"}
    assert refused(after, SeatLock(2), ADMIN).code == "FORBIDDEN"


@pytest.mark.parametrize("user_id", ["owner", "member"])
def test_revoke_of_somebody_who_is_no_admin_changes_nothing(user_id: str) -> None:
    state = idle_room()
    assert send(state, RoleRevoke(user_id, "admin"), OWNER).state is state


@pytest.mark.parametrize("actor", [ADMIN, MEMBER, REVIEWER, SERVICE])
@pytest.mark.parametrize("command", [RoleGrant("other", "admin"), RoleRevoke("admin2", "admin")])
def test_nobody_else_gives_or_takes_a_role(actor: Actor, command: Command) -> None:
    assert refused(idle_room(), command, actor).code == "FORBIDDEN"


def test_banned_person_becomes_no_admin() -> None:
    state = idle_room(bans=(Ban("member", NOW_MS + 5), Ban("other")))
    error = refused(state, RoleGrant("member", "admin"), OWNER)
    assert (error.code, error.retry_after_ms) == ("USER_BANNED", 5)
    for_good = refused(state, RoleGrant("other", "admin"), OWNER)
    assert (for_good.code, for_good.retry_after_ms) == ("USER_BANNED", None)


def test_room_has_at_most_two_hundred_admins() -> None:
    full = idle_room(admins=tuple(f"u{n}" for n in range(200)))
    assert refused(full, RoleGrant("member", "admin"), OWNER).code == "TOO_LARGE"
    assert send(full, RoleGrant("u7", "admin"), OWNER).state is full
    almost = idle_room(admins=full.admins[1:])
    assert len(send(almost, RoleGrant("member", "admin"), OWNER).state.admins) == 200
