"""A worker process with streams that do what a player asks for: hang, crash, end.

``GET /live/NAME.flv`` plays ticks, one a line; ``GET /live/NAME/WORD`` does WORD.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from sei.config import StreamConfig
from sei.counts import Counts
from sei.errors import SourceFailed
from sei.insertion.supply import SupplyBox
from sei.relay.relayed import WorkerSpoilt
from sei.relay.worker import main

TICK_S = 0.01


class FakeStream:
    """Counts up; what a player asks for happens in ``run``."""

    made = 0

    def __init__(self, config: StreamConfig, box: SupplyBox, counts: Counts) -> None:
        FakeStream.made += 1
        self.config, self.box, self.counts = config, box, counts
        self.asked = ""
        self.stopping = False

    @property
    def outlet(self) -> object:
        return self

    def count(self) -> None:
        self.counts.version = self.box.newest.version

    async def stop(self) -> None:
        self.stopping = True

    async def run(self) -> None:
        self.counts.input_state = "live"
        while not self.stopping:
            self.counts.video_packets += 1
            self.counts.observe_delay(1.5)
            await asyncio.sleep(TICK_S)
            self._act()
            if self.asked == "end":
                return
        target = next((out for out in self.config.outputs if out.endswith(".ts")), None)
        self._close(target)

    def _close(self, target: str | None) -> None:
        if target is not None:
            Path(target).write_text("whole")

    def _act(self) -> None:
        if self.asked == "hang":
            time.sleep(1000)
        if self.asked == "hold-the-gil":
            ctypes.PyDLL(None).sleep(1000)
        if self.asked == "crash":
            raise ZeroDivisionError("as asked")
        if self.asked == "fail":
            raise SourceFailed("as asked")
        if self.asked == "spoil":
            raise WorkerSpoilt("as asked")

    def told(self) -> bytes:
        facts = {
            "pid": os.getpid(),
            "name": self.config.name,
            "room": self.config.room,
            "made": FakeStream.made,
            "messages": [message.decode() for message in self.box.newest.messages],
        }
        return json.dumps(facts).encode()


class FakePlayers:
    """Answers each connection once; ticks go on until the stream or the player is gone."""

    def __init__(self, find: Callable[[str], object | None]) -> None:
        self._find = find
        self._tasks: set[asyncio.Task[None]] = set()

    def adopt(self, connection: socket.socket) -> None:
        task = asyncio.create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            name, _, word = path.removeprefix("/live/").partition("/")
            stream = self._find(name.partition(".")[0])
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            if not isinstance(stream, FakeStream):
                writer.write(b"null")
            elif word:
                stream.asked = word
                writer.write(stream.told())
            else:
                await self._play(stream, writer)
            await writer.drain()
        except (ConnectionError, RuntimeError):
            pass  # the player left; uvloop says it in its own way
        finally:
            writer.close()

    async def _play(self, stream: FakeStream, writer: asyncio.StreamWriter) -> None:
        while not stream.stopping:
            writer.write(stream.told() + b"\n")
            await writer.drain()
            await asyncio.sleep(TICK_S)


if __name__ == "__main__":
    main(lambda: (FakeStream, FakePlayers))
