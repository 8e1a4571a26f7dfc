"""One connection of the public port: requests in their order, each answered before the next.

A door is between requests, in a head, in a body, waits for an answer, or is on its way out. The
first three have a deadline on the wheel; what waits for an answer is bounded by whoever answers.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, cast

from gateway.config import BODY_TIMEOUT_S, IDLE_TIMEOUT_S, NO_PROGRESS_S
from gateway.edge.again import Again
from gateway.edge.bodies import expect_body
from gateway.edge.exchange import Exchange, Responder
from gateway.edge.framing import asks_for_websocket, malformed
from gateway.edge.head import Head
from gateway.edge.house import House
from gateway.edge.lent import LentTransport
from gateway.edge.reading import ANSWERING, BETWEEN, GONE, IN_BODY, IN_HEAD, LEAVING, Reading
from room.errors import Malformed, SeatsyncError

log = logging.getLogger(__name__)

LINGER_S: Final = 2.0
"""How long a peer may read our last answer; closing at once could destroy it (RFC 9112 9.6)."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_FRESH: Final = -1


class Door(Reading):
    """The HTTP/1.1 side of one connection.

    Args:
        house: what it shares with the other doors.
    """

    __slots__ = ("_again", "_cors", "_responder", "_unread_bytes", "_work")

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._responder: Responder | None = None
        self._again: Again | None = None
        """What answers the last head once more, while it holds."""
        self._cors = b""
        self._work: Exchange | LentTransport | None = None
        self._unread_bytes = _FRESH

    @property
    def peer(self) -> str:
        """Address of the peer; empty where it is not known."""
        name = self.transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self.transport = cast("asyncio.Transport", transport)
        self.house.enter(self)
        self.house.wheel.set(self, IDLE_TIMEOUT_S)

    def data_received(self, data: bytes) -> None:
        """Answer what is there; what can't be answered yet is held."""
        head = self._head
        if (
            head is not None
            and data == head.raw
            and self._phase == BETWEEN
            and not (self._held or self._is_choked or head.has_body)
        ):
            again, tick = self._again, self.house.tick
            if again is not None and tick is not None and again.holds(tick.era, tick.now_s):
                again.count()
                self.transport.write(again.whole)
            else:
                self._serve(head, b"")
        elif self._phase < LEAVING:
            self._held = self._held + data if self._held else data
            self._read()

    def eof_received(self) -> None:
        """Take a peer that sends no more for one that has left, as other servers do."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever is at work that nobody waits for the answer."""
        work = self._work
        self._end()
        if work is not None:
            work.leave()

    def pause_writing(self) -> None:
        """Answer no more until the peer reads."""
        self._is_choked = True
        if isinstance(self._work, LentTransport):
            self._watch_progress()
            self._work.pause()

    def resume_writing(self) -> None:
        """Go on with what waits."""
        self._is_choked = False
        if isinstance(self._work, LentTransport):
            self._work.resume()
        self._read_soon()

    # What the wheel tells

    def due(self) -> None:
        """Act on the deadline of the present phase."""
        phase = self._phase
        if phase == IN_HEAD:
            self._leave()
        elif phase == IN_BODY:
            self._refuse(Malformed("the body did not arrive in time"))
        elif phase == ANSWERING:
            if self._is_choked:
                self._check_progress()
        elif phase in (BETWEEN, LEAVING):
            self._check_unread()

    # What the house and the answers tell

    def answer(self, data: bytes, stays: bool) -> None:
        """Send a whole answer; then the next request, or none any more."""
        self.send(data)
        self.take_back(stays)

    def send(self, data: bytes) -> None:
        """Send a part of an answer, unless the peer is gone."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def repeat(self, again: Again) -> None:
        """Answer the same head alike, while that holds."""
        self._again = again

    def take_back(self, stays: bool) -> None:
        """Go on behind an answer that was sent whole."""
        self._work = None
        if not stays:
            self._leave()
            return
        self._phase = BETWEEN
        self._unread_bytes = self.transport.get_write_buffer_size()
        self.house.wheel.set(self, NO_PROGRESS_S)
        if self._held:
            self._read_soon()

    def take_back_unanswered(self, error: SeatsyncError) -> None:
        """Answer what was lent in vain."""
        self._refuse(error)

    def hand_over(self, protocol: asyncio.Protocol, first: bytes) -> None:
        """Make the connection another protocol's, with what was read of it already."""
        transport, held = self.transport, self._held
        if transport.is_closing():
            return
        is_choked, is_paused = self._is_choked, self._is_paused
        self._end()
        transport.write(first)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if is_choked:
            protocol.pause_writing()
        if is_paused:
            transport.resume_reading()
        if held:
            protocol.data_received(held)

    def close_idle(self) -> None:
        """Close between requests; in one, its answer is the last."""
        if self._phase == BETWEEN and not self._held:
            self._leave()

    def abort(self) -> None:
        """Cut the connection off."""
        self.transport.abort()

    # Requests

    def _begin(self, head: Head) -> None:
        if head is not self._head:
            self._recognise(head)
        if not head.has_body:
            self._serve(head, b"")
            return
        if head.upgrade and asks_for_websocket(head.fields):
            raise malformed()
        self._body = expect_body(head)
        self._phase = IN_BODY
        self.house.wheel.set(self, BODY_TIMEOUT_S)
        if head.expects_continue and not self._held:
            self.send(CONTINUE)

    def _recognise(self, head: Head) -> None:
        """Find what answers a head; what has no responder is lent."""
        responder = self.house.route(head)
        cors = self.house.cors(head)
        if cors is None and responder is not None:
            responder = _refuse_origin
        self._head = head
        self._again = None
        self._responder = responder
        self._cors = self.house.plain if cors is None else cors

    # Answering

    def _serve(self, head: Head, body: bytes) -> None:
        self._phase = ANSWERING
        responder = self._responder
        if responder is None:
            lent = LentTransport(self, head, self.house.lend())
            self._work = lent
            lent.serve(body)
            return
        exchange = Exchange(self, head, body, self._cors)
        self._work = exchange
        try:
            work = responder(exchange)
        except Exception as error:  # noqa: BLE001 - told or logged by break_off
            exchange.break_off(error)
        else:
            if work is not None:
                exchange.run(work, self.house.tasks)

    def _refuse(self, error: SeatsyncError) -> None:
        """Answer what can't be read; nothing behind it can be told apart either."""
        reply = self.house.fail(error)
        date = self.house.date()
        data = (reply.head, date, self.house.plain, b"Connection: close\r\n\r\n", reply.body)
        self.answer(b"".join(data), stays=False)

    # Ending

    def _leave(self) -> None:
        """Say that nothing more comes, and let the peer read what did."""
        self._phase = LEAVING
        self._work = self._body = None
        self._held = b""
        self._unread_bytes = _FRESH
        self._throttle()
        self.house.wheel.set(self, LINGER_S)
        if not self.transport.is_closing():
            self.transport.write_eof()

    def _end(self) -> None:
        self._phase = GONE
        self._work = self._body = self._head = self._responder = self._again = None
        self._held = b""
        self._is_paused = False
        self.house.wheel.clear(self)
        self.house.go(self)

    def _check_unread(self) -> None:
        """Close what is idle; cut off what takes nothing of its last answer."""
        size = self.transport.get_write_buffer_size()
        if size:
            self._check_progress()
        elif self._phase == LEAVING:
            self.transport.abort()
        elif self._unread_bytes != _FRESH:
            self._unread_bytes = _FRESH
            self.house.wheel.set(self, IDLE_TIMEOUT_S - NO_PROGRESS_S)
        else:
            self.transport.close()

    def _check_progress(self) -> None:
        if 0 <= self._unread_bytes <= self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self._watch_progress()

    def _watch_progress(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self.house.wheel.set(self, NO_PROGRESS_S)


def _refuse_origin(exchange: Exchange) -> None:
    raise SeatsyncError("pages of that origin may not come here", code="FORBIDDEN")
