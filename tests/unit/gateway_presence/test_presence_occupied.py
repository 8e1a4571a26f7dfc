from __future__ import annotations

from presence_samples import edition, seated_state, with_seat

from gateway.presence.occupied import Occupant, Occupied
from room.documents import State

EMPTY = seated_state("-", "-")


def test_seated_users_of_an_edition_are_known() -> None:
    occupied = Occupied()
    occupied.observe(edition(seated_state("ann", "-", "bob", lost=["bob"])), None)
    assert occupied.of("demo") == {
        "ann": Occupant(0, "p_ann", is_lost=False, is_silenced=False),
        "bob": Occupant(2, "p_bob", is_lost=True, is_silenced=False),
    }
    assert occupied.find("demo", "cem") is None
    assert occupied.find("other", "ann") is None


def test_mute_of_person_or_seat_silences() -> None:
    occupied = Occupied()
    state = with_seat(seated_state("ann", "bob", "cem", muted_users=("ann",)), 1, audio_locked=True)
    occupied.observe(edition(state), None)
    silenced = {user_id for user_id, one in occupied.of("demo").items() if one.is_silenced}
    assert silenced == {"ann", "bob"}


def test_newer_edition_replaces_what_was_known() -> None:
    occupied = Occupied()
    first, second = edition(seated_state("ann")), edition(seated_state("bob"), version=2)
    occupied.observe(first, None)
    occupied.observe(second, first)
    assert set(occupied.of("demo")) == {"bob"}


def test_room_where_nobody_sits_takes_no_place() -> None:
    occupied = Occupied()
    occupied.observe(edition(seated_state("ann")), None)
    assert len(occupied) == 1
    occupied.observe(edition(EMPTY, version=2), None)
    occupied.observe(edition(State("owner"), room="idle"), None)
    assert len(occupied) == 0


def test_room_that_was_not_used_for_longest_goes_first() -> None:
    occupied = Occupied(max_rooms=2)
    for room in ("a", "b"):
        occupied.observe(edition(seated_state("ann"), room), None)
    occupied.use("a")
    occupied.use("unknown")
    occupied.observe(edition(seated_state("ann"), "c"), None)
    assert [room for rooms in occupied.slices(10) for room in rooms] == ["a", "c"]


def test_slices_name_every_room_once_while_rooms_come_and_go() -> None:
    occupied = Occupied()
    for n in range(5):
        occupied.observe(edition(seated_state("ann"), f"r{n}"), None)
    seen: list[tuple[str, ...]] = []
    for rooms in occupied.slices(2):
        seen.append(rooms)
        occupied.observe(edition(EMPTY, "r0", version=2), None)
    assert seen == [("r0", "r1"), ("r2", "r3"), ("r4",)]
