"""Who follows which document, and the sweep that brings a new edition to all of them."""

from __future__ import annotations

from gateway.push.mailbox import Key, Mailbox
from room.snapshot import Published


class Hub:
    """The mailboxes of this node, by document.

    Synchronous throughout: between two calls every follower has been given the newest edition.
    """

    def __init__(self) -> None:
        self._followers: dict[Key, dict[Mailbox, None]] = {}

    def follow(self, key: Key, mailbox: Mailbox) -> None:
        """Give a mailbox every edition from now on; read the newest one after this, not before."""
        self._followers.setdefault(key, {})[mailbox] = None

    def unfollow(self, key: Key, mailbox: Mailbox) -> None:
        """Stop; unknown pairs are fine."""
        followers = self._followers.get(key, {})
        followers.pop(mailbox, None)
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
        return sum(mailbox.offer(edition.view(mailbox.view)) for mailbox in followers)

    def __len__(self) -> int:
        """Count the documents that somebody follows."""
        return len(self._followers)
