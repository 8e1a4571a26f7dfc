from __future__ import annotations

import logging
from typing import Any

import pytest

from gateway.commits.audit import Audit, Line
from gateway.commits.chronicle import Chronicle
from gateway.commits.workings import Outcome
from gateway.metrics.instruments import Metrics
from room.actor import Actor
from room.commands import Envelope, Request, SystemExpire, SystemReap, read_request
from room.messages import Ack
from room.position import Position
from room.rules import Ended

BOB = Actor("bob", nickname="Secret Nick", avatar="secret/face")
SCORES = Actor("scores", "service", docs=("*",))
ENDED = Ended("p_1", "ann", 2, "kicked")


class Lines:
    """Keeps the lines of the audit."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def write(self, line: Line) -> None:
        self.lines.append(line)

    def reopen(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""


class Book:
    """A chronicle, and where it writes."""

    def __init__(self) -> None:
        self.lines, self.metrics = Lines(), Metrics()
        self.chronicle = Chronicle(self.metrics, Audit(self.lines, lambda: 1234))

    def end(self, request: Request, code: str = "ok", *ended: Ended) -> None:
        """A command ended."""
        ack = Ack(cmd_id="c1", changed=True, epoch=7, version=3)
        outcome = Outcome(True, ack, ended) if code == "ok" else None
        self.chronicle.on_command("demo", BOB, request, code, outcome)


@pytest.fixture
def book() -> Book:
    return Book()


def request(name: str, **args: Any) -> Request:
    """A command as it is read."""
    return read_request(Envelope(name, "c1", args))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what was logged."""
    return [record.message for record in caplog.records]


def test_accepted_command_is_counted_audited_and_logged(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    book.end(request("seat.kick", user_id="ann"), "ok", ENDED)
    assert b'seatsync_commands_total{cmd="seat.kick",code="ok"} 1.0' in book.metrics.render()
    [line] = book.lines.lines
    assert (line.cmd, line.code, line.position) == ("seat.kick", "ok", "7.3")
    assert said(caplog) == ["command", "participation ended"]
    command, ended = (record.__dict__ for record in caplog.records)
    assert (command["user"], command["cmd_id"], command["at"]) == ("bob", "c1", "7.3")
    assert (ended["participation_id"], ended["reason"]) == ("p_1", "kicked")


def test_refused_command_is_counted_audited_and_logged_with_its_code(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    book.end(request("seat.kick", user_id="ann"), "FORBIDDEN")
    assert b'{cmd="seat.kick",code="FORBIDDEN"} 1.0' in book.metrics.render()
    [line] = book.lines.lines
    assert (line.code, line.position) == ("FORBIDDEN", None)
    assert said(caplog) == ["command refused"]
    assert caplog.records[0].__dict__["code"] == "FORBIDDEN"


def test_command_is_counted_and_audited_where_the_log_says_less(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    book.end(request("seat.kick", user_id="ann"))
    assert said(caplog) == []
    assert len(book.lines.lines) == 1
    assert b'code="ok"} 1.0' in book.metrics.render()


def test_command_of_everyday_is_not_audited(book: Book) -> None:
    book.end(request("seat.leave"))
    assert book.lines.lines == []


def test_name_and_picture_are_never_written(book: Book, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    book.end(request("seat.kick", user_id="ann"), "ok", ENDED)
    book.chronicle.on_document("demo", BOB, "x-score", "FORBIDDEN", None)
    everything = repr([record.__dict__ for record in caplog.records]) + repr(book.lines.lines)
    assert "ecret" not in everything


def test_system_command_is_logged_if_it_changed_something(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    book.chronicle.on_system("demo", SystemExpire(), Outcome(False, None))
    assert said(caplog) == []
    reap = SystemReap("p_1", "lease_expired")
    book.chronicle.on_system("demo", reap, Outcome(True, None, (ENDED,)))
    assert said(caplog) == ["system command", "participation ended"]
    assert caplog.records[0].__dict__["cmd"] == "system.reap"
    assert book.lines.lines == []


@pytest.mark.parametrize(("code", "position"), [("ok", Position(7, 2)), ("FORBIDDEN", None)])
def test_document_that_a_service_set_is_counted_audited_and_logged(
    book: Book, caplog: pytest.LogCaptureFixture, code: str, position: Position | None
) -> None:
    caplog.set_level(logging.INFO)
    book.chronicle.on_document("demo", SCORES, "x-score", code, position)
    assert b'seatsync_documents_total{code="%s"} 1.0' % code.encode() in book.metrics.render()
    [line] = book.lines.lines
    assert (line.cmd, line.whom, line.code) == ("document.set", {"doc": "x-score"}, code)
    assert line.position == (None if position is None else str(position))
    assert said(caplog) == ["document"]
