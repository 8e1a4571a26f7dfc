"""The file: its lock and its connections."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from store.port import StoreUnusable


class Lock:
    """Keeps a second process off the file: two writers would mint the same positions."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise StoreUnusable(f"{path} is in use by another process") from None

    def release(self) -> None:
        """Let the next process in."""
        os.close(self._file)


def make(path: Path) -> None:
    """Make the file if it is not there, for nobody else to read; it holds private facts.

    Raises:
        OSError: it can't be made, or can't be written.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection for use in one thread at a time, transactions begun by hand.

    ``synchronous=FULL`` in WAL mode syncs the log before a COMMIT returns, and before any other
    connection sees what was committed.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA temp_store=MEMORY")  # a full disk must not stop a read
    return connection
