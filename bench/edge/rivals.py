"""The rivals: each is given the same snapshots and sends them to all who are connected."""

from __future__ import annotations

import http.client
import itertools
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.edge import nginx
from bench.edge.children import SERVER_CORE, Child, child, free_port
from bench.edge.native import compiled
from bench.edge.side import Change, Side, Start

RIVALS = ("C send() loop", "nchan", "aiohttp send_str", "websockets broadcast")
PUBLISHERS = 16


class Rival:
    """A server that broadcasts what it is told to."""

    path = "/push"
    writers = 1
    greets = 0

    def __init__(self, name: str, server: Child, port: int, body: bytes) -> None:
        self.name = name
        self.server = server
        self.port = port
        self._body = body
        self._versions = itertools.count(1)
        self._waits = True

    def change(self, writer: int) -> Change:
        """Give it a snapshot of the same size with the next version, stamped now."""
        version, sent_ns = next(self._versions), time.time_ns()
        self.broadcast(writer, self._snapshot(version, sent_ns))
        return Change(version, sent_ns, time.time_ns())

    def hurry(self) -> None:
        """Hand it what comes without waiting until the last is sent."""
        self._waits = False

    def broadcast(self, writer: int, snapshot: bytes) -> None:
        """Tell it what to send, on its standard input, and wait until it says that it has."""
        if self._waits:
            self.server.order(snapshot)
        else:
            self.server.tell(snapshot)

    def _snapshot(self, version: int, ts_ns: int) -> bytes:
        head = b'"version":%d,"ts":%d,' % (version, ts_ns // 1_000_000)
        text = re.sub(rb'"version":\d+,"ts":\d+,', head, self._body, count=1)
        return text + b" " * (len(self._body) - len(text))


class Nchan(Rival):
    """nginx with nchan, which takes messages by POST."""

    def __init__(self, name: str, server: Child, port: int, body: bytes) -> None:
        super().__init__(name, server, port, body)
        self._lines = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(PUBLISHERS)]

    def hurry(self) -> None:
        """Publish over several connections: each waits for its answer."""
        self.writers = PUBLISHERS

    def broadcast(self, writer: int, snapshot: bytes) -> None:
        """Publish."""
        line = self._lines[writer]
        line.request("POST", "/publish", snapshot, {"Content-Type": "application/json"})
        answer = line.getresponse()
        answer.read()
        assert answer.status in (201, 202), answer.status  # nobody is subscribed: 201


def sendloop(name: str, body: bytes) -> Start:
    """Give the C loop: the floor."""

    @contextmanager
    def start(folder: Path) -> Iterator[Side]:
        port = free_port()
        with child([compiled("sendloop", folder), str(port)], SERVER_CORE) as server:
            assert server.output.readline() == b"ready\n"
            yield Rival(name, server, port, body)

    return start


def nchan(name: str, body: bytes) -> Start:
    """Give nchan with one worker."""

    @contextmanager
    def start(folder: Path) -> Iterator[Side]:
        port = free_port()
        configuration = nginx.nchan_configuration(folder, port)
        with child(nginx.command(folder, configuration), SERVER_CORE) as server:
            server.wait_for_port(port)
            yield Nchan(name, server, port, body)

    return start


def python_peer(name: str, module: str, body: bytes, *arguments: str) -> Start:
    """Give one of the Python rivals, on uvloop."""

    @contextmanager
    def start(folder: Path) -> Iterator[Side]:
        port = free_port()
        command = [sys.executable, "-m", module, str(port), *arguments]
        with child(command, SERVER_CORE) as server:
            assert server.output.readline() == b"ready\n"
            yield Rival(name, server, port, body)

    return start


def checking_aiohttp(secret: str) -> Start:
    """Give aiohttp with a check of each connection's token by PyJWT."""
    return python_peer("aiohttp with PyJWT", "bench.edge.peer_aiohttp", b"", secret)


def broadcasters(body: bytes) -> dict[str, Start]:
    """Name all of them."""
    floor, engine, aiohttp, websockets = RIVALS
    return {
        floor: sendloop(floor, body),
        engine: nchan(engine, body),
        aiohttp: python_peer(aiohttp, "bench.edge.peer_aiohttp", body),
        websockets: python_peer(websockets, "bench.edge.peer_websockets", body),
    }
