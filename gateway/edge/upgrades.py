"""Requests that become WebSocket connections (PROTOCOL.md 6)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final, NamedTuple

from gateway.edge.exchange import Exchange
from gateway.edge.head import Head
from gateway.edge.opening import begin
from gateway.gateway import Gateway
from gateway.push.admission import Admission, Flooded
from gateway.push.channel import Channel
from gateway.push.entrance import SUBPROTOCOL, check_home, offered_token, read_wish
from gateway.push.farewell import farewell
from gateway.push.handshake import Offer, check_upgrade, read_offer, switching_head
from gateway.push.ws import DeflatedWebSocket, WebSocket
from gateway.tokens.authenticator import bearer_token
from gateway.tokens.bearer import ANONYMOUS, Bearer
from room.errors import SeatsyncError

BY_HTTP: Final = frozenset({"RATE_LIMITED"})
"""Told by HTTP always; other refusals inside the WebSocket, since browsers hide the status."""


class Asked(NamedTuple):
    """An upgrade that is well formed."""

    key: str
    offer: Offer

    @property
    def subprotocol(self) -> str | None:
        """What is chosen of the subprotocols."""
        return SUBPROTOCOL if SUBPROTOCOL in self.offer.subprotocols else None

    def make(self, channel: Channel, bearer: Bearer) -> WebSocket:
        """Make the connection that was asked for."""
        kind = WebSocket if self.offer.deflate is None else DeflatedWebSocket
        return kind(channel, bearer)

    def head(self, exchange: Exchange) -> bytes:
        """Give the 101, complete."""
        lines = switching_head(self.key, self.subprotocol, self.offer.deflate)
        return b"".join((lines, exchange.cors, exchange.date, b"\r\n"))


class Upgrades:
    """Makes WebSocket connections out of exchanges."""

    def __init__(
        self, gateway: Gateway, channel: Channel, admission: Admission | None, ping_ms: int
    ) -> None:
        self._gateway = gateway
        self._channel = channel
        self._admission = admission
        self._ping_ms = ping_ms

    def respond(self, exchange: Exchange, room: str | None) -> Coroutine[Any, Any, None] | None:
        """Open a connection; everything that can be refused is refused before that.

        Args:
            exchange: an upgrade, or what is to be told that it is none.
            room: of the path, decoded and not checked yet; None: of no room.

        Raises:
            SeatsyncError: refused, and to be told by HTTP.
        """
        head = exchange.head
        asked = Asked(check_upgrade(head.method, head.version, head.all), read_offer(head.all))
        try:
            return self._open(exchange, asked, room)
        except SeatsyncError as error:
            self._refuse(exchange, asked, error)
            return None

    def _open(
        self, exchange: Exchange, asked: Asked, room: str | None
    ) -> Coroutine[Any, Any, None] | None:
        bearer = self._bearer(exchange.head, asked)
        home = check_home(room)
        wish = read_wish(exchange.head.params)
        connection = asked.make(self._channel, bearer)
        conversation = self._gateway.conversation(bearer, connection.mailbox, home)
        rest = begin(
            exchange,
            connection,
            conversation,
            wish,
            admission=self._admission,
            ping_ms=self._ping_ms,
        )
        if rest is not None:
            return self._switch_later(exchange, asked, connection, rest)
        self._switch(exchange, asked, connection)
        return None

    async def _switch_later(
        self,
        exchange: Exchange,
        asked: Asked,
        connection: WebSocket,
        rest: Coroutine[Any, Any, None],
    ) -> None:
        """Open a connection to what is not in memory yet; cancelled if the peer leaves."""
        try:
            await rest
            self._switch(exchange, asked, connection)
        except SeatsyncError as error:
            self._refuse(exchange, asked, error)
        finally:
            if connection.transport is None:
                connection.leave()

    def _switch(self, exchange: Exchange, asked: Asked, connection: WebSocket) -> None:
        exchange.take_over(connection, asked.head(exchange) + connection.opening())
        if connection.transport is None:  # the peer had left
            connection.leave()

    def _refuse(self, exchange: Exchange, asked: Asked, error: SeatsyncError) -> None:
        by_http = error.code in BY_HTTP or isinstance(error, Flooded)
        if by_http or asked.subprotocol is None:
            exchange.fail(error)
            return
        connection = WebSocket(self._channel, ANONYMOUS)
        exchange.take_over(
            connection, asked._replace(offer=Offer(asked.offer.subprotocols, None)).head(exchange)
        )
        connection.bid(farewell(error))

    def _bearer(self, head: Head, asked: Asked) -> Bearer:
        token = bearer_token(head.all(b"authorization"))
        return self._gateway.authenticator.authenticate(
            token or offered_token(asked.offer.subprotocols)
        )
