from __future__ import annotations

from push_samples import Bell, edition, read, take_all

from gateway.push.audience import Audience
from gateway.push.mailbox import Mailbox
from room.snapshot import Stored

HERE = edition().stored


class Ear:
    """A connection, and what it is told of its standing."""

    def __init__(self) -> None:
        self.mailbox = Mailbox("member", Bell())
        self.told: list[Stored] = []

    def __call__(self, stored: Stored) -> None:
        self.told.append(stored)


def enter(audience: Audience, user_id: str | None, room: str = "demo") -> Ear:
    """Connect somebody."""
    ear = Ear()
    audience.enter(room, user_id, ear.mailbox, ear)
    return ear


def test_all_connections_of_a_user_are_told() -> None:
    audience = Audience()
    phone, desk = enter(audience, "ann"), enter(audience, "ann")
    audience.tell(HERE, ["ann"])
    assert phone.told == desk.told == [HERE]


def test_other_users_and_other_rooms_are_not_told() -> None:
    audience = Audience()
    bob, elsewhere = enter(audience, "bob"), enter(audience, "ann", "other")
    audience.tell(HERE, ["ann", "nobody"])
    assert bob.told == elsewhere.told == []


def test_who_left_is_not_told_and_not_kept() -> None:
    audience = Audience()
    ear, other = enter(audience, "ann"), enter(audience, "ann")
    audience.leave("demo", ear.mailbox)
    audience.tell(HERE, ["ann"])
    assert (ear.told, other.told) == ([], [HERE])
    assert audience.is_present("demo", "ann")
    audience.leave("demo", other.mailbox)
    assert not audience.is_present("demo", "ann")
    assert not audience.rooms()
    assert not audience._users


def test_leaving_unknown_is_fine() -> None:
    audience = Audience()
    audience.leave("demo", Ear().mailbox)
    ear = enter(audience, "ann")
    audience.leave("demo", Ear().mailbox)
    audience.leave("other", ear.mailbox)
    audience.tell(HERE, ["ann"])
    assert ear.told == [HERE]


def test_listener_may_leave_while_being_told() -> None:
    audience, mailbox = Audience(), Mailbox("member", Bell())

    def leaving(_: Stored) -> None:
        audience.leave("demo", mailbox)
        audience.leave("demo", soon.mailbox)

    audience.enter("demo", "ann", mailbox, leaving)
    soon, late = enter(audience, "ann"), enter(audience, "ann")
    audience.tell(HERE, ["ann"])
    audience.tell(HERE, ["ann"])
    assert (soon.told, late.told) == ([], [HERE, HERE])


def test_everybody_present_in_the_room_is_told_where_nobody_is_named() -> None:
    audience = Audience()
    ann, bob, elsewhere = enter(audience, "ann"), enter(audience, "bob"), enter(audience, "a", "o")
    audience.tell(HERE, None)
    assert (ann.told, bob.told, elsewhere.told) == ([HERE], [HERE], [])


def test_what_is_said_to_a_room_reaches_callers_without_a_token_too() -> None:
    audience = Audience()
    ann, nobody, elsewhere = (
        enter(audience, "ann"),
        enter(audience, None),
        enter(audience, None, "o"),
    )
    assert (audience.count("demo"), audience.count("nowhere")) == (2, 0)
    audience.say("demo", "online", b'{"count":1}')
    audience.say("demo", "online", b'{"count":2}')
    for ear in (ann, nobody):
        assert [read(item) for item in take_all(ear.mailbox)] == [{"count": 2}]
    assert take_all(elsewhere.mailbox) == []


def test_what_is_said_to_some_users_reaches_each_connection_once() -> None:
    audience = Audience()
    ann, bob = enter(audience, "ann"), enter(audience, "bob")
    audience.say_to("demo", ["ann", "ann", "nobody"], "request r_1", b'{"n":1}')
    audience.say_to("demo", ["ann"], "request r_2", b'{"n":2}')
    assert [read(item) for item in take_all(ann.mailbox)] == [{"n": 1}, {"n": 2}]
    assert take_all(bob.mailbox) == []
