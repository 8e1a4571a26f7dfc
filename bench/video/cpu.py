"""CPU of a piece of work in this process, and of a process as a whole."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any


def cpu_here(work: Callable[[], Any]) -> float:
    """Run something; gives its seconds of CPU, user and system."""
    before = time.process_time()
    work()
    return time.process_time() - before


def cpu_of(command: Sequence[str]) -> float:
    """Run a program to its end; gives its seconds of CPU, user and system, start included."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command[0]} ended with status {child.returncode}")
    return used.ru_utime + used.ru_stime
