from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from push_samples import Outlet, mailbox_for, snapshot, take_all

from gateway.push.mailbox import MAX_MESSAGES, Key, Line, Mailbox
from room.messages import Bye
from room.snapshot import Encoded, Snapshot

DRAIN = Bye(code=4000, reason="drain")


@pytest.fixture
def outlet() -> Outlet:
    return Outlet()


@pytest.fixture
def mailbox(outlet: Outlet) -> Mailbox:
    """One that is shut."""
    return mailbox_for(outlet=outlet)


def line_to(mailbox: Mailbox, room: str = "demo") -> Line:
    return Line(Key(room, "state"), mailbox)


def bodies(items: list[Encoded]) -> list[bytes]:
    """Give what was said; of a snapshot its version."""
    return [
        b"%d" % item.position.version if isinstance(item, Snapshot) else item.body for item in items
    ]


# Shut


def test_empty_mailbox_gives_nothing(mailbox: Mailbox) -> None:
    assert mailbox.take() is None


def test_nothing_leaves_while_it_is_shut(mailbox: Mailbox, outlet: Outlet) -> None:
    mailbox.say(b"message")
    mailbox.say_latest(("policy", "demo"), Encoded(b"policy"))
    line_to(mailbox).offer(snapshot())
    mailbox.say_bye(DRAIN)
    assert (outlet.carried, outlet.byes) == ([], [])


def test_newer_snapshot_overwrites_the_one_that_waits(mailbox: Mailbox) -> None:
    line, newest = line_to(mailbox), snapshot(9)
    for item in (snapshot(1), snapshot(2), newest):
        assert line.offer(item)
    assert take_all(mailbox) == [newest]
    assert mailbox.skipped == 2


def test_snapshot_that_was_sent_is_not_skipped(mailbox: Mailbox) -> None:
    line = line_to(mailbox)
    for version in (1, 2, 3):
        line.offer(snapshot(version))
        mailbox.take()
    assert mailbox.skipped == 0


def test_documents_have_a_slot_each(mailbox: Mailbox) -> None:
    one, two = snapshot(3, room="one"), snapshot(2, room="two")
    line_to(mailbox, "one").offer(one)
    line_to(mailbox, "two").offer(two)
    assert take_all(mailbox) == [one, two]
    assert mailbox.skipped == 0


def test_messages_go_before_policies_before_snapshots_before_the_end(
    mailbox: Mailbox, outlet: Outlet
) -> None:
    mailbox.say_latest(("online", "demo"), Encoded(b"online"))
    line_to(mailbox).offer(snapshot(7))
    mailbox.say_latest(("policy", "demo"), Encoded(b"policy"))
    mailbox.say(b"first")
    mailbox.say(b"second")
    mailbox.say_bye(DRAIN)
    mailbox.open()
    assert bodies(outlet.carried) == [b"first", b"second", b"policy", b"7", b"online"]
    assert outlet.byes == [DRAIN]


def test_what_comes_after_the_goodbye_does_not_put_it_off(mailbox: Mailbox, outlet: Outlet) -> None:
    line = line_to(mailbox)
    line.offer(snapshot(7))
    mailbox.say_bye(DRAIN)
    line.offer(snapshot(8))
    mailbox.say_latest(("policy", "demo"), Encoded(b"policy"))
    mailbox.say_latest(("online", "demo"), Encoded(b"online"))
    mailbox.open()
    assert bodies(outlet.carried) == [b"7"]
    assert outlet.byes == [DRAIN]


def test_newest_policy_of_a_room_is_the_only_one(mailbox: Mailbox) -> None:
    for room, policy in (("one", b"old"), ("two", b"other"), ("one", b"new")):
        mailbox.say_latest(("policy", room), Encoded(policy))
    assert bodies(take_all(mailbox)) == [b"new", b"other"]


def test_mailbox_is_full_at_its_bound(mailbox: Mailbox) -> None:
    for _ in range(MAX_MESSAGES - 1):
        mailbox.say(b"message")
    assert not mailbox.is_full
    mailbox.say(b"message")
    assert mailbox.is_full
    mailbox.take()
    assert not mailbox.is_full


def test_snapshots_never_fill_it(mailbox: Mailbox) -> None:
    line = line_to(mailbox)
    for version in range(1, 10 * MAX_MESSAGES):
        line.offer(snapshot(version))
    assert not mailbox.is_full
    assert len(take_all(mailbox)) == 1


def test_what_is_told_again_and_again_never_keeps_a_document_waiting(mailbox: Mailbox) -> None:
    """A slow reader of many rooms, in all of which somebody always speaks."""
    for number in range(100):
        mailbox.say_latest(("speaking", f"r{number}"), Encoded(b"speaking"))
        mailbox.say_latest(("online", f"r{number}"), Encoded(b"online"))
    line_to(mailbox).offer(snapshot(7))
    mailbox.say_latest(("request r_1", "demo"), Encoded(b"request"))
    heard = bodies(take_all(mailbox))
    assert heard == [b"request", b"7", *[b"speaking", b"online"] * 100]


def test_mailbox_that_was_emptied_holds_no_container(mailbox: Mailbox) -> None:
    mailbox.say(b"message")
    mailbox.say_latest(("policy", "demo"), Encoded(b"policy"))
    mailbox.say_latest(("online", "demo"), Encoded(b"online"))
    line_to(mailbox).offer(snapshot())
    mailbox.open()
    kept = (mailbox._messages, mailbox._latest, mailbox._lossy, mailbox._pending)
    assert kept == (None, None, None, None)


# Open


def test_what_is_said_to_an_open_mailbox_leaves_at_once_and_is_not_kept(
    mailbox: Mailbox, outlet: Outlet
) -> None:
    mailbox.open()
    line, policy = line_to(mailbox), Encoded(b"policy")
    for version in (1, 2, 3):
        line.offer(snapshot(version))
    mailbox.say(b"message")
    mailbox.say_latest(("policy", "demo"), policy)
    assert bodies(outlet.carried) == [b"1", b"2", b"3", b"message", b"policy"]
    assert outlet.carried[-1] is policy
    assert (mailbox.take(), mailbox.skipped) == (None, 0)


def test_opening_stops_where_the_socket_takes_no_more_and_goes_on_from_there(
    mailbox: Mailbox, outlet: Outlet
) -> None:
    for number in range(5):
        mailbox.say(b"%d" % number)
    mailbox.say_bye(DRAIN)
    outlet.takes = 2
    mailbox.open()
    assert (bodies(outlet.carried), mailbox.is_open) == ([b"0", b"1"], False)
    mailbox.say(b"5")
    outlet.takes = None
    mailbox.open()
    assert bodies(outlet.carried) == [b"%d" % number for number in range(6)]
    assert outlet.byes == [DRAIN]


def test_goodbye_waits_for_a_socket_that_took_the_last_item_but_takes_no_more(
    mailbox: Mailbox, outlet: Outlet
) -> None:
    mailbox.say(b"last")
    mailbox.say_bye(DRAIN)
    outlet.takes = 1
    mailbox.open()
    assert (bodies(outlet.carried), outlet.byes) == ([b"last"], [])
    outlet.takes = None
    mailbox.open()
    assert outlet.byes == [DRAIN]


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.just("open"), st.just("shut"), st.tuples(st.integers(0, 2), st.integers(0, 4)))
    )
)
def test_positions_sent_rise_and_the_highest_arrives(
    steps: list[str | tuple[int, int]],
) -> None:
    outlet = Outlet()
    mailbox = mailbox_for(outlet=outlet)
    line, offered = line_to(mailbox), []
    for step in [*steps, "open"]:
        if isinstance(step, tuple):
            offered.append(snapshot(step[1], epoch=step[0]))
            line.offer(offered[-1])
        elif step == "open":
            mailbox.open()
        else:
            mailbox.shut()
    sent = [item.position for item in outlet.carried if isinstance(item, Snapshot)]
    assert sent == sorted(set(sent))
    assert sent[-1:] == ([max(item.position for item in offered)] if offered else [])
    assert len(sent) + mailbox.skipped <= len(offered)


# The end


def test_first_goodbye_stands(mailbox: Mailbox, outlet: Outlet) -> None:
    first = Bye(code=4500, reason="expired")
    mailbox.say_bye(first)
    mailbox.say_bye(DRAIN)
    mailbox.open()
    assert outlet.byes == [first]


def test_goodbye_is_said_once(mailbox: Mailbox, outlet: Outlet) -> None:
    mailbox.open()
    mailbox.say_bye(DRAIN)
    mailbox.say_bye(DRAIN)
    mailbox.begin_answer()
    mailbox.end_answer()
    mailbox.open()
    assert outlet.byes == [DRAIN]


@pytest.mark.parametrize("is_open", [True, False])
def test_goodbye_waits_for_the_answer_to_what_was_accepted(
    mailbox: Mailbox, outlet: Outlet, is_open: bool
) -> None:
    if is_open:
        mailbox.open()
    mailbox.begin_answer()
    mailbox.say_bye(DRAIN)
    assert (mailbox.is_leaving, outlet.byes) == (True, [])
    mailbox.say(b"ack")
    mailbox.end_answer()
    mailbox.open()
    assert (bodies(outlet.carried), outlet.byes) == ([b"ack"], [DRAIN])


def test_goodbye_waits_for_the_last_of_several_answers(mailbox: Mailbox, outlet: Outlet) -> None:
    mailbox.open()
    mailbox.begin_answer()
    mailbox.begin_answer()
    mailbox.say_bye(DRAIN)
    mailbox.end_answer()
    assert outlet.byes == []
    mailbox.end_answer()
    assert outlet.byes == [DRAIN]
