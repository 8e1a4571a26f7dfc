from __future__ import annotations

import pytest
from room_samples import OPERATOR, REVIEWER, SERVICE, idle_room

from room.actor import USER_ID, Actor, outranks

RANKS = {"owner": 2, "admin": 1, "admin2": 1, "member": 0, "other": 0}


@pytest.mark.parametrize("actor_id", RANKS)
@pytest.mark.parametrize("target_id", RANKS)
def test_only_a_higher_rank_or_the_person_may_act(actor_id: str, target_id: str) -> None:
    may = actor_id == target_id or RANKS[actor_id] > RANKS[target_id]
    assert outranks(idle_room(), actor_id, target_id) is may


def test_owner_who_is_listed_as_admin_stays_owner() -> None:
    assert idle_room(admins=("owner",)).rank_of("owner") == "owner"


def test_display_name_is_the_nickname_or_else_the_id() -> None:
    assert Actor("u1", nickname="Nick").display_name == "Nick"
    assert Actor("u1").display_name == "u1"


def test_platform_roles_are_told_apart() -> None:
    assert OPERATOR.is_staff_of("operator", "reviewer")
    assert REVIEWER.is_staff_of("reviewer")
    assert not REVIEWER.is_staff_of("operator")
    assert not SERVICE.is_staff_of("operator", "reviewer")


def test_unknown_roles_and_room_roles_in_a_token_weigh_nothing() -> None:
    assert not Actor("u1", roles=("owner", "admin", "")).is_staff_of("operator", "reviewer")


@pytest.mark.parametrize("user_id", ["a", "A.b_c:d@e-9", "x" * 64])
def test_user_id_of_the_alphabet_matches(user_id: str) -> None:
    assert USER_ID.fullmatch(user_id)


@pytest.mark.parametrize("user_id", ["", "x" * 65, "a b", "a/b", "a\n", "é", "a,b"])
def test_any_other_user_id_does_not(user_id: str) -> None:
    assert not USER_ID.fullmatch(user_id)
