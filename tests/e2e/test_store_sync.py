"""Acknowledged after fsync, by the order of system calls: the log is synced before it is said."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import store_writer

import store

ROOT = Path(store.__file__).parents[1]
COUNT = 20

LINE = re.compile(r"\d+\s+(?P<call>\w+)\((?P<fd>\d+)<(?P<path>[^>]*)>(?P<rest>.*)")
UNFINISHED = re.compile(r"(?P<pid>\d+)\s+(?P<call>.*) <unfinished \.\.\.>")
RESUMED = re.compile(r"(?P<pid>\d+)\s+<\.\.\. \w+ resumed>(?P<rest>.*)")


@pytest.fixture
def strace() -> str:
    """The program, where there is one that may trace here."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("there is no strace")
    tried = subprocess.run([program, "-o", os.devnull, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()}")
    return program


def trace(strace: str, folder: Path, *, synced: bool) -> list[str]:
    """Let a process write and acknowledge; gives its system calls, in the order they ended."""
    path, out = folder / "rooms.db", folder / "trace"
    calls = "trace=fsync,fdatasync,write,pwrite64,writev,pwritev"
    traced = [strace, "-f", "-y", "-s", "5000", "-e", calls, "-e", "signal=none", "-o", str(out)]
    writer = [sys.executable, store_writer.__file__, str(path), "run", "2", str(COUNT)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if not synced:
        environment["STORE_WITHOUT_SYNC"] = "1"
    done = subprocess.run(
        [*traced, *writer], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 7 * COUNT  # two writers of three acks, one of one
    return in_order(out.read_text().splitlines())


def in_order(lines: list[str]) -> list[str]:
    """Put calls that another thread interrupted together again.

    A sync counts from when it returned, a write from when it was begun.
    """
    begun: dict[str, str] = {}
    out = []
    for line in lines:
        if cut := UNFINISHED.fullmatch(line):
            whole = f"{cut['pid']} {cut['call']}"
            begun[cut["pid"]] = whole
            if "sync(" not in whole:
                out.append(whole)
        elif resumed := RESUMED.match(line):
            whole = begun.pop(resumed["pid"])
            if "sync(" in whole:
                out.append(whole + resumed["rest"])
        else:
            out.append(line)
    return out


def acks_before_sync(lines: list[str]) -> tuple[int, list[str]]:
    """Count the acks, and list those that were said before the log was synced with them in it.

    The next group may be on its way to the disk while one is acknowledged, so each is looked up by
    name: it must stand in a page that was written to the log before the log's last sync.
    """
    waiting, synced, count, early = b"", b"", 0, []
    for line in lines:
        call = LINE.match(line)
        if call is None:
            continue
        name, path, rest = call["call"], call["path"], call["rest"]
        if path.endswith("-wal") and "write" in name:
            waiting += rest.encode()
        elif path.endswith("-wal"):
            synced, waiting = synced + waiting, b""
        elif call["fd"] == "1" and (said := re.match(r", \"(state|doc) (\S+) ", rest)):
            count += 1
            if said[2].encode() not in synced:
                early.append(said[2])
    return count, early


def test_no_ack_is_said_before_the_log_is_synced_with_it(strace: str, tmp_path: Path) -> None:
    count, early = acks_before_sync(trace(strace, tmp_path, synced=True))
    assert count == 7 * COUNT
    assert early == []


def test_the_same_check_finds_a_store_that_does_not_sync(strace: str, tmp_path: Path) -> None:
    count, early = acks_before_sync(trace(strace, tmp_path, synced=False))
    assert len(early) == count == 7 * COUNT
