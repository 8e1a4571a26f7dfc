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
from room.commands import Command, SeatTake, UserBan, UserUnban
from room.documents import Ban, State
from room.rules import Ended

KEEPERS = [OWNER, ADMIN, OPERATOR, REVIEWER]


@pytest.mark.parametrize("actor", KEEPERS, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize(("ttl_s", "until_ms"), [(None, None), (60, NOW_MS + 60_000)])
def test_ban_takes_a_person_off_their_seat(
    actor: Actor, ttl_s: int | None, until_ms: int | None
) -> None:
    state = live_room({2: "member", 3: "other"}, muted_users=("member",))
    change = send(state, UserBan("member", ttl_s), actor)
    assert sitting(change.state) == {3: "other"}
    assert change.ended == (Ended("p_member", "member", 2, "banned"),)
    assert change.state.bans == (Ban("member", until_ms),)
    assert change.state.muted_users == ("member",)


@pytest.mark.parametrize("state", [idle_room(), live_room()], ids=["idle", "live"])
def test_ban_reaches_somebody_who_sits_nowhere(state: State) -> None:
    change = send(state, UserBan("stranger"), ADMIN)
    assert change.state.bans == (Ban("stranger"),)
    assert change.ended == ()


def test_banned_person_comes_back_when_the_term_is_over() -> None:
    state = send(live_room({2: "member"}), UserBan("member", 60), ADMIN).state
    error = refused(state, SeatTake(2), MEMBER, NOW_MS + 59_999)
    assert (error.code, error.retry_after_ms) == ("USER_BANNED", 1)
    assert sitting(send(state, SeatTake(2), MEMBER, NOW_MS + 60_000).state) == {2: "member"}


@pytest.mark.parametrize(
    ("held", "ttl_s", "bans"),
    [
        (Ban("member"), 60, (Ban("member", NOW_MS + 60_000),)),
        (Ban("member", NOW_MS + 60_000), None, (Ban("member"),)),
        (Ban("member", NOW_MS + 1), 60, (Ban("member", NOW_MS + 60_000),)),
        (Ban("member", NOW_MS), 60, (Ban("member", NOW_MS + 60_000),)),
    ],
)
def test_second_ban_replaces_the_term(held: Ban, ttl_s: int | None, bans: tuple[Ban, ...]) -> None:
    assert send(idle_room(bans=(held,)), UserBan("member", ttl_s), ADMIN).state.bans == bans


@pytest.mark.parametrize(
    ("held", "ttl_s"), [(Ban("member"), None), (Ban("member", NOW_MS + 60_000), 60)]
)
def test_equal_ban_changes_nothing(held: Ban, ttl_s: int | None) -> None:
    state = idle_room(bans=(Ban("over", NOW_MS), held))
    assert send(state, UserBan("member", ttl_s), ADMIN).state is state


@pytest.mark.parametrize(
    ("command", "actor", "code"),
    [
        (UserBan("owner"), ADMIN, "TARGET_OUTRANKS"),
        (UserBan("admin2"), ADMIN, "TARGET_OUTRANKS"),
        (UserBan("admin"), ADMIN, "TARGET_OUTRANKS"),
        (UserBan("owner"), OWNER, "TARGET_OUTRANKS"),
        (UserBan("operator"), OPERATOR, "TARGET_OUTRANKS"),
        (UserBan("operating"), MEMBER_WHO_OPERATES, "TARGET_OUTRANKS"),
        (UserBan("other"), MEMBER, "FORBIDDEN"),
        (UserBan("other"), SERVICE, "FORBIDDEN"),
        (UserUnban("other"), MEMBER, "FORBIDDEN"),
        (UserUnban("other"), SERVICE, "FORBIDDEN"),
    ],
)
def test_ban_is_refused(command: Command, actor: Actor, code: str) -> None:
    assert refused(idle_room(), command, actor).code == code


@pytest.mark.parametrize("actor", [OPERATOR, REVIEWER])
@pytest.mark.parametrize("user_id", ["owner", "admin"])
def test_staff_ban_whatever_the_rank(actor: Actor, user_id: str) -> None:
    state = send(live_room({1: user_id}), UserBan(user_id), actor).state
    assert sitting(state) == {}
    assert refused(state, SeatTake(1), Actor(user_id)).code == "USER_BANNED"


def test_room_has_at_most_a_thousand_bans_and_old_ones_make_room() -> None:
    held = tuple(Ban(f"u{n}") for n in range(1000))
    full = idle_room(bans=held)
    assert refused(full, UserBan("member"), ADMIN).code == "TOO_LARGE"
    replaced = send(full, UserBan("u3", 60), ADMIN).state.bans
    assert (len(replaced), replaced[-1]) == (1000, Ban("u3", NOW_MS + 60_000))
    one_over = idle_room(bans=(Ban("over", NOW_MS), *held[1:]))
    assert send(one_over, UserBan("member"), ADMIN).state.bans == (*held[1:], Ban("member"))


@pytest.mark.parametrize("actor", KEEPERS, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize("user_id", ["member", "owner"])
def test_unban_lifts_a_ban_whatever_the_rank(actor: Actor, user_id: str) -> None:
    if actor.user_id == user_id:
        return
    state = idle_room(bans=(Ban("other"), Ban(user_id)))
    assert send(state, UserUnban(user_id), actor).state.bans == (Ban("other"),)


@pytest.mark.parametrize("bans", [(), (Ban("other"),), (Ban("member", NOW_MS),)])
def test_unban_of_somebody_not_banned_changes_nothing(bans: tuple[Ban, ...]) -> None:
    state = idle_room(bans=bans)
    assert send(state, UserUnban("member"), ADMIN).state is state


def test_banned_admin_lifts_no_ban_not_even_their_own() -> None:
    state = idle_room(bans=(Ban("admin"), Ban("member")))
    for user_id in ("admin", "member"):
        assert refused(state, UserUnban(user_id), ADMIN).code == "USER_BANNED"
    assert send(state, UserUnban("admin"), OWNER).state.bans == (Ban("member"),)
