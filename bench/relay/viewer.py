"""Viewers of live HTTP-FLV, who say how late each picture came, and how long nothing came at all.

python -m bench.relay.viewer SETTLE_S SECONDS URL...   prints one line of JSON, in microseconds
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import uvloop

from bench.relay.clip import STAMP, STAMP_BYTES
from sei.flv.tags import VIDEO, TagParser


class Viewer(asyncio.Protocol):
    """Takes one stream; a picture is there with its last byte."""

    def __init__(self, path: str, lateness_us: list[int]) -> None:
        self._path = path
        self._lateness_us = lateness_us
        self._head: bytes | None = b""
        self._tags = TagParser()
        self._heard_ns = 0
        self.longest_gap_us = 0
        self.listens = False
        self.gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream, as who knows no chunks."""
        # No isinstance: the transports of uvloop are of no class of asyncio's.
        cast("asyncio.Transport", transport).write(
            f"GET {self._path} HTTP/1.0\r\nHost: bench\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Read the times that pictures carry."""
        now_ns = time.monotonic_ns()
        if self._head is not None:
            self._head += data
            _, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._head = None
        if self.listens and self._heard_ns:
            self.longest_gap_us = max(self.longest_gap_us, (now_ns - self._heard_ns) // 1000)
        self._heard_ns = now_ns
        for tag in self._tags.feed(data):
            at = tag.body.find(STAMP, 0, 2048 + 4096) if tag.kind == VIDEO else -1
            if at >= 0 and self.listens:
                start = at + len(STAMP)
                left_ns = int(tag.body[start : start + STAMP_BYTES], 16)
                self._lateness_us.append((now_ns - left_ns) // 1000)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember it."""
        self.gone = True


async def main(settle_s: float, seconds: float, urls: list[str]) -> None:
    """View, and say what was seen."""
    loop = asyncio.get_running_loop()
    lateness_us: list[int] = []
    viewers = []
    for url in urls:
        parts = urlsplit(url)
        viewer = Viewer(parts.path, lateness_us)
        await loop.create_connection(lambda viewer=viewer: viewer, parts.hostname, parts.port)
        viewers.append(viewer)
    await asyncio.sleep(settle_s)
    for viewer in viewers:
        viewer.listens = True
    print("viewing", flush=True)
    await asyncio.sleep(seconds)
    gone = sum(viewer.gone for viewer in viewers)
    gap_us = max(viewer.longest_gap_us for viewer in viewers)
    seen = {"gone": gone, "lateness_us": sorted(lateness_us), "gap_us": gap_us}
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
