"""A real ``seatsync serve`` with one room in which six people sit."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.edge.children import SERVER_CORE, Child, child, free_port
from bench.edge.side import Change
from gateway.tokens.authenticator import issue

SECRET = "a secret of the benchmark, long enough"
PEOPLE = 6
"""Make the anonymous view of the room about 1 KB."""
HURRIED = PEOPLE + PEOPLE - 1
"""As many commands may be under way at once when changes must not wait."""
LEASE_MS = 1_000_000
"""So far apart may polls be: nobody's seat runs out while the room rests."""
ROOM = "/v1/rooms/edge"


def token(user: str, **claims: Any) -> str:
    """Sign a token for an hour."""
    payload = {"sub": user, "exp": int(time.time()) + 3600, **claims}
    return issue(SECRET.encode(), payload)


class Ours:
    """A server of ours that runs."""

    name = "seatsync"
    greets = 1
    path = f"{ROOM}/push"

    def __init__(self, server: Child, port: int, metrics_port: int) -> None:
        self.server = server
        self.port = port
        self._metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        self._numbers = itertools.count()
        self.writers = PEOPLE
        self._turns = [itertools.cycle((True, False)) for _ in range(HURRIED)]
        self._lines = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(HURRIED)]
        self._tokens = [token(f"u{n}", nickname=f"Name {n}") for n in range(PEOPLE)]

    def furnish(self) -> None:
        """Make the room and seat everybody."""
        self._ask(0, "PUT", ROOM, {"seat_count": PEOPLE})
        self._command(0, "session.start", {"kind": "voice", "seat_count": PEOPLE})
        for writer in range(PEOPLE):
            self._command(writer, "seat.take", {"seat_index": writer})

    def hurry(self) -> None:
        """Let the owner lock and unlock seats too, so that more commands are under way."""
        self.writers = HURRIED

    def change(self, writer: int) -> Change:
        """Turn a microphone on or off, or lock or unlock a seat: to each writer one of its own."""
        sent_ns, on = time.time_ns(), next(self._turns[writer])
        if writer < PEOPLE:
            ack = self._command(writer, "mic.set", {"on": on})
        else:
            seat = {"seat_index": writer - PEOPLE + 1}  # seat 0, the owner's, is never locked
            ack = self._command(writer, "seat.lock" if on else "seat.unlock", seat)
        assert ack["changed"], ack
        return Change(ack["version"], sent_ns, time.time_ns())

    def body(self) -> bytes:
        """Poll the room without a token."""
        return self._ask(0, "GET", f"{ROOM}/state", None, anonymous=True)

    def metrics(self) -> dict[str, float]:
        """Read the samples by name and labels."""
        with urllib.request.urlopen(self._metrics) as answer:  # noqa: S310 - ours, over loopback
            text = answer.read().decode()
        found = re.findall(r"^(\w+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
        return {name: float(value) for name, value in found}

    def _command(self, writer: int, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        command = {"cmd": name, "cmd_id": f"{time.time_ns()}-{next(self._numbers)}"}
        answer = self._ask(writer, "POST", f"{ROOM}/commands", command | {"args": arguments})
        ack: dict[str, Any] = json.loads(answer)
        return ack

    def _ask(
        self, writer: int, method: str, path: str, body: Any, anonymous: bool = False
    ) -> bytes:
        user = writer if writer < PEOPLE else 0
        headers = {} if anonymous else {"Authorization": f"Bearer {self._tokens[user]}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        line = self._lines[writer]
        try:
            line.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            answer = line.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            line.close()  # idle for too long; opened again by itself
            return self._ask(writer, method, path, body, anonymous)
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content!r}")
        return content


@contextmanager
def ours(folder: Path, *, furnished: bool = False, core: int = SERVER_CORE) -> Iterator[Ours]:
    """Start a server of ours.

    Args:
        folder: for its database, which outlives it.
        furnished: whether its room was made by an earlier start in the same folder.
        core: where it runs.
    """
    port, metrics_port = free_port(), free_port()
    addresses = (f"--listen=127.0.0.1:{port}", f"--metrics-listen=127.0.0.1:{metrics_port}")
    bounds = ("user-commands-per-s", "room-commands-per-s", "connections-per-s")
    limits = [f"--{bound}=off" for bound in bounds]
    store = (f"--data={folder}", f"--audit-log={folder}/audit.jsonl")
    flags = (*store, f"--poll-interval-ms={LEASE_MS}", "--log-level=warning")
    command = [sys.executable, "-m", "seatsync", "serve", *addresses, *limits, *flags]
    folder.mkdir(exist_ok=True)
    with child(command, core, {"SEATSYNC_JWT_SECRET": SECRET}) as server:
        server.wait_for_port(port)
        side = Ours(server, port, metrics_port)
        if not furnished:
            side.furnish()
        yield side
