"""An origin of live HTTP-FLV: every connection is a stream, each tag leaves at its time.

python -m bench.relay.origin PORT CLIP [silent] [due]

Streams begin at different moments of a picture's time. Into each picture goes when it left, or when
it was due.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from bench.relay.clip import RATE_HZ, STAMP, STAMP_BYTES, load
from sei.flv.tags import VIDEO, write_tag

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n"
GOLDEN = 0.618


class Origin:
    """Keeps the time of every stream."""

    def __init__(self, path: Path, *, with_sound: bool, says_due: bool) -> None:
        clip = load(path, with_sound=with_sound)
        self.opening = clip.opening
        self._says_due = says_due
        self._round_s = clip.duration_ms / 1000
        encoded = [(tag, write_tag(tag)) for tag in clip.tags]
        self._tags = [
            (tag.timestamp_ms, whole, whole.find(STAMP) if tag.kind == VIDEO else -1)
            for tag, whole in encoded
        ]
        self._due: list[tuple[float, int, int, asyncio.Transport, float]] = []
        self._numbers = itertools.count()
        self._arrived = asyncio.Event()

    def join(self, transport: asyncio.Transport) -> None:
        """Begin a stream."""
        number = next(self._numbers)
        begin_s = time.monotonic() + 0.05 + (number * GOLDEN % 1) / RATE_HZ
        transport.write(HEAD + self.opening)
        heapq.heappush(self._due, (begin_s, number, 0, transport, begin_s))
        self._arrived.set()

    async def run(self) -> None:
        """Send for ever."""
        while True:
            if not self._due:
                self._arrived.clear()
                await self._arrived.wait()
            wait_s = self._due[0][0] - time.monotonic()
            await asyncio.sleep(max(0.0, wait_s))
            now_s = time.monotonic()
            while self._due and self._due[0][0] <= now_s:
                self._send(*heapq.heappop(self._due))

    def _send(
        self, due_s: float, number: int, at: int, transport: asyncio.Transport, begin_s: float
    ) -> None:
        if transport.is_closing():
            return
        turn, index = divmod(at, len(self._tags))
        time_ms, whole, stamp_at = self._tags[index]
        tag = bytearray(whole)
        stream_ms = (time_ms + turn * round(self._round_s * 1000)).to_bytes(4, "big")
        tag[4:7], tag[7:8] = stream_ms[1:], stream_ms[:1]
        if stamp_at >= 0:
            said_s = due_s if self._says_due else time.monotonic()
            start = stamp_at + len(STAMP)
            tag[start : start + STAMP_BYTES] = b"%016x" % int(said_s * 1e9)
        transport.write(tag)
        turn, index = divmod(at + 1, len(self._tags))
        next_s = begin_s + turn * self._round_s + self._tags[index][0] / 1000
        heapq.heappush(self._due, (next_s, number, at + 1, transport, begin_s))


class Line(asyncio.Protocol):
    """One connection; whatever it asks for, it gets the stream."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's is of no class of asyncio's

    def data_received(self, data: bytes) -> None:
        """Wait for the end of the request's head."""
        before, self._asked = self._asked, self._asked + data
        if b"\r\n\r\n" in self._asked and b"\r\n\r\n" not in before:
            self._origin.join(self._transport)


async def main(port: int, path: Path, words: set[str]) -> None:
    """Serve until told to end."""
    origin = Origin(path, with_sound="silent" not in words, says_due="due" in words)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Line(origin), "127.0.0.1", port, backlog=1024)
    await origin.run()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2]), set(sys.argv[3:])))
