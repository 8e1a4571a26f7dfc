from __future__ import annotations

import pytest
from presence_samples import People, edition, seated_state

from gateway.presence.occupied import Occupied
from gateway.presence.present import Presence
from store.leases import Seated


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def occupied() -> Occupied:
    known = Occupied()
    known.observe(edition(seated_state("ann", "bob", "cem", lost=["bob"])), None)
    return known


@pytest.fixture
def presence(occupied: Occupied, people: People) -> Presence:
    return Presence(occupied, people)


def test_touch_of_the_seated_is_a_sign_of_life(presence: Presence) -> None:
    presence.touch("demo", "ann")
    assert presence.is_present("demo", "ann")
    assert not presence.is_present("demo", "bob")


def test_touch_of_those_without_a_seat_is_nothing(presence: Presence) -> None:
    presence.touch("demo", "eve")
    presence.touch("other", "ann")
    assert not presence.is_present("demo", "eve")
    assert not presence.is_present("other", "ann")


def test_connection_is_a_sign_of_life_while_it_lasts(presence: Presence, people: People) -> None:
    people.enter("demo", "ann")
    assert presence.is_present("demo", "ann")
    people.leave("demo", "ann")
    assert not presence.is_present("demo", "ann")


def test_sign_counts_until_the_lease_was_renewed(presence: Presence) -> None:
    presence.touch("demo", "ann")
    presence.begin()
    assert presence.is_present("demo", "ann")
    presence.done()
    assert not presence.is_present("demo", "ann")


def test_sign_during_a_renewal_counts_for_the_next(presence: Presence) -> None:
    presence.begin()
    presence.touch("demo", "ann")
    presence.done()
    assert presence.is_present("demo", "ann")


def test_sign_of_a_renewal_that_failed_is_kept(presence: Presence) -> None:
    presence.touch("demo", "ann")
    presence.begin()
    presence.begin()
    assert presence.is_present("demo", "ann")


def test_signs_are_bounded(occupied: Occupied, people: People) -> None:
    presence = Presence(occupied, people, max_touched=1)
    presence.touch("demo", "ann")
    presence.touch("demo", "ann")
    presence.touch("demo", "cem")
    assert presence.is_present("demo", "ann")
    assert not presence.is_present("demo", "cem")


def test_lost_user_who_gives_a_sign_has_returned_once(presence: Presence) -> None:
    presence.touch("demo", "ann")
    assert not presence.has_returned.is_set()
    presence.touch("demo", "bob")
    presence.touch("demo", "bob")
    assert presence.has_returned.is_set()
    assert presence.take_returned() == (Seated("demo", "bob"),)
    assert not presence.has_returned.is_set()
    assert presence.take_returned() == ()


def test_connected_user_whom_another_node_shows_as_lost_has_returned(
    presence: Presence, people: People
) -> None:
    people.enter("demo", "ann")
    shown = edition(seated_state("ann", "bob", "cem", lost=["bob"]))
    presence.observe(shown, None)
    assert not presence.has_returned.is_set()
    people.enter("demo", "bob")
    presence.observe(shown, None)
    assert presence.take_returned() == (Seated("demo", "bob"),)


def test_room_of_whoever_is_touched_is_kept_in_mind(presence: Presence, occupied: Occupied) -> None:
    occupied.observe(edition(seated_state("eve"), "other"), None)
    presence.touch("demo", "ann")
    assert next(occupied.slices(2)) == ("other", "demo")
