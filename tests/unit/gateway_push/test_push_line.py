from __future__ import annotations

import pytest
from push_samples import EPOCH, Outlet, mailbox_for, snapshot, take_all

from gateway.push.mailbox import Key, Line, Mailbox
from room.position import LARGEST, Position

KEY = Key("demo", "state")


@pytest.fixture
def outlet() -> Outlet:
    return Outlet()


@pytest.fixture
def mailbox(outlet: Outlet) -> Mailbox:
    """One that is shut."""
    return mailbox_for(outlet=outlet)


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize(("version", "epoch"), [(5, EPOCH), (4, EPOCH), (900, EPOCH - 1)])
def test_position_not_above_the_last_given_is_refused(
    mailbox: Mailbox, outlet: Outlet, version: int, epoch: int, is_open: bool
) -> None:
    line, first = Line(KEY, mailbox), snapshot(5)
    if is_open:
        mailbox.open()
    line.offer(first)
    assert not line.offer(snapshot(version, epoch=epoch))
    mailbox.open()
    assert (outlet.carried, mailbox.skipped) == ([first], 0)


def test_newer_epoch_is_taken_whatever_its_version(mailbox: Mailbox) -> None:
    line = Line(KEY, mailbox)
    line.offer(snapshot(900))
    raised = snapshot(1, epoch=EPOCH + 1)
    assert line.offer(raised)
    assert take_all(mailbox) == [raised]


def test_what_the_reader_holds_is_not_sent(mailbox: Mailbox) -> None:
    line = Line(KEY, mailbox, Position(EPOCH, 5))
    assert not line.offer(snapshot(5))
    assert line.offer(snapshot(6))


@pytest.mark.parametrize("is_open", [True, False])
def test_line_that_has_ended_brings_nothing_though_a_sweep_still_comes_by(
    mailbox: Mailbox, outlet: Outlet, is_open: bool
) -> None:
    if is_open:
        mailbox.open()
    line = Line(KEY, mailbox)
    line.end()
    assert not line.offer(snapshot(5))
    assert not line.offer(snapshot(LARGEST, epoch=LARGEST))
    mailbox.open()
    assert outlet.carried == []


def test_line_that_ends_takes_along_what_waits_of_it_and_nothing_else(mailbox: Mailbox) -> None:
    line, other = Line(KEY, mailbox), Line(Key("other", "state"), mailbox)
    stays = snapshot(1, room="other")
    line.offer(snapshot(5))
    other.offer(stays)
    line.end()
    assert take_all(mailbox) == [stays]


def test_new_line_of_the_same_document_begins_anew(mailbox: Mailbox) -> None:
    line, again = Line(KEY, mailbox), snapshot(5)
    line.offer(snapshot(5))
    line.end()
    assert Line(KEY, mailbox).offer(again)
    assert take_all(mailbox) == [again]


def test_line_sees_what_its_mailbox_sees() -> None:
    assert [Line(KEY, mailbox_for(view)).view for view in ("member", "anonymous")] == [
        "member",
        "anonymous",
    ]
