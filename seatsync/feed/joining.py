"""Join a feed to whoever wants its states, such as a relay."""

from __future__ import annotations

from typing import Protocol

from room.snapshot import Snapshot
from seatsync.feed.feed import RoomFeed


class States(Protocol):
    """What takes snapshots and says which rooms it wants (``sei.relay.states.RoomStates``)."""

    def offer(self, snapshot: Snapshot) -> None:
        """Take a snapshot."""
        ...

    def attach(self, source: RoomFeed) -> None:
        """Say from now on which rooms are wanted."""
        ...


def feed_states(base_url: str, states: States) -> RoomFeed:
    """Make a feed that brings what is wanted; it is still to be run.

    Raises:
        InvalidArgument: the address cannot be used.
    """
    feed = RoomFeed(base_url, states.offer)
    states.attach(feed)
    return feed
