"""What may block, a disk or a pipe, is written to by a thread of its own."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, Final

from sei.packets.backlog import Backlog
from sei.packets.muxed import Say
from sei.packets.opening import reason

_log: Final = logging.getLogger(__name__)
CLOSE_S: Final = 5.0

Job = Callable[[], object]


class Writer:
    """Does jobs in order in a thread; the first that fails ends it, and the rest is lost.

    Args:
        name: for logs and the thread.
        backlog: of the bytes that wait.
        say: told what failed; from the thread.
    """

    def __init__(self, name: str, backlog: Backlog, say: Say) -> None:
        self.backlog: Final = backlog
        self._name: Final = name
        self._say: Final = say
        self._jobs: Final[deque[tuple[Job, int]]] = deque()
        self._changed: Final = threading.Condition()
        self._closing = self.failed = False
        # A disk or a pipe that takes nothing more must not keep the process alive.
        self._thread: Final = threading.Thread(target=self._work, name=f"write {name}", daemon=True)
        self._thread.start()

    def submit(self, job: Job, size: int = 0) -> None:
        """Have a job done that writes so many bytes; never waits."""
        if self.failed:
            return
        self.backlog.add(size)
        with self._changed:
            self._jobs.append((job, size))
            self._changed.notify()

    def close(self) -> None:
        """Have the jobs done that wait, within 5 s."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            lost = self.backlog.waiting_bytes
            _log.error("%s takes nothing; its last %d bytes are lost", self._name, lost)

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            job, size = taken
            try:
                if not self.failed:
                    job()
            except OSError as error:
                self._fail(reason(error))
            finally:
                self.backlog.remove(size)

    def _take(self) -> tuple[Job, int] | None:
        with self._changed:
            while not self._jobs:
                if self._closing:
                    return None
                self._changed.wait()
            return self._jobs.popleft()

    def _fail(self, what: str) -> None:
        self.failed = True
        _log.error("%s: cannot be written: %s", self._name, what)
        self._say(f"UNAVAILABLE: cannot be written: {what}")


class Target:
    """A file that is written through a writer; opened by the first job.

    Args:
        open_target: opens it.
    """

    def __init__(self, open_target: Callable[[], BinaryIO]) -> None:
        self._open_target: Final = open_target
        self._file: BinaryIO | None = None
        self._whole_bytes = 0

    def write(self, chunk: bytes) -> None:
        """Write all of a chunk; of one that does not fit nothing stays."""
        if self._file is None:
            self._file = self._open_target()
        left = memoryview(chunk)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            with suppress(OSError):  # a pipe, which cannot take anything back
                self._file.truncate(self._whole_bytes)
            self.close()
            raise
        self._whole_bytes += len(chunk)

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._file is not None:
            self._file.close()


def open_stdout() -> BinaryIO:
    """Open standard output as it was when the process began, whatever ``sys.stdout`` is now."""
    return os.fdopen(os.dup(1), "wb", buffering=0)
