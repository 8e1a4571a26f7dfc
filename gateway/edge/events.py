"""Requests that become streams of events (PROTOCOL.md 7)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from gateway.edge.exchange import Exchange
from gateway.edge.opening import begin
from gateway.edge.replies import PLAIN_FIELDS
from gateway.gateway import Gateway
from gateway.push.admission import Admission
from gateway.push.channel import Channel
from gateway.push.entrance import read_wish
from gateway.push.sse import STREAM_HEAD, EventStream
from gateway.tokens.authenticator import bearer_token
from room.names import check_room


class Events:
    """Makes event streams out of exchanges."""

    def __init__(self, gateway: Gateway, channel: Channel, admission: Admission | None) -> None:
        self._gateway = gateway
        self._channel = channel
        self._admission = admission

    def respond(self, exchange: Exchange, room: str) -> Coroutine[Any, Any, None] | None:
        """Open a stream; everything that can be refused is refused before that.

        Args:
            exchange: a GET.
            room: of the path, decoded and not checked yet.

        Raises:
            SeatsyncError: refused.
        """
        head = exchange.head
        bearer = self._gateway.authenticator.authenticate(bearer_token(head.all(b"authorization")))
        home = check_room(room)
        wish = read_wish(head.params, head.get(b"last-event-id"))
        connection = EventStream(self._channel, bearer, wish.have)
        conversation = self._gateway.conversation(bearer, connection.mailbox, home)
        rest = begin(
            exchange,
            connection,
            conversation,
            wish,
            admission=self._admission,
            ping_ms=int(self._channel.tick_s * 1000),
        )
        if rest is not None:
            return self._begin_later(exchange, connection, rest)
        self._begin(exchange, connection)
        return None

    async def _begin_later(
        self, exchange: Exchange, connection: EventStream, rest: Coroutine[Any, Any, None]
    ) -> None:
        """Open a stream of what is not in memory yet; cancelled if the peer leaves."""
        try:
            await rest
            self._begin(exchange, connection)
        finally:
            if connection.transport is None:
                connection.leave()

    def _begin(self, exchange: Exchange, connection: EventStream) -> None:
        lines = (STREAM_HEAD, PLAIN_FIELDS, exchange.cors, exchange.date, b"\r\n")
        exchange.take_over(connection, b"".join(lines) + connection.opening())
        if connection.transport is None:  # the peer had left
            connection.leave()
