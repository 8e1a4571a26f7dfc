from __future__ import annotations

from push_samples import edition

from gateway.push.audience import Audience
from room.snapshot import Stored

HERE = edition().stored


class Ear:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Stored] = []

    def __call__(self, stored: Stored) -> None:
        self.told.append(stored)


def test_all_connections_of_a_user_are_told() -> None:
    audience, phone, desk = Audience(), Ear(), Ear()
    audience.join("demo", "ann", phone)
    audience.join("demo", "ann", desk)
    audience.tell(HERE, ["ann"])
    assert phone.told == desk.told == [HERE]


def test_other_users_and_other_rooms_are_not_told() -> None:
    audience, bob, elsewhere = Audience(), Ear(), Ear()
    audience.join("demo", "bob", bob)
    audience.join("other", "ann", elsewhere)
    audience.tell(HERE, ["ann", "nobody"])
    assert bob.told == elsewhere.told == []


def test_who_left_is_not_told_and_not_kept() -> None:
    audience, ear, other = Audience(), Ear(), Ear()
    audience.join("demo", "ann", ear)
    audience.join("demo", "ann", other)
    audience.leave("demo", "ann", ear)
    audience.tell(HERE, ["ann"])
    assert (ear.told, other.told) == ([], [HERE])
    audience.leave("demo", "ann", other)
    assert not audience._listeners


def test_leaving_unknown_is_fine() -> None:
    audience, ear = Audience(), Ear()
    audience.leave("demo", "ann", ear)
    audience.join("demo", "ann", ear)
    audience.leave("demo", "ann", Ear())
    audience.tell(HERE, ["ann"])
    assert ear.told == [HERE]


def test_listener_may_leave_while_being_told() -> None:
    audience, late = Audience(), Ear()

    def leaving(_: Stored) -> None:
        audience.leave("demo", "ann", leaving)

    audience.join("demo", "ann", leaving)
    audience.join("demo", "ann", late)
    audience.tell(HERE, ["ann"])
    audience.tell(HERE, ["ann"])
    assert late.told == [HERE, HERE]


def test_everybody_present_in_the_room_is_told_where_nobody_is_named() -> None:
    audience, ann, bob, elsewhere = Audience(), Ear(), Ear(), Ear()
    audience.join("demo", "ann", ann)
    audience.join("demo", "bob", bob)
    audience.join("other", "ann", elsewhere)
    audience.tell(HERE, None)
    assert (ann.told, bob.told, elsewhere.told) == ([HERE], [HERE], [])
