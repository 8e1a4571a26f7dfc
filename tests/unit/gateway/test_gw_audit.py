from __future__ import annotations

import errno
import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.commits.audit import LOGGER, PRIVILEGED, Audit
from gateway.logs import set_up_logs
from room.actor import Actor
from room.commands import COMMANDS, Envelope, read_request
from room.errors import CannotStart
from room.messages import Ack
from room.policy import POLICY
from room.position import Position

BOB = Actor("bob", nickname="Secret Nick", avatar="secret/face")
OPS = Actor("ops", "staff", ("operator", "reviewer"))
ACK = Ack(cmd_id="c1", changed=True, epoch=7, version=3)
KICK: dict[str, Any] = {"cmd": "seat.kick", "user_id": "eve", "seat_index": 2}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def audit(path: Path) -> Iterator[Audit]:
    opened = Audit.open(path, lambda: 1234)
    yield opened
    opened.close()


def write(audit: Audit, actor: Actor = BOB, code: str = "ok", *, cmd: str, **args: Any) -> None:
    request = read_request(Envelope(cmd, "c1", args))
    audit.record("r1", actor, request, code, ACK if code == "ok" else None)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_says_who_did_what_to_whom_and_how_it_ended(audit: Audit, path: Path) -> None:
    write(audit, OPS, **KICK)
    assert lines(path) == [
        {
            "ts": 1234,
            "room": "r1",
            "actor": "ops",
            "kind": "staff",
            "roles": ["operator", "reviewer"],
            "cmd": "seat.kick",
            "cmd_id": "c1",
            "whom": {"user_id": "eve", "seat_index": 2},
            "code": "ok",
            "position": "7.3",
            "reason": None,
        }
    ]


def test_a_refused_attempt_is_written_down_too(audit: Audit, path: Path) -> None:
    write(audit, code="TARGET_OUTRANKS", **KICK)
    (line,) = lines(path)
    assert (line["code"], line["position"]) == ("TARGET_OUTRANKS", None)


def test_an_attempt_that_came_too_fast_does_not_fill_the_log(audit: Audit, path: Path) -> None:
    write(audit, code="RATE_LIMITED", **KICK)
    assert lines(path) == []


def test_neither_nickname_nor_picture_is_written(audit: Audit, path: Path) -> None:
    write(audit, **KICK)
    assert "ecret" not in path.read_text()


def test_a_reason_with_line_ends_stays_on_its_line(audit: Audit, path: Path) -> None:
    write(audit, cmd="session.end", reason='two\nlines\u2028"quoted"')
    assert path.read_bytes().count(b"\n") == 1
    assert lines(path)[0]["reason"] == 'two\nlines\u2028"quoted"'


def test_moving_oneself_is_nobodys_business_and_moving_others_is(audit: Audit, path: Path) -> None:
    write(audit, cmd="seat.move", to=3)
    write(audit, cmd="seat.move", to=3, user_id="bob")
    assert lines(path) == []
    write(audit, cmd="seat.move", to=3, user_id="eve")
    assert lines(path)[0]["whom"] == {"user_id": "eve"}


def test_the_request_that_was_answered_is_named(audit: Audit, path: Path) -> None:
    write(audit, cmd="request.accept", request_id="q_1")
    assert lines(path)[0]["whom"] == {"request_id": "q_1"}


def test_a_seat_is_named_even_where_it_is_the_first_or_all(audit: Audit, path: Path) -> None:
    write(audit, cmd="seat.lock", seat_index=0)
    write(audit, cmd="seat.lock", seat_index="all")
    assert [line["whom"]["seat_index"] for line in lines(path)] == [0, "all"]


@pytest.mark.parametrize(
    ("cmd", "args"),
    [
        ("seat.take", {"seat_index": 1}),
        ("seat.leave", {}),
        ("mic.set", {"on": True}),
        ("request.apply", {}),
        ("invite.accept", {"request_id": "q_1"}),
    ],
)
def test_what_one_does_for_oneself_is_not_written(
    audit: Audit, path: Path, cmd: str, args: dict[str, Any]
) -> None:
    write(audit, cmd=cmd, **args)
    assert lines(path) == []


def test_every_command_that_is_not_for_members_is_privileged() -> None:
    """A command that joins the policy table is judged here too, or this fails."""
    own = {"seat.take", "seat.leave", "seat.move", "mic.set"}
    own |= {"request.apply", "request.cancel", "invite.accept", "invite.reject"}
    names = {name for name, who in POLICY.items() if "system" not in who}
    assert names - own == PRIVILEGED
    assert COMMANDS.keys() >= PRIVILEGED


def test_setting_a_document_is_written_down(audit: Audit, path: Path) -> None:
    service = Actor("score", "service", docs=("x-score",))
    audit.record_document("r1", service, "x-score", "ok", Position(7, 1))
    audit.record_document("r1", BOB, "x-score", "FORBIDDEN")
    first, second = lines(path)
    assert (first["cmd"], first["whom"], first["position"]) == (
        "document.set",
        {"doc": "x-score"},
        "7.1",
    )
    assert (second["actor"], second["code"], second["position"]) == ("bob", "FORBIDDEN", None)


def test_the_file_is_for_its_owner_alone_under_any_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        Audit.open(path, lambda: 0).close()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_in_the_file_stays_there(path: Path) -> None:
    for _ in range(2):
        audit = Audit.open(path, lambda: 0)
        write(audit, **KICK)
        audit.close()
    assert len(lines(path)) == 2


def test_after_a_rotation_a_new_file_is_written(audit: Audit, path: Path) -> None:
    write(audit, **KICK)
    moved = path.with_suffix(".1")
    path.rename(moved)
    write(audit, **KICK)
    audit.reopen()
    write(audit, **KICK)
    assert (len(lines(moved)), len(lines(path))) == (2, 1)
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_a_new_file_cannot_be_opened_the_old_one_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    audit = Audit.open(folder / "audit.jsonl", lambda: 0)
    folder.rename(tmp_path / "away")
    audit.reopen()
    write(audit, **KICK)
    audit.close()
    assert len(lines(tmp_path / "away" / "audit.jsonl")) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_file_that_cannot_be_opened_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as refused:
        Audit.open(tmp_path / "nowhere" / "audit.jsonl", lambda: 0)
    assert str(tmp_path / "nowhere") in refused.value.message


def test_a_write_error_is_logged_with_the_line_and_fails_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    full = Audit.open(Path("/dev/full"), lambda: 0)
    write(full, **KICK)
    full.close()
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert json.loads(vars(record)["line"])["whom"]["user_id"] == "eve"


def test_after_half_a_line_the_next_one_begins_anew(
    audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, calls = os.write, iter([20, None])

    def short(descriptor: int, data: bytes) -> int:
        size = next(calls, 0)
        if size is None:
            raise OSError(errno.ENOSPC, "no space left")
        return really(descriptor, data[:size] if size else data)

    monkeypatch.setattr("gateway.commits.audit.os.write", short)
    write(audit, **KICK)
    write(audit, **KICK)
    write(audit, **KICK)
    torn, *whole = path.read_text().splitlines()
    assert len(torn) == 20
    assert [json.loads(line)["cmd"] for line in whole] == ["seat.kick"] * 2


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, own = logging.getLogger(), logging.getLogger(LOGGER)
    kept = root.handlers[:], root.level, own.level
    written = io.StringIO()
    set_up_logs("error", written)
    yield written
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    own.setLevel(kept[2])


def test_without_a_file_the_lines_go_to_the_log_at_any_level(stream: io.StringIO) -> None:
    audit = Audit.open(None, lambda: 1234)
    write(audit, OPS, **KICK)
    audit.reopen()
    audit.close()
    line = json.loads(stream.getvalue())
    assert line["logger"] == "seatsync.audit"
    assert (line["ts"], line["actor"], line["whom"]["user_id"]) == (1234, "ops", "eve")
