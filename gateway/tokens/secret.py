"""The key that signs tokens: from the environment, or made once and kept in the data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from room.errors import InvalidArgument

VARIABLE: Final = "SEATSYNC_JWT_SECRET"
MIN_BYTES: Final = 32
FILE_NAME: Final = "jwt-secret"


def find_secret(environment: dict[str, str], folder: Path) -> bytes:
    """Give the signing key, making one at the first start.

    Raises:
        InvalidArgument: it is too short, or its file is open to others.
        OSError: the folder can't be read or written.
    """
    given = environment.get(VARIABLE)
    if given is not None:
        return _long_enough(given.encode(), VARIABLE)
    path = folder / FILE_NAME
    try:
        return _kept(path)
    except FileNotFoundError:
        return _make(path)


def _kept(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise InvalidArgument(f"{path} is open to others: chmod 600 {path}")
    return _long_enough(path.read_bytes().strip(), str(path))


def _make(path: Path) -> bytes:
    """Write a new key; of two processes that try at once, the second takes the first's."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_hex(MIN_BYTES).encode() + b"\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _kept(path)


def _long_enough(secret: bytes, name: str) -> bytes:
    if len(secret) < MIN_BYTES:
        raise InvalidArgument(f"{name} has {len(secret)} bytes; {MIN_BYTES} at least")
    return secret
