from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from room_samples import (
    ADMIN,
    EVERYBODY,
    MEMBER,
    MEMBER_WHO_REVIEWS,
    OPERATOR,
    OTHER,
    OWNER,
    REVIEWER,
    SECOND_ADMIN,
    SERVICE,
    idle_room,
    live_room,
)

from room.actor import SYSTEM, AccountKind, Actor, TokenKind
from room.commands import COMMANDS
from room.documents import Ban, State
from room.errors import Refused
from room.policy import (
    POLICY,
    allowed_commands,
    changed_standings,
    check_permission,
    check_readable,
)

DOMAIN = {
    "session.start": "O P",
    "session.end": "O P R",
    "seat.take": "M A O",
    "seat.leave": "S",
    "seat.move": "S A O",
    "seat.kick": "A O R P",
    "seat.lock": "A O",
    "seat.unlock": "A O",
    "seat.mute": "A O R",
    "seat.unmute": "A O R",
    "user.mute": "A O R P",
    "user.unmute": "A O R P",
    "mic.set": "S",
    "seat.mode.set": "A O",
    "seat.count.set": "O P",
    "request.apply": "M",
    "request.cancel": "M A O",
    "request.accept": "A O",
    "request.reject": "A O",
    "invite.send": "A O",
    "invite.cancel": "A O",
    "invite.accept": "M A O",
    "invite.reject": "M A O",
    "role.grant": "O P",
    "role.revoke": "O P",
    "user.ban": "A O R P",
    "user.unban": "A O R P",
    "system.reap": "Y",
    "system.link": "Y",
    "system.expire": "Y",
}
"""The column "who" of DOMAIN.md 3; whose a request is, its own rule looks."""

SYSTEMS = {"system.reap", "system.link", "system.expire"}
ROOM = live_room({2: "member"})
STANDING = {
    "O": OWNER,
    "A": ADMIN,
    "M": OTHER,
    "R": REVIEWER,
    "P": OPERATOR,
    "service": SERVICE,
    "Y": SYSTEM,
}


def test_policy_covers_every_command() -> None:
    assert POLICY.keys() == COMMANDS.keys() == DOMAIN.keys()


@pytest.mark.parametrize("name", DOMAIN)
@pytest.mark.parametrize("letter", STANDING)
def test_caller_is_told_the_commands_of_the_table(name: str, letter: str) -> None:
    allowed = allowed_commands(ROOM, STANDING[letter])
    assert (name in allowed) is (letter in DOMAIN[name].split())


def test_only_the_server_itself_is_told_its_own_commands() -> None:
    for actor in EVERYBODY:
        told = {name for name in allowed_commands(ROOM, actor) if name.startswith("system.")}
        assert told == (SYSTEMS if actor is SYSTEM else set())
    assert set(allowed_commands(ROOM, SYSTEM)) == SYSTEMS


def test_no_token_makes_its_bearer_the_server() -> None:
    assert set(get_args(AccountKind)) - set(get_args(TokenKind)) == {"system"}
    pretender = Actor("seatsync:system", kind="service", roles=("system",))
    assert allowed_commands(ROOM, pretender) == ()


@pytest.mark.parametrize("name", DOMAIN)
def test_seated_member_adds_the_commands_of_the_seated(name: str) -> None:
    who = DOMAIN[name].split()
    assert (name in allowed_commands(ROOM, MEMBER)) is ("M" in who or "S" in who)


def test_commands_come_in_the_order_of_the_table_and_none_without_a_token() -> None:
    allowed = allowed_commands(ROOM, OWNER)
    assert list(allowed) == [name for name in POLICY if name in allowed]
    assert allowed_commands(ROOM, None) == ()


def test_member_with_a_platform_role_has_both_rows() -> None:
    allowed = set(allowed_commands(ROOM, MEMBER_WHO_REVIEWS))
    assert allowed == {*allowed_commands(ROOM, OTHER), *allowed_commands(ROOM, REVIEWER)}


@pytest.mark.parametrize("actor", EVERYBODY, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize("state", [idle_room(), ROOM], ids=["idle", "live"])
@pytest.mark.parametrize("name", DOMAIN)
def test_command_is_refused_unless_told_or_meant_for_the_seated(
    actor: Actor, state: State, name: str
) -> None:
    for_the_seated = actor.kind == "member" and "S" in DOMAIN[name].split()
    if name in allowed_commands(state, actor) or for_the_seated:
        check_permission(state, actor, name)
        return
    with pytest.raises(Refused) as caught:
        check_permission(state, actor, name)
    assert caught.value.code == "FORBIDDEN"


@pytest.mark.parametrize("kind", ["service", "staff"])
@pytest.mark.parametrize("user_id", ["owner", "admin", "member"])
def test_service_and_staff_accounts_hold_no_room_rank(kind: str, user_id: str) -> None:
    actor = Actor(user_id, kind="service" if kind == "service" else "staff")
    assert allowed_commands(ROOM, actor) == ()


def test_room_ranks_in_the_roles_of_a_token_count_for_nothing() -> None:
    pretender = Actor("other", roles=("owner", "admin", "seated", "member"))
    assert allowed_commands(ROOM, pretender) == allowed_commands(ROOM, OTHER)
    assert allowed_commands(ROOM, Actor("x", kind="service", roles=("owner",))) == ()


@pytest.mark.parametrize(
    ("before", "after", "users"),
    [
        (idle_room(), idle_room(), set()),
        (idle_room(), live_room({2: "member"}), {"member"}),
        (live_room({2: "member"}), live_room({4: "member"}), set()),
        (live_room({2: "member"}), live_room({2: "other"}), {"member", "other"}),
        (live_room({2: "member"}), idle_room(), {"member"}),
        (idle_room(), idle_room(admins=("admin", "other")), {"admin2", "other"}),
        (idle_room(), idle_room(owner_id="other"), {"owner", "other"}),
        (live_room(), live_room(locked=(1,), muted_users=("member",)), set()),
    ],
)
def test_standings_change_by_sitting_down_standing_up_and_rank(
    before: State, after: State, users: set[str]
) -> None:
    assert changed_standings(before, after) == users
    assert changed_standings(after, before) == users


@pytest.mark.parametrize("actor", [None, *EVERYBODY])
def test_requests_are_for_owner_and_admins_and_other_documents_for_all(actor: Actor | None) -> None:
    state = live_room()
    for doc in ("state", "x-scores"):
        check_readable(doc, state, actor)
    if actor in (OWNER, ADMIN, SECOND_ADMIN):
        check_readable("requests", state, actor)
        return
    with pytest.raises(Refused) as caught:
        check_readable("requests", state, actor)
    assert caught.value.code == "FORBIDDEN"


def test_banned_person_may_send_nothing_until_the_ban_ends() -> None:
    banned = msgspec.structs.replace(ROOM, bans=(Ban(MEMBER.user_id, until_ms=100),))
    assert allowed_commands(banned, MEMBER, 99) == ()
    assert allowed_commands(banned, MEMBER, 100) == allowed_commands(ROOM, MEMBER)
    assert allowed_commands(banned, MEMBER) == ()
    assert allowed_commands(banned, OTHER, 99) == allowed_commands(ROOM, OTHER)


def test_ban_and_its_end_change_a_standing() -> None:
    banned = msgspec.structs.replace(ROOM, bans=(Ban(MEMBER.user_id),))
    assert changed_standings(ROOM, banned) == changed_standings(banned, ROOM) == {MEMBER.user_id}
