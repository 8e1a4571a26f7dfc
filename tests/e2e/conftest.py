from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

SECRET = "planted-secret-of-the-acceptance-tests"
PATIENCE_S = 60.0


class Program:
    """``seatsync`` as a process of its own; its logs go to a file."""

    def __init__(self, child: asyncio.subprocess.Process, log: Path) -> None:
        self.child = child
        self.log = log

    async def find(self, pattern: str) -> str:
        """Read lines of standard output until one fits; give its first group."""
        assert self.child.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self.child.stdout.readline()).decode():
                if match := re.search(pattern, line):
                    return match[1]
        raise AssertionError(f"no line fits {pattern}: {self.log.read_text()}")

    def terminate(self) -> None:
        self.child.send_signal(signal.SIGTERM)

    async def ended(self, within_s: float = PATIENCE_S) -> int:
        """Wait for the end and give the exit status."""
        async with asyncio.timeout(within_s):
            return await self.child.wait()


Start = Callable[..., "asyncio.Future[Program]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a process needs of ours, and none of the variables that the caller may have set."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("SEATSYNC_")
    }
    return {
        **inherited,
        "SEATSYNC_JWT_SECRET": SECRET,
        "SEATSYNC_DATA": str(tmp_path / "data"),
    }


@asynccontextmanager
async def _started(
    arguments: tuple[str, ...], environment: Mapping[str, str], log: Path
) -> AsyncIterator[Program]:
    with log.open("wb") as errors:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "seatsync",
            *arguments,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Program(child, log)
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


@pytest.fixture
async def start(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Start]:
    """Start ``seatsync`` with some arguments; every process is gone at the end of the test."""
    async with AsyncExitStack() as stack:
        numbers = iter(range(1000))

        async def begin(*arguments: str, **variables: str) -> Program:
            log = tmp_path / f"log-{next(numbers)}"
            context = _started(arguments, {**environment, **variables}, log)
            return await stack.enter_async_context(context)

        yield begin


class Result(NamedTuple):
    """What one run left behind."""

    status: int
    output: str
    errors: str

    @property
    def complaint(self) -> str:
        """The last line of standard error, of a run that failed in order."""
        assert "Traceback" not in self.errors, self.errors
        return self.errors.strip().rpartition("\n")[2]


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., Result]:
    """Run ``seatsync`` to its end."""

    def runner(*arguments: str, without: tuple[str, ...] = (), **variables: str) -> Result:
        complete = {**environment, **variables}
        done = subprocess.run(
            [sys.executable, "-m", "seatsync", *arguments],
            env={name: value for name, value in complete.items() if name not in without},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return runner
