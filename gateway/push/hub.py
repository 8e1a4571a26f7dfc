"""Who follows which document, and the sweep that brings a new edition to all of them."""

from __future__ import annotations

from typing import Protocol

from gateway.push.mailbox import Key
from room.snapshot import Published, Snapshot
from room.views import View


class Follower(Protocol):
    """A mailbox, or a poll that waits."""

    @property
    def view(self) -> View:
        """What it sees."""
        ...

    def offer(self, snapshot: Snapshot) -> bool:
        """Take a snapshot if it is newer than what was taken before; tell whether it was."""
        ...


class Hub:
    """Those who follow a document at this node.

    Synchronous throughout: between two calls every follower has been given the newest edition.
    """

    def __init__(self) -> None:
        self._followers: dict[Key, dict[Follower, None]] = {}

    def follow(self, key: Key, follower: Follower) -> None:
        """Give a follower every edition from now on; read the newest one after this, not before."""
        self._followers.setdefault(key, {})[follower] = None

    def unfollow(self, key: Key, follower: Follower) -> None:
        """Stop; unknown pairs are fine."""
        followers = self._followers.get(key, {})
        followers.pop(follower, None)
        if not followers:
            self._followers.pop(key, None)

    def is_followed(self, key: Key) -> bool:
        """Tell whether anybody here follows a document."""
        return key in self._followers

    def followed(self) -> list[Key]:
        """List what is followed here."""
        return list(self._followers)

    def publish(self, edition: Published) -> int:
        """Offer an edition to every follower; O(followers), nothing is encoded twice.

        Returns:
            how many took it.
        """
        followers = self._followers.get(Key(edition.room, edition.doc), {})
        return sum(one.offer(edition.view(one.view)) for one in tuple(followers))

    def __len__(self) -> int:
        """Count the documents that somebody follows."""
        return len(self._followers)
