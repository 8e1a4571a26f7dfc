"""What nodes of one store tell each other: hints, never truth; lost, repeated and reordered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Notice(NamedTuple):
    """A document may stand elsewhere than before; read it to know."""

    room: str
    doc: str
    """``state`` for the room itself, its requests included; else an ``x-`` document."""


class Voices(NamedTuple):
    """Who speaks now in a room, among those whom one node serves."""

    node: str
    room: str
    user_ids: tuple[str, ...]


class Listener(Protocol):
    """Who is told on a node; synchronous, and quick."""

    def on_notice(self, notice: Notice) -> None:
        """Another node, or this one, changed a document."""
        ...

    def on_voices(self, voices: Voices) -> None:
        """Another node says who speaks there."""
        ...

    def on_gap(self) -> None:
        """Notices may have been lost: compare everything that is watched."""
        ...


class Bus(Protocol):
    """The way between nodes."""

    async def run(self, listener: Listener) -> None:
        """Listen until cancelled; reconnects by itself and says ``on_gap`` each time it did."""
        ...

    async def notify(self, notice: Notice) -> None:
        """Tell every node that a document changed, after its commit.

        Raises:
            Unavailable: nobody was told; they find out by comparing.
        """
        ...

    async def speak(self, voices: Voices) -> None:
        """Tell every other node who speaks here.

        Raises:
            Unavailable: nobody was told.
        """
        ...

    async def count(self, node: str, online: Mapping[str, int]) -> dict[str, int]:
        """Report this node's connections by room and learn those of all nodes together.

        Raises:
            Unavailable: the store does not answer.
        """
        ...


class LocalBus:
    """A node that is alone."""

    async def run(self, listener: Listener) -> None:
        """Nothing ever comes."""

    async def notify(self, notice: Notice) -> None:
        """Nobody to tell."""

    async def speak(self, voices: Voices) -> None:
        """Nobody to tell."""

    async def count(self, node: str, online: Mapping[str, int]) -> dict[str, int]:
        """Count this node alone."""
        return dict(online)
