"""Processes that are pinned, measured from outside, and ended whatever happens."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

SERVER_CORE = 0
LOAD_CORE = min(1, (os.cpu_count() or 1) - 1)
PORTS = range(10_000, 32_000)
"""Below those that Linux gives to connections on their way out."""
READY_S = 30
LEAVE_S = 15
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class Child:
    """A process that runs, with those that it has started."""

    def __init__(self, started: subprocess.Popen[bytes]) -> None:
        self._started = started

    @property
    def output(self) -> IO[bytes]:
        """What it says."""
        assert self._started.stdout is not None
        return self._started.stdout

    def tell(self, line: bytes) -> None:
        """Send one line."""
        assert self._started.stdin is not None
        self._started.stdin.write(line + b"\n")
        self._started.stdin.flush()

    def order(self, line: bytes) -> bytes:
        """Send one line and wait for the line that answers it."""
        self.tell(line)
        answer = self.output.readline()
        if not answer:
            raise RuntimeError(f"{self._started.args!r} has ended")
        return answer

    def wait_for_port(self, port: int) -> None:
        """Wait until it listens.

        Raises:
            RuntimeError: it has ended, or takes too long.
        """
        until = time.monotonic() + READY_S
        while self._started.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self._started.args!r} does not listen")

    def cpu_s(self) -> float:
        """Give the seconds of CPU used so far by all its processes, user and system."""
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self.pids())  # its own CPU clock

    def rss_bytes(self) -> int:
        """Give the resident memory of all its processes."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return pages * resource.getpagesize()

    def pids(self) -> list[int]:
        """Name the process and its children."""
        pid = self._started.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]


@contextmanager
def child(
    command: Sequence[str | Path], core: int, env: dict[str, str] | None = None
) -> Iterator[Child]:
    """Run a process on one core with as many open files as it may have."""
    started = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | (env or {}),
        preexec_fn=lambda: _settle(core),  # noqa: PLW1509 - no threads yet when servers start
    )
    try:
        yield Child(started)
    finally:
        started.terminate()
        try:
            started.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
        for pipe in (started.stdin, started.stdout):
            assert pipe is not None
            pipe.close()


def _settle(core: int) -> None:
    """Between fork and exec: its core, its open files, and its end with ours."""
    os.sched_setaffinity(0, {core})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def on_load_core() -> Iterator[None]:
    """Keep this process away from the server's core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """Give a port that is free, and that no connection on its way out is given meanwhile."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(("127.0.0.1", port))
            return port
