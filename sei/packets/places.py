"""Where segments and playlists are put: in memory for players, or in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from sei.outputs.shelf import Shelf
from sei.packets.writer import Writer


class Place(Protocol):
    """Takes contents by name."""

    def put(self, name: str, content: bytes) -> bool:
        """Put a content in place of what had its name; tell whether there was room."""
        ...

    def remove(self, name: str) -> None:
        """Take a name away; one that is not there is no error."""
        ...

    def close(self) -> None:
        """Have done what is under way."""
        ...


class ShelfPlace:
    """Memory, from which the event loop serves players."""

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

    Args:
        path: the folder; made where it is missing.
        writer: writes; closed with the folder.
    """

    def __init__(self, path: Path, writer: Writer) -> None:
        self._path: Final = path
        self._writer: Final = writer

    def put(self, name: str, content: bytes) -> bool:
        """Have a file written, unless the disk is too far behind."""
        if self._writer.failed or self._writer.backlog.is_high:
            return False
        self._writer.submit(lambda: self._write(name, content), len(content))
        return True

    def remove(self, name: str) -> None:
        """Have a file deleted."""
        self._writer.submit(lambda: (self._path / name).unlink(missing_ok=True))

    def remove_listed(self, playlist: str, suffix: str) -> None:
        """Have the files deleted that a playlist of an earlier run names, and nothing else."""
        self._writer.submit(lambda: self._remove_listed(playlist, suffix))

    def close(self) -> None:
        """Have all written that waits."""
        self._writer.close()

    def _write(self, name: str, content: bytes) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        partial = self._path / f".{name}.part"
        partial.write_bytes(content)
        partial.replace(self._path / name)

    def _remove_listed(self, playlist: str, suffix: str) -> None:
        path = self._path / playlist
        if not path.is_file():
            return
        for line in path.read_text(errors="replace").splitlines():
            if line.endswith(suffix) and line[0] not in "#." and "/" not in line:
                (self._path / line).unlink(missing_ok=True)
