from __future__ import annotations

import asyncio
from typing import cast

from gateway.push.transport import LOOKS, abort_without_progress

LOOK_S = 0.001


class Socket:
    """A transport whose buffer drains for a number of looks and then stands still."""

    def __init__(self, *, drains_for: int) -> None:
        self.looks = 0
        self.aborted = asyncio.Event()
        self._drains_for = drains_for

    def get_write_buffer_size(self) -> int:
        self.looks += 1
        return 1000 - min(self.looks, self._drains_for)

    def abort(self) -> None:
        self.aborted.set()


def watched(socket: Socket) -> asyncio.WriteTransport:
    return cast("asyncio.WriteTransport", socket)


async def test_socket_that_takes_no_byte_is_cut_off() -> None:
    socket = Socket(drains_for=1)
    with abort_without_progress(watched(socket), LOOK_S * LOOKS):
        await socket.aborted.wait()
    assert socket.looks == LOOKS


async def test_socket_that_takes_some_bytes_now_and_then_is_left_alone() -> None:
    socket = Socket(drains_for=5 * LOOKS)
    with abort_without_progress(watched(socket), LOOK_S * LOOKS):
        await socket.aborted.wait()
    assert socket.looks == 6 * LOOKS - 1


async def test_nothing_is_looked_at_once_the_bytes_are_gone() -> None:
    socket = Socket(drains_for=0)
    with abort_without_progress(watched(socket), 60.0):
        pass
    assert (socket.looks, socket.aborted.is_set()) == (0, False)
