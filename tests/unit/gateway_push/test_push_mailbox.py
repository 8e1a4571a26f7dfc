from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from push_samples import EPOCH, Bell, snapshot, take_all

from gateway.push.mailbox import MAX_MESSAGES, Key, Mailbox
from room.messages import Bye
from room.position import Position

KEY = Key("demo", "state")


@pytest.fixture
def mailbox(bell: Bell) -> Mailbox:
    return Mailbox("anonymous", bell)


def test_empty_mailbox_gives_nothing(mailbox: Mailbox, bell: Bell) -> None:
    assert mailbox.take() is None
    assert bell.rung == 0


def test_newer_snapshot_overwrites_the_one_that_waits(mailbox: Mailbox) -> None:
    newest = snapshot(9)
    assert mailbox.offer(snapshot(1))
    assert mailbox.offer(snapshot(2))
    assert mailbox.offer(newest)
    assert take_all(mailbox) == [newest]
    assert mailbox.skipped == 2


def test_snapshot_that_was_sent_is_not_skipped(mailbox: Mailbox) -> None:
    for version in (1, 2, 3):
        mailbox.offer(snapshot(version))
        mailbox.take()
    assert mailbox.skipped == 0


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize(("version", "epoch"), [(5, EPOCH), (4, EPOCH), (900, EPOCH - 1)])
def test_position_not_above_the_last_given_is_refused(
    mailbox: Mailbox, bell: Bell, version: int, epoch: int, taken: bool
) -> None:
    first = snapshot(5)
    mailbox.offer(first)
    if taken:
        mailbox.take()
    rung = bell.rung
    assert not mailbox.offer(snapshot(version, epoch=epoch))
    assert take_all(mailbox) == ([] if taken else [first])
    assert (bell.rung, mailbox.skipped) == (rung, 0)


def test_newer_epoch_is_taken_whatever_its_version(mailbox: Mailbox) -> None:
    mailbox.offer(snapshot(900))
    raised = snapshot(1, epoch=EPOCH + 1)
    assert mailbox.offer(raised)
    assert take_all(mailbox) == [raised]


def test_documents_have_a_slot_each(mailbox: Mailbox) -> None:
    one, two = snapshot(3, room="one"), snapshot(2, room="two")
    mailbox.offer(one)
    mailbox.offer(two)
    assert take_all(mailbox) == [one, two]
    assert mailbox.skipped == 0


def test_messages_go_before_policies_before_snapshots_before_the_end(mailbox: Mailbox) -> None:
    bye, state = Bye(code=4000, reason="drain"), snapshot()
    mailbox.say_bye(bye)
    mailbox.offer(state)
    mailbox.say_latest(("policy", "demo"), b"policy")
    mailbox.say(b"first")
    mailbox.say(b"second")
    assert take_all(mailbox) == [b"first", b"second", b"policy", state, bye]


def test_newest_policy_of_a_room_is_the_only_one(mailbox: Mailbox) -> None:
    mailbox.say_latest(("policy", "one"), b"old")
    mailbox.say_latest(("policy", "two"), b"other")
    mailbox.say_latest(("policy", "one"), b"new")
    assert take_all(mailbox) == [b"new", b"other"]


def test_first_goodbye_stands(mailbox: Mailbox, bell: Bell) -> None:
    first = Bye(code=4500, reason="expired")
    mailbox.say_bye(first)
    mailbox.say_bye(Bye(code=4000, reason="drain"))
    assert take_all(mailbox) == [first]
    assert bell.rung == 1


def test_everything_that_comes_in_wakes_the_driver(mailbox: Mailbox, bell: Bell) -> None:
    mailbox.say(b"message")
    mailbox.say_latest(("policy", "demo"), b"policy")
    mailbox.offer(snapshot())
    mailbox.say_bye(Bye(code=4000, reason="drain"))
    assert bell.rung == 4


def test_what_the_reader_has_is_not_sent(mailbox: Mailbox) -> None:
    mailbox.know(KEY, Position(EPOCH, 5))
    assert not mailbox.offer(snapshot(5))
    assert mailbox.offer(snapshot(6))


def test_knowing_less_than_was_given_changes_nothing(mailbox: Mailbox) -> None:
    mailbox.offer(snapshot(5))
    mailbox.know(KEY, Position(EPOCH, 3))
    assert not mailbox.offer(snapshot(4))


def test_forgotten_document_does_not_wait_and_may_be_sent_again(mailbox: Mailbox) -> None:
    mailbox.offer(snapshot(5))
    other = snapshot(1, room="other")
    mailbox.offer(other)
    mailbox.forget(KEY)
    assert take_all(mailbox) == [other]
    assert mailbox.offer(snapshot(5))


def test_forgetting_the_unknown_is_fine(mailbox: Mailbox) -> None:
    mailbox.forget(Key("nowhere", "state"))
    assert mailbox.take() is None


def test_mailbox_is_full_at_its_bound(mailbox: Mailbox) -> None:
    for _ in range(MAX_MESSAGES - 1):
        mailbox.say(b"message")
    assert not mailbox.is_full
    mailbox.say(b"message")
    assert mailbox.is_full
    mailbox.take()
    assert not mailbox.is_full


def test_snapshots_never_fill_it(mailbox: Mailbox) -> None:
    for version in range(1, 10 * MAX_MESSAGES):
        mailbox.offer(snapshot(version))
    assert not mailbox.is_full
    assert len(take_all(mailbox)) == 1


@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 2), st.integers(0, 4)))))
def test_positions_sent_rise_and_the_highest_arrives(
    steps: list[tuple[int, int] | None],
) -> None:
    mailbox = Mailbox("anonymous", Bell())
    sent: list[Position] = []
    offered: list[Position] = []
    for step in [*steps, None]:
        if step is None:
            sent += [item.position for item in take_all(mailbox)]  # type: ignore[union-attr]
        else:
            offered.append(Position(*step))
            mailbox.offer(snapshot(step[1], epoch=step[0]))
    assert sent == sorted(set(sent))
    assert sent[-1:] == ([max(offered)] if offered else [])
    assert len(sent) + mailbox.skipped <= len(offered)


def test_goodbye_waits_for_the_answer_to_what_was_accepted(mailbox: Mailbox) -> None:
    bye = Bye(code=4000, reason="drain")
    with mailbox.answering():
        mailbox.say_bye(bye)
        assert mailbox.is_leaving
        assert mailbox.take() is None
        mailbox.say(b"ack")
    assert [mailbox.take(), mailbox.take()] == [b"ack", bye]


def test_end_of_an_answer_rings_for_the_goodbye_that_waits(mailbox: Mailbox, bell: Bell) -> None:
    with mailbox.answering():
        mailbox.say_bye(Bye(code=4000, reason="drain"))
        rung = bell.rung
    assert bell.rung > rung


def test_what_is_told_again_and_again_never_keeps_a_document_waiting(mailbox: Mailbox) -> None:
    """A slow reader of many rooms, in all of which somebody always speaks."""
    rooms = [f"r{number}" for number in range(100)]
    state = snapshot()
    for room in rooms:
        mailbox.say_latest(("speaking", room), b"speaking")
        mailbox.say_latest(("online", room), b"online")
    mailbox.offer(state)
    mailbox.say_latest(("request r_1", "demo"), b"request")
    assert [mailbox.take(), mailbox.take()] == [b"request", state]
    assert take_all(mailbox) == [b"speaking", b"online"] * 100
