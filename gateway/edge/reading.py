"""What a connection sends, taken apart: heads and bodies in turn, bounded, and others between."""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.config import IDLE_TIMEOUT_S
from gateway.edge.bodies import Body
from gateway.edge.framing import malformed, may_become_head
from gateway.edge.head import Head, read_head
from gateway.edge.house import House
from room.errors import SeatsyncError

MAX_HELD_BYTES: Final = 64 * 1024
"""What may wait behind a request that is under way; one read of the socket may go beyond it."""
TURN: Final = 32
"""Requests of one connection that are answered before others get their turn."""

# Plain numbers: an enumeration's members are looked up on each request.
BETWEEN: Final = 0
IN_HEAD: Final = 1
IN_BODY: Final = 2
ANSWERING: Final = 3
LEAVING: Final = 4
GONE: Final = 5


class Reading(asyncio.Protocol):
    """The reading half of a door; what it reads is begun, served or refused by the other."""

    __slots__ = (
        "_body",
        "_checked_bytes",
        "_head",
        "_held",
        "_is_choked",
        "_is_paused",
        "_is_reading",
        "_phase",
        "house",
        "transport",
        "wheel_slot",
    )

    transport: asyncio.Transport

    def __init__(self, house: House) -> None:
        self.house = house
        self.wheel_slot = -1
        self._phase = BETWEEN
        self._held = b""
        self._checked_bytes = 0
        """How much of a head that is not whole was found good."""
        self._head: Head | None = None
        """The last one: who polls steadily sends the same bytes again, which are not read again."""
        self._body: Body | None = None
        self._is_choked = False
        self._is_paused = False
        self._is_reading = False

    def due(self) -> None:
        """Act on the deadline of the present phase."""
        raise NotImplementedError

    def _begin(self, head: Head) -> None:
        """Serve a request, or wait for its body."""
        raise NotImplementedError

    def _serve(self, head: Head, body: bytes) -> None:
        """Have a whole request answered."""
        raise NotImplementedError

    def _refuse(self, error: SeatsyncError) -> None:
        """Answer what can't be read."""
        raise NotImplementedError

    def _read(self) -> None:
        """Answer what is held, for one turn at most."""
        if self._is_reading:
            return
        self._is_reading = True
        try:
            for _ in range(TURN):
                if not self._held or self._is_choked or not self._step():
                    break
            else:
                self._read_soon()
        except SeatsyncError as error:
            self._refuse(error)
        finally:
            self._is_reading = False
        self._throttle()

    def _step(self) -> bool:
        """Read one more head or body; False: more bytes are needed, or an answer."""
        if self._phase in (BETWEEN, IN_HEAD):
            return self._read_head()
        if self._phase == IN_BODY:
            return self._read_body()
        return False

    def _read_head(self) -> bool:
        end = self._held.find(b"\r\n\r\n") + 4
        if end < 4:
            checked_bytes = self._checked_bytes if self._phase == IN_HEAD else 0
            if not may_become_head(self._held, checked_bytes):
                raise malformed()
            self._checked_bytes = len(self._held)
            if self._phase == BETWEEN:
                self._phase = IN_HEAD
                self.house.wheel.set(self, IDLE_TIMEOUT_S)
            return False
        raw, self._held = self._held[:end], self._held[end:]
        head = self._head
        self._begin(head if head is not None and head.raw == raw else read_head(raw))
        return True

    def _read_body(self) -> bool:
        body, head = self._body, self._head
        if body is None or head is None:
            raise AssertionError("no body is expected")
        self._held = body.take(self._held)
        if not body.is_whole:
            return False
        self._body = None
        self._serve(head, body.read())
        return True

    def _read_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._read)

    def _throttle(self) -> None:
        """Let what a peer sends ahead wait in its own system."""
        if self.transport.is_closing():
            return
        is_much = len(self._held) > MAX_HELD_BYTES
        if is_much and not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()
        elif self._is_paused and not is_much:
            self._is_paused = False
            self.transport.resume_reading()
