"""Programs as processes of their own: none is left behind, whatever happens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

PATIENCE_S = 15.0


class Processes:
    """Starts programs by name; what they log goes to a file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(
        self, name: str, *command: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a program; its output is to be read where somebody looks for a line in it."""
        assert name not in self._running
        with self.log(name).open("ab") as log:
            self._running[name] = await asyncio.create_subprocess_exec(
                *command,
                env=None if environment is None else dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if environment else log,
                stderr=log,
            )

    def log(self, name: str) -> Path:
        """Give the file that a program logs to."""
        return self._folder / f"{name}.log"

    async def find(self, name: str, pattern: str) -> str:
        """Read lines that a program prints until one fits; give its first group."""
        output = self._running[name].stdout
        assert output is not None
        async with asyncio.timeout(PATIENCE_S):
            while line := (await output.readline()).decode():
                if match := re.search(pattern, line):
                    return match[1]
        raise AssertionError(f"{name} ended: {self.log(name).read_text()[-2000:]}")

    async def kill(self, name: str) -> None:
        """End a program with SIGKILL; it has no time to say anything."""
        child = self._running.pop(name)
        if child.returncode is None:
            child.kill()
        await child.communicate()

    @classmethod
    @asynccontextmanager
    async def in_folder(cls, folder: Path) -> AsyncIterator[Processes]:
        """Keep programs for a while."""
        processes = cls(folder)
        try:
            yield processes
        finally:
            for name in tuple(processes._running):
                await processes.kill(name)
