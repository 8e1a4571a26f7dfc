"""Files that are never written over: a name that is taken gets a number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

_MOST: Final = 10_000


def names(path: Path) -> Iterator[Path]:
    """Give ``a.ts``, ``a-2.ts``, ``a-3.ts`` …"""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def open_fresh(path: Path) -> BinaryIO:
    """Make a file that is not there yet, and open it for writing.

    Raises:
        OSError: it cannot be made, or too many are there.
    """
    for name, _ in zip(names(path), range(_MOST), strict=False):
        try:
            return name.open("xb", buffering=0)  # a buffer writes once more when it is closed
        except FileExistsError:
            continue
    raise FileExistsError(f"{path} and {_MOST} more names are taken")
