"""What happens when this node learns of something newer, whichever way it came."""

from __future__ import annotations

from collections.abc import Callable

from gateway.push.audience import Audience
from gateway.push.hub import Hub
from gateway.push.mailbox import Key
from room import wire
from room.documents import Requests
from room.messages import request_message
from room.policy import changed_standings
from room.requests_news import parties, request_news
from room.snapshot import Edition, External

Observer = Callable[[Edition, Edition | None], None]
"""Told a newer edition of a room, and what this node held before it, if anything."""


class Announcer:
    """Brings what is newer to those who follow it, and to those whom it concerns."""

    def __init__(self, hub: Hub, audience: Audience) -> None:
        self._hub = hub
        self._audience = audience
        self._observers: list[Observer] = []

    def add(self, observer: Observer) -> None:
        """Tell somebody else too, after the connections."""
        self._observers.append(observer)

    def announce(self, edition: Edition, before: Edition | None) -> None:
        """Push a room; it is in memory already.

        Args:
            edition: what this node holds now.
            before: what it held; None where it held nothing, so that anybody may be concerned.
        """
        if before is None or edition.position > before.position:
            self._hub.publish(edition)
            self._tell_standings(edition, before)
        if self._hub.is_followed(Key(edition.room, "requests")):
            self._hub.publish(edition.requests)
        if before is not None and edition.stored.requests != before.stored.requests:
            self._tell_requests(edition, before.stored.requests)
        for observer in self._observers:
            observer(edition, before)

    def announce_document(self, document: External, _: External | None) -> None:
        """Push the document of a service; it is in memory already."""
        self._hub.publish(document)

    def _tell_standings(self, edition: Edition, before: Edition | None) -> None:
        concerned = None
        if before is not None:
            concerned = changed_standings(before.stored.state, edition.stored.state)
        self._audience.tell(edition.stored, concerned)

    def _tell_requests(self, edition: Edition, before: Requests) -> None:
        """Let both parties of a request hear that it waits, or how it ended."""
        owner_id = edition.stored.state.owner_id
        for request, outcome in request_news(before, edition.stored.requests):
            message = wire.encode(request_message(edition.room, request, owner_id, outcome))
            slot = f"request {request.request_id}"
            self._audience.say_to(edition.room, parties(request, owner_id), slot, message)
