"""Where segments and playlists are put: in memory for players, or in a folder."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from sei.outputs.shelf import Shelf
from sei.packets.opening import reason
from sei.packets.writer import Writer

_log: Final = logging.getLogger(__name__)


class Place(Protocol):
    """Takes contents by name."""

    def put(self, name: str, content: bytes) -> bool:
        """Put a content in place of what had its name; tell whether there was room."""
        ...

    @property
    def trouble(self) -> str:
        """Why nothing can be put now; empty where all is well."""
        ...

    def remove(self, name: str) -> None:
        """Take a name away; one that is not there is no error."""
        ...

    def close(self) -> None:
        """Have done what is under way."""
        ...


class ShelfPlace:
    """Memory, from which the event loop serves players."""

    trouble: Final = ""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf: Final = shelf

    def put(self, name: str, content: bytes) -> bool:
        """Put a content on the shelf."""
        return self._shelf.put(name, content)

    def remove(self, name: str) -> None:
        """Take a name off the shelf."""
        self._shelf.remove(name)

    def close(self) -> None:
        """Leave what is there to players that are behind."""


class Folder:
    """A folder, written to by a thread of its own; every file appears whole.

    After an error nothing is kept until the disk takes something again.

    Args:
        path: the folder; made where it is missing.
        writer: writes; closed with the folder.
    """

    def __init__(self, path: Path, writer: Writer) -> None:
        self._path: Final = path
        self._writer: Final = writer
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why nothing can be written now."""
        return self._trouble

    def put(self, name: str, content: bytes) -> bool:
        """Have a file written, unless the disk is too far behind."""
        if self._writer.failed or self._writer.backlog.is_high:
            return False
        if self._trouble:
            self._writer.submit(lambda: self._try(name, content), len(content))
            return False
        self._writer.submit(lambda: self._write(name, content), len(content))
        return True

    def remove(self, name: str) -> None:
        """Have a file deleted."""
        self._writer.submit(lambda: self._remove(name))

    def remove_listed(self, playlist: str, suffix: str) -> None:
        """Have the files deleted that a playlist of an earlier run names, and nothing else."""
        self._writer.submit(lambda: self._remove_listed(playlist, suffix))

    def close(self) -> None:
        """Have all written that waits."""
        self._writer.close()

    def _write(self, name: str, content: bytes) -> None:
        if self._trouble:  # it was asked for before that: a playlist of what is not there
            return
        partial = self._path / f".{name}.part"
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
            partial.replace(self._path / name)
        except OSError as error:
            self._trouble = f"UNAVAILABLE: cannot be written: {reason(error)}"
            _log.error("%s: cannot be written: %s", self._path / name, reason(error))
            _forget(partial)

    def _try(self, name: str, content: bytes) -> None:
        """See whether the disk takes a content again; it is not kept."""
        partial = self._path / f".{name}.part"
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
        except OSError as error:
            self._trouble = f"UNAVAILABLE: cannot be written: {reason(error)}"
        else:
            self._trouble = ""
        _forget(partial)

    def _remove(self, name: str) -> None:
        try:
            (self._path / name).unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s: cannot be deleted: %s", self._path / name, reason(error))

    def _remove_listed(self, playlist: str, suffix: str) -> None:
        path = self._path / playlist
        if not path.is_file():
            return
        for line in path.read_text(errors="replace").splitlines():
            if line.endswith(suffix) and line[0] not in "#." and "/" not in line:
                (self._path / line).unlink(missing_ok=True)


def _forget(partial: Path) -> None:
    with suppress(OSError):
        partial.unlink(missing_ok=True)
