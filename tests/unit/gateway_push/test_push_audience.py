from __future__ import annotations

from push_samples import edition, mailbox_for, read, take_all
from push_turns import Turns, inline_sweep

from gateway.push.audience import Audience
from gateway.push.sweep import CHUNK
from room.snapshot import Stored

HERE, LATER = edition().stored, edition(2).stored
MANY = 3 * CHUNK


class Ear:
    """A connection, and what it is told of its standing."""

    def __init__(self, user_id: str | None = None) -> None:
        self.user_id = user_id
        self.mailbox = mailbox_for("member")
        self.told: list[Stored] = []

    def hear_standing(self, stored: Stored) -> None:
        self.told.append(stored)

    def heard(self) -> list[int]:
        """Give the numbers that were said."""
        return [read(item)["n"] for item in take_all(self.mailbox)]


def at_once() -> Audience:
    """An audience that has heard when ``say`` returns."""
    return Audience(inline_sweep())


def enter(audience: Audience, user_id: str | None, room: str = "demo") -> Ear:
    """Connect somebody."""
    ear = Ear(user_id)
    audience.enter(room, ear)
    return ear


def crowd(audience: Audience) -> list[Ear]:
    """Connect so many that a pass takes several chunks."""
    return [enter(audience, f"u{number}") for number in range(MANY)]


def note(number: int) -> bytes:
    return b'{"n":%d}' % number


def test_all_connections_of_a_user_are_told() -> None:
    audience = at_once()
    phone, desk = enter(audience, "ann"), enter(audience, "ann")
    audience.tell(HERE, ["ann"])
    assert phone.told == desk.told == [HERE]


def test_those_who_are_named_are_told_before_anything_else_can_happen() -> None:
    """Rights that were lost are lost at once: no sweep may come by in between."""
    audience = Audience(Turns().sweep)
    ear = enter(audience, "ann")
    audience.tell(HERE, ["ann"])
    assert ear.told == [HERE]


def test_other_users_and_other_rooms_are_not_told() -> None:
    audience = at_once()
    bob, elsewhere = enter(audience, "bob"), enter(audience, "ann", "other")
    audience.tell(HERE, ["ann", "nobody"])
    assert bob.told == elsewhere.told == []


def test_who_left_is_not_told_and_not_kept() -> None:
    audience = at_once()
    ear, other = enter(audience, "ann"), enter(audience, "ann")
    audience.leave("demo", ear)
    audience.tell(HERE, ["ann"])
    assert (ear.told, other.told) == ([], [HERE])
    assert audience.is_present("demo", "ann")
    audience.leave("demo", other)
    assert not audience.is_present("demo", "ann")
    assert not audience.rooms()


def test_leaving_unknown_is_fine() -> None:
    audience = at_once()
    audience.leave("demo", Ear("ann"))
    ear = enter(audience, "ann")
    audience.leave("demo", Ear("ann"))
    audience.leave("other", ear)
    audience.tell(HERE, ["ann"])
    assert ear.told == [HERE]


def test_listener_may_leave_while_being_told() -> None:
    audience = at_once()

    class Leaving(Ear):
        def hear_standing(self, stored: Stored) -> None:
            audience.leave("demo", self)
            audience.leave("demo", soon)

    audience.enter("demo", Leaving("ann"))
    soon, late = enter(audience, "ann"), enter(audience, "ann")
    audience.tell(HERE, ["ann"])
    audience.tell(HERE, ["ann"])
    assert (soon.told, late.told) == ([], [HERE, HERE])


def test_everybody_present_in_the_room_is_told_where_nobody_is_named() -> None:
    audience = at_once()
    ann, bob, elsewhere = enter(audience, "ann"), enter(audience, None), enter(audience, "a", "o")
    audience.tell(HERE, None)
    assert (ann.told, bob.told, elsewhere.told) == ([HERE], [HERE], [])


def test_what_is_said_to_a_room_reaches_callers_without_a_token_too() -> None:
    audience = at_once()
    ann, nobody = enter(audience, "ann"), enter(audience, None)
    elsewhere = enter(audience, None, "o")
    assert (audience.count("demo"), audience.count("nowhere")) == (2, 0)
    audience.say("demo", "online", note(1))
    audience.say("demo", "online", note(2))
    assert [ear.heard() for ear in (ann, nobody, elsewhere)] == [[2], [2], []]


def test_what_is_said_to_nobody_is_fine() -> None:
    audience = at_once()
    audience.say("demo", "online", note(1))
    audience.say_to("demo", ["ann"], "request r_1", note(1))
    audience.tell(HERE, None)
    assert not audience.rooms()


def test_what_is_said_to_some_users_reaches_each_connection_once() -> None:
    audience = at_once()
    ann, bob = enter(audience, "ann"), enter(audience, "bob")
    audience.say_to("demo", ["ann", "ann", "nobody"], "request r_1", note(1))
    audience.say_to("demo", ["ann"], "request r_2", note(2))
    assert (ann.heard(), bob.heard()) == ([1, 2], [])


# In slices


def test_who_leaves_in_the_middle_of_a_course_is_told_nothing_more() -> None:
    turns = Turns(chunk=1)
    audience = Audience(turns.sweep)

    class Closing(Ear):
        def hear_standing(self, stored: Stored) -> None:
            super().hear_standing(stored)
            audience.leave("demo", leaving)

    first = Closing("ann")
    audience.enter("demo", first)
    leaving, staying = enter(audience, "bob"), enter(audience, "cee")
    audience.say("demo", "online", note(1))
    audience.tell(HERE, None)
    turns.finish()
    assert (first.told, leaving.told, staying.told) == ([HERE], [], [HERE])


def test_who_enters_in_the_middle_of_a_course_is_left_to_what_they_read_at_the_door() -> None:
    turns = Turns(chunk=1)
    audience = Audience(turns.sweep)
    enter(audience, "ann")
    audience.say("demo", "online", note(1))
    late = enter(audience, "bob")
    turns.finish()
    assert late.heard() == []
    audience.say("demo", "online", note(2))
    turns.finish()
    assert late.heard() == [2]


def test_newest_of_a_slot_is_what_everybody_has_in_the_end_and_nobody_hears_an_older_after_it() -> (
    None
):
    turns = Turns()
    audience = Audience(turns.sweep)
    order: list[tuple[int, int]] = []

    class Noting(Ear):
        number = 0

        def hear_standing(self, stored: Stored) -> None:
            super().hear_standing(stored)
            order.append((self.number, stored.position.version))
            if (self.number, stored) == (CHUNK + 5, HERE):
                audience.tell(LATER, None)

    ears = [Noting() for _ in range(MANY)]
    for number, ear in enumerate(ears):
        ear.number = number
        audience.enter("demo", ear)
    audience.tell(HERE, None)
    turns.finish()
    for ear in ears:
        versions = [stored.position.version for stored in ear.told]
        assert versions == sorted(versions)
        assert versions[-1] == 2
    assert [stored.position.version for stored in ears[0].told] == [1, 2]
    assert ears[-1].told[0] == LATER


def test_slots_of_a_room_do_not_wait_for_each_other() -> None:
    turns = Turns()
    audience = Audience(turns.sweep)
    ears = crowd(audience)
    audience.say("demo", "online", note(1))
    audience.say("demo", "speaking", note(2))
    turns.finish()
    assert {tuple(sorted(ear.heard())) for ear in ears} == {(1, 2)}


def test_course_of_a_room_that_everybody_left_reaches_nobody_who_came_anew() -> None:
    turns = Turns()
    audience = Audience(turns.sweep)
    old = enter(audience, "ann")
    audience.say("demo", "online", note(1))
    audience.leave("demo", old)
    new = enter(audience, "ann")
    turns.finish()
    assert (old.heard(), new.heard()) == ([], [])


def test_nothing_that_was_said_is_held_when_everybody_has_heard_it() -> None:
    turns = Turns()
    audience = Audience(turns.sweep)
    enter(audience, "ann")
    audience.say("demo", "online", note(1))
    audience.tell(HERE, None)
    turns.finish()
    courses = audience._rooms["demo"].courses.values()
    assert [(course.message, course.stored) for course in courses] == [(None, None)] * 2
