"""Sockets that carry state: little may wait in them, and a stuck one is cut off."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

from aiohttp import web

TCP_NOTSENT_LOWAT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
NOTSENT_BYTES: Final = 16 * 1024
LOOKS: Final = 10


def keep_shallow(transport: asyncio.WriteTransport) -> None:
    """Hold back what the peer has not read in the mailbox, where a newer version replaces it.

    The kernel is a queue too: without these two limits it takes megabytes of versions that are old
    by the time they are read.
    """
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOTSENT_BYTES)
    transport.set_write_buffer_limits(high=0)


@contextmanager
def abort_without_progress(transport: asyncio.WriteTransport, after_s: float) -> Iterator[None]:
    """Cut the connection if its socket takes no byte for so long.

    The transport is aborted; the waiting send then fails by itself. Cancelling it instead would
    break whoever else waits for the same socket to drain.
    """
    loop = asyncio.get_running_loop()
    look_s = after_s / LOOKS
    least_bytes, idle = math.inf, 0
    watchdog: asyncio.TimerHandle

    def look() -> None:
        nonlocal watchdog, least_bytes, idle
        waiting_bytes = transport.get_write_buffer_size()
        idle = 0 if waiting_bytes < least_bytes else idle + 1
        least_bytes = waiting_bytes
        if idle >= LOOKS - 1:
            transport.abort()
        else:
            watchdog = loop.call_later(look_s, look)

    watchdog = loop.call_later(look_s, look)
    try:
        yield
    finally:
        watchdog.cancel()


def writable(request: web.BaseRequest) -> asyncio.WriteTransport:
    """Give the transport of a request.

    Raises:
        ConnectionResetError: the peer is gone.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the peer is gone")
    return cast("asyncio.WriteTransport", transport)
