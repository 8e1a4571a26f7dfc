"""Who follows which document, and how a new edition is brought to all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from gateway.push.mailbox import Key
from gateway.push.sweep import Course, Sweep
from room.snapshot import Published, Snapshot
from room.views import View


class Follower(Protocol):
    """A line to a connection, or a poll that waits."""

    @property
    def view(self) -> View:
        """What it sees."""
        ...

    def offer(self, snapshot: Snapshot) -> bool:
        """Take a snapshot if it is newer than what was taken before; tell whether it was.

        One that has stopped following may still be offered what a sweep carries, and takes nothing.
        """
        ...


class Topic(Course[Follower]):
    """The followers of one document, and what they are being brought."""

    __slots__ = ("followers", "key", "newest", "snapshots")

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self.followers: dict[Follower, None] = {}
        self.newest: Published | None = None
        self.snapshots: dict[View, Snapshot] = {}

    def carry(self, edition: Published) -> bool:
        """Bring this from now on, in the middle of a sweep too, unless it is no newer."""
        if self.newest is not None and edition.position <= self.newest.position:
            return False
        self.newest = edition
        self.snapshots = {}
        return True

    def targets(self) -> Sequence[Follower]:
        """Give those who follow now."""
        return tuple(self.followers)

    def visit(self, some: Iterable[Follower]) -> int:
        """Offer the newest edition to some; nothing is encoded twice."""
        snapshots, taken = self.snapshots, 0
        for follower in some:
            try:
                snapshot = snapshots[follower.view]
            except KeyError:
                snapshot = self._see(follower.view)
            if follower.offer(snapshot):
                taken += 1
        return taken

    def _see(self, view: View) -> Snapshot:
        if self.newest is None:
            raise AssertionError("a pass has something to bring")
        snapshot = self.snapshots[view] = self.newest.view(view)
        return snapshot

    def rest(self) -> None:
        """Let go of what everybody has been offered."""
        self.newest = None
        self.snapshots = {}


class Hub:
    """Those who follow a document at this node.

    Args:
        sweep: brings editions to followers, in slices.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._topics: dict[Key, Topic] = {}

    def follow(self, key: Key, follower: Follower) -> None:
        """Give a follower every edition from now on; read the newest one after this, not before."""
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = Topic(key)
        topic.followers[follower] = None

    def unfollow(self, key: Key, follower: Follower) -> None:
        """Stop; unknown pairs are fine."""
        topic = self._topics.get(key)
        if topic is None:
            return
        topic.followers.pop(follower, None)
        if not topic.followers:
            del self._topics[key]

    def key(self, room: str, doc: str) -> Key:
        """Give the key of a document; all who follow it share one."""
        key = Key(room, doc)
        topic = self._topics.get(key)
        return key if topic is None else topic.key

    def is_followed(self, key: Key) -> bool:
        """Tell whether anybody here follows a document."""
        return key in self._topics

    def followed(self) -> list[Key]:
        """List what is followed here."""
        return list(self._topics)

    def followers(self, key: Key) -> tuple[Follower, ...]:
        """Give those who follow a document."""
        topic = self._topics.get(key)
        return () if topic is None else tuple(topic.followers)

    def publish(self, edition: Published) -> None:
        """Begin to bring an edition to every follower; one on its way is overtaken."""
        topic = self._topics.get(Key(edition.room, edition.doc))
        if topic is not None and topic.carry(edition):
            self._sweep.start(topic)

    def __len__(self) -> int:
        """Count the documents that somebody follows."""
        return len(self._topics)
