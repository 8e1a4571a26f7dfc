"""A session over a socket: the thin asyncio shell that a source and a push share."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from sei.errors import RtmpFailed
from sei.ration import Ration
from sei.rtmp.address import RtmpAddress
from sei.rtmp.handshake import RANDOM_BYTES
from sei.rtmp.session import Ended, Event, Purpose, Session

_LINGER_S: Final = 0.5
_PIECE_BYTES: Final = 64 * 1024
_TAKEN_BYTES: Final = 16 * 1024
"""At a time. Cut into messages of no bytes this is work for 30 ms, in which nothing else moves."""
_CODES: Final = {
    "NetStream.Play.StreamNotFound": "NOT_FOUND",
    "NetConnection.Connect.Rejected": "FORBIDDEN",
    "NetStream.Publish.BadName": "FORBIDDEN",
    "NetStream.Publish.Denied": "FORBIDDEN",
}


class Link:
    """One connection to a server, with its session.

    Args:
        session: fresh.
        reader: of the connection.
        writer: of the connection.
        stall_s: how long the server may take nothing of what is sent.
    """

    def __init__(
        self,
        session: Session,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        stall_s: float,
    ) -> None:
        self.session: Final = session
        self._reader: Final = reader
        self._writer: Final = writer
        self._stall_s: Final = stall_s
        self._flushing: Final = asyncio.Lock()
        self._ration: Final = Ration()

    async def receive(self) -> list[Event]:
        """Wait for bytes of the server and answer what needs an answer; give what they mean.

        Raises:
            RtmpFailed: the connection is over, or the server takes no answers.
            BadRtmp: the server breaks the protocol.
        """
        try:
            chunk = await self._reader.read(_TAKEN_BYTES)
        except OSError as error:
            raise _broken(error) from error
        if not chunk:
            raise RtmpFailed("the server closed the connection")
        self._ration.begin()
        events = self.session.receive(chunk)
        await self._ration.rest()
        await self.flush()
        return events

    async def flush(self) -> None:
        """Send what the session has to say; wait until nearly all of it is on its way.

        Raises:
            RtmpFailed: the connection is over, or for the stall time-out nothing was taken.
        """
        # What one flush has taken goes out before the next one begins: chunks must stay whole.
        async with self._flushing:
            waiting = memoryview(self.session.take_outgoing())
            for start in range(0, len(waiting), _PIECE_BYTES):
                await self._write(waiting[start : start + _PIECE_BYTES])

    async def hang_up(self) -> None:
        """Say that nothing follows, and wait until the server has taken all and closes too.

        A close without this resets the connection if the server has said anything in between,
        and then what was on its way is lost.

        Raises:
            RtmpFailed: the connection broke.
        """
        try:
            if self._writer.can_write_eof():
                self._writer.write_eof()
                while await self._reader.read(_PIECE_BYTES):
                    pass
            else:  # TLS has no half-closed state
                await self._linger()
                self._writer.close()
                await self._writer.wait_closed()
        except OSError as error:
            raise _broken(error) from error

    async def _linger(self) -> None:
        """Read on until all has left and the server has closed or fallen silent."""
        while True:
            try:
                async with asyncio.timeout(_LINGER_S):
                    if not await self._reader.read(_PIECE_BYTES):
                        return
            except TimeoutError:
                if not self._writer.transport.get_write_buffer_size():
                    return

    async def _write(self, piece: memoryview) -> None:
        self._writer.write(piece)
        try:
            async with asyncio.timeout(self._stall_s):
                await self._writer.drain()
        except TimeoutError as error:
            raise RtmpFailed(f"the server has read nothing for {self._stall_s:g} s") from error
        except OSError as error:
            raise _broken(error) from error


@asynccontextmanager
async def linked(
    address: RtmpAddress, purpose: Purpose, *, open_timeout_s: float, stall_s: float
) -> AsyncIterator[tuple[Link, list[Event]]]:
    """Connect, and get a stream started; give the link and what came with the start.

    Raises:
        RtmpFailed: the server is not there, silent, or refuses; the message says where it stood.
        BadRtmp: the server breaks the protocol.
    """
    step = "the connection"
    link: Link | None = None
    writer: asyncio.StreamWriter | None = None
    try:
        try:
            async with asyncio.timeout(open_timeout_s):
                reader, writer = await _connect(address)
                link = Link(
                    Session(address, purpose, os.urandom(RANDOM_BYTES)), reader, writer, stall_s
                )
                events = await _started(link)
        except TimeoutError as error:
            step = step if link is None else link.session.step
            text = f"the server does not answer: {step} took more than {open_timeout_s:g} s"
            raise RtmpFailed(text) from error
        yield link, events
    finally:
        if writer is not None:
            with suppress(AttributeError):  # of TLS that is over already, on Python before 3.11.3
                writer.transport.abort()


def failed_by(ended: Ended) -> RtmpFailed:
    """Make the error that the server's word is."""
    return RtmpFailed(str(ended), code=_CODES.get(ended.code, RtmpFailed.code))


async def _connect(address: RtmpAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    tls = ssl.create_default_context() if address.is_tls else None
    try:
        return await asyncio.open_connection(address.host, address.port, ssl=tls)
    except TimeoutError:
        raise
    except OSError as error:
        raise RtmpFailed(f"cannot connect: {error.strerror or error}") from error
    except UnicodeError as error:
        raise RtmpFailed("cannot connect: the host has no valid name") from error


async def _started(link: Link) -> list[Event]:
    """Shake hands, connect and ask for the stream; give what came with its start, and after."""
    await link.flush()
    while True:
        events = await link.receive()
        for event in events:
            if isinstance(event, Ended):
                raise failed_by(event)
        if link.session.is_started:
            return events


def _broken(error: OSError) -> RtmpFailed:
    return RtmpFailed(f"the connection broke: {error.strerror or error}")
