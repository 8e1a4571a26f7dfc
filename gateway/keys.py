"""The public keys of what goes into streams, out of a file that is replaced at rotation."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from room.errors import CannotStart, SeatsyncError

log = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 64 * 1024


class KeyFile(NamedTuple):
    """Where the keys are, and who understands them: the format is none of the gateway's."""

    path: Path
    read: Callable[[bytes], bytes]
    """Takes the bytes of the file, gives what everybody may see; raises SeatsyncError, above all
    where the file holds a secret."""


class Published(NamedTuple):
    """The keys, ready to send."""

    body: bytes
    etag: str


class PublishedKeys:
    """Holds what the file says; a file that can't be used leaves the keys before it in force.

    Args:
        file: the keys.

    Raises:
        CannotStart: it can't be read, or is not fit to be shown.
    """

    def __init__(self, file: KeyFile) -> None:
        self._file: Final = file
        self._seen = self._stamp()
        try:
            self._published = self._read()
        except SeatsyncError as error:
            raise CannotStart(f"the key file {file.path}: {error.message}") from error

    def newest(self) -> Published:
        """Give the keys, read anew if the file has changed; else this costs one ``stat``."""
        if self._stamp() != self._seen:
            self.reload()
        return self._published

    def reload(self) -> None:
        """Read the file again; what is wrong with it is logged, once a change."""
        self._seen = self._stamp()  # first: what is written while it is read counts as new
        try:
            self._published = self._read()
        except SeatsyncError as error:
            log.error(  # noqa: TRY400 - the cause is said
                "the key file can't be used, the keys before it stay",
                extra={"code": error.code, "cause": error.message},
            )

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = os.stat(self._file.path)
        except OSError:
            return None  # reading it will say why
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _read(self) -> Published:
        try:
            with self._file.path.open("rb") as opened:
                text = opened.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise SeatsyncError(f"{error.strerror}") from error
        if len(text) > MAX_FILE_BYTES:
            raise SeatsyncError(f"it is over {MAX_FILE_BYTES} bytes", code="TOO_LARGE")
        body = self._file.read(text)
        return Published(body, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
