"""The listening socket of the front door."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.config import BACKLOG, Address
from gateway.edge.door import Door
from gateway.edge.house import House
from room.errors import CannotStart

log = logging.getLogger(__name__)

CLEANUP_S: Final = 1.0
"""How long requests that are under way may take once the door is shut."""
TCP_NOTSENT_LOWAT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
NOTSENT_BYTES: Final = 16 * 1024
"""The kernel is a queue too: without this it takes megabytes that are old when they are read."""


UNACKNOWLEDGED_MS: Final = 20_000
"""A peer that acknowledges nothing for so long is gone, though it only reads."""


class CannotListen(CannotStart):
    """An address can't be listened on; the message says which and why."""


def bind(address: Address) -> socket.socket:
    """Bind a socket whose connections hold back little in the kernel.

    Linux passes these options of a listening socket on to what it accepts.

    Raises:
        CannotListen: the address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_BYTES)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen on {address}: {error.strerror}") from error
    return listener


@asynccontextmanager
async def listening(
    house: House, address: Address, cleanup_s: float = CLEANUP_S
) -> AsyncIterator[Address]:
    """Take connections for as long as the context is open.

    On the way out no connection is taken any more, those between requests are closed, and the
    others get a moment for the answer that is under way.

    Yields:
        The address with its real port.

    Raises:
        CannotListen: the address is taken, or not this machine's.
    """
    listener = bind(address)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Door(house), sock=listener, backlog=BACKLOG)
    try:
        yield Address(address.host, listener.getsockname()[1])
    finally:
        server.close()
        await _empty(house, cleanup_s)


async def _empty(house: House, within_s: float) -> None:
    house.leave()
    try:
        async with asyncio.timeout(within_s):
            await house.empty.wait()
    except TimeoutError:
        log.info("requests were cut off", extra={"connections": len(house.doors)})
        for door in tuple(house.doors):
            door.abort()
