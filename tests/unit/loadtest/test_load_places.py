"""Who goes where, who acts, and what all are told."""

from __future__ import annotations

import random
from pathlib import Path

import jwt
import pytest

from loadtest.places import choose_room, guest_room, name_rooms
from loadtest.scene import Scene
from loadtest.shapes import SHAPES, Stage
from loadtest.tide import Tide, message
from loadtest.tokens import Tokens, read_tokens

ROOMS = ("a", "b", "c")
SECRET = "a secret of the test, long enough for HS256"


def subject(token: str | None) -> str:
    assert token is not None
    return str(jwt.decode(token, SECRET, algorithms=["HS256"])["sub"])


# Rooms


def test_rooms_are_a_number_or_names() -> None:
    assert name_rooms("2") == ("load-0", "load-1")
    assert name_rooms("evening, night,") == ("evening", "night")


@pytest.mark.parametrize("text", ["0", "", ",", " "])
def test_there_is_one_room_at_least(text: str) -> None:
    with pytest.raises(ValueError, match="one room"):
        name_rooms(text)


def test_most_readers_are_in_the_hot_room_and_else_they_spread() -> None:
    rng = random.Random(7)
    hot = [choose_room(ROOMS, 0.9, rng) for _ in range(3000)]
    assert hot.count("a") > 2600
    assert set(hot) == set(ROOMS)
    even = [choose_room(ROOMS, 0.0, rng) for _ in range(3000)]
    assert all(800 < even.count(room) < 1200 for room in ROOMS)


def test_no_room_is_without_a_guest_unless_one_is_hot() -> None:
    assert [guest_room(ROOMS, number, hot=False) for number in range(4)] == ["a", "b", "c", "a"]
    assert {guest_room(ROOMS, number, hot=True) for number in range(4)} == {"a"}


# Tokens


def test_a_secret_signs_an_owner_and_guests_who_are_all_different() -> None:
    tokens = Tokens(SECRET)
    people = [subject(tokens.owner)]
    people += [subject(tokens.guest(worker, number)) for worker in (0, 1) for number in (0, 1)]
    assert len(set(people)) == 5


def test_ready_made_tokens_are_used_as_they_are_and_the_first_is_the_owners(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text("owner\n\nbob\n carol \n")
    tokens = Tokens(SECRET, read_tokens(path))
    assert tokens.owner == "owner"
    assert {tokens.guest(0, number) for number in range(2)} == {"bob", "carol"}


def test_without_a_secret_or_tokens_nobody_acts() -> None:
    assert Tokens(None).owner is None
    assert Tokens(None).guest(0, 0) is None
    assert Tokens(SECRET, ("owner",)).guest(0, 0) is None


# The tide


def test_a_storm_cuts_everybody_who_joined_once() -> None:
    tide, cut = Tide(), []
    stays, left = (lambda: cut.append("stays")), (lambda: cut.append("left"))
    for one in (stays, left):
        tide.join(one)
    tide.take(message(Stage(1, 1, 2.0, storms=0)))
    assert cut == []
    tide.leave(left)
    for storms in (1, 1, 1, 2):
        tide.take(message(Stage(1, 1, 2.0, storms=storms)))
    assert cut == ["stays", "stays"]


def test_a_new_run_begins_with_no_storm() -> None:
    tide, cut = Tide(), []
    tide.join(lambda: cut.append(1))
    for storms in (3, 0, 1):
        tide.take(message(Stage(1, 1, 2.0, storms=storms)))
    assert len(cut) == 2


def test_guests_share_the_changes_of_the_stage() -> None:
    scene = Scene()
    scene.guests = 5
    scene.tide.take(message(Stage(1, 1, changes_per_s=20.0)))
    assert scene.change_interval_s() == 0.25
    scene.tide.take(message(Stage(1, 1, changes_per_s=0.0)))
    assert scene.change_interval_s() > 60


def test_guests_of_one_process_have_numbers_of_their_own() -> None:
    scene = Scene()
    scene.rooms, scene.tokens, scene.shape = ROOMS, Tokens(SECRET), SHAPES["steady"]
    guests = [scene.next_guest() for _ in range(3)]
    assert [room for room, _ in guests] == ["a", "b", "c"]
    assert len({subject(token) for _, token in guests}) == 3
