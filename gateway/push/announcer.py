"""What happens when this node learns of a newer state, whichever way it came."""

from __future__ import annotations

from gateway.push.audience import Audience
from gateway.push.hub import Hub
from room.policy import changed_standings
from room.snapshot import Edition


class Announcer:
    """Brings a new edition to those who follow the room, and a new policy to those it concerns."""

    def __init__(self, hub: Hub, audience: Audience) -> None:
        self._hub = hub
        self._audience = audience

    def announce(self, edition: Edition, before: Edition | None) -> None:
        """Push an edition; it is in memory already.

        Args:
            edition: what this node holds now.
            before: what it held; None where it held nothing, so that anybody may be concerned.
        """
        self._hub.publish(edition)
        concerned = None
        if before is not None:
            concerned = changed_standings(before.stored.state, edition.stored.state)
        self._audience.tell(edition.stored, concerned)
