"""What is to be injected now: shared by the threads of a worker, replaced and never changed."""

from __future__ import annotations

from typing import NamedTuple


class Supply(NamedTuple):
    """The newest snapshot of a room as messages; empty while its state is not known."""

    epoch: int = -1
    version: int = -1
    messages: tuple[bytes, ...] = ()


class SupplyBox:
    """Holds the newest supply of one room and size limit; one writer, any readers."""

    __slots__ = ("newest",)

    def __init__(self) -> None:
        self.newest = Supply()
