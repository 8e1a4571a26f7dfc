"""Where this user's secret and database are kept."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from gateway.tokens.secret import find_secret
from room.errors import InvalidArgument
from seatsync.cli import kinds
from seatsync.cli.flags import Flags


def add_data_flag(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add ``--data``."""
    flags.add(
        parser,
        "--data",
        "folder of the token secret and the default database",
        default=default_folder(),
        kind=kinds.path,
        metavar="DIR",
    )


def default_folder() -> str:
    """Give the folder for lasting files of this user (XDG base directories)."""
    return os.path.join(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "seatsync")


def read_secret(folder: Path) -> bytes:
    """Give the signing key of the environment or of the data folder.

    Raises:
        InvalidArgument: it is too short, or the folder can't be used.
    """
    try:
        return find_secret(dict(os.environ), folder)
    except OSError as error:
        raise InvalidArgument(f"{folder}: {error.strerror}") from error
