from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import Any

import pytest

from sei.relay.child import WorkerProcess
from sei.relay.lifeline import Memory


def nothing(*_: object) -> None:
    return


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_a_process_that_cannot_be_watched_is_not_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []

    def runs_out(pid: int) -> int:
        made.append(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", runs_out)
    before = descriptors()
    with pytest.raises(OSError, match="Too many"):
        WorkerProcess(1, nothing, nothing, program=(sys.executable, "-c", "input()"))
    assert descriptors() == before
    with pytest.raises(ProcessLookupError):
        os.kill(made[0], 0)


async def test_a_program_that_is_not_there_leaves_no_descriptor() -> None:
    before = descriptors()
    with pytest.raises(FileNotFoundError):
        WorkerProcess(1, nothing, nothing, program=("/nonexistent/program",))
    assert descriptors() == before


async def test_standard_output_is_given_only_where_it_is_asked_for(
    capfd: pytest.CaptureFixture[str],
) -> None:
    program = (sys.executable, "-c", "print('written')")
    for with_stdout, written in ((False, ""), (True, "written\n")):
        child = WorkerProcess(1, nothing, nothing, program=program, with_stdout=with_stdout)
        await child.gone()
        child.kill()
        assert capfd.readouterr().out == written


def test_memory_is_read_without_a_new_descriptor() -> None:
    memory, before = Memory(), descriptors()
    assert memory.rss_bytes() > 1 << 20
    assert descriptors() == before
    memory.close()
    code = "import resource; from sei.relay.lifeline import Memory; m = Memory(); "
    code += "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0)); print(m.rss_bytes() > 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == "True\n", done.stderr
