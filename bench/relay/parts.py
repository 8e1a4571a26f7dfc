"""Starts origin, gateway, relay and viewers, each on its core, and ends them."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.edge.children import LOAD_CORE, SERVER_CORE, Child, child, free_port
from bench.edge.ours import Ours, ours
from bench.relay import clip

ROOM = "edge"
READY_S = 60


class Relay:
    """A relay that runs."""

    def __init__(self, process: Child, port: int, status_port: int) -> None:
        self.process = process
        self._port = port
        self._status = f"http://127.0.0.1:{status_port}/status.json"

    def url(self, stream: str) -> str:
        """Give the address of a stream."""
        return f"http://127.0.0.1:{self._port}/live/{stream}.flv"

    def status(self) -> dict[str, Any]:
        """Read what it says of itself."""
        with urllib.request.urlopen(self._status, timeout=10) as answer:  # noqa: S310 - ours
            status: dict[str, Any] = json.load(answer)
        return status

    def wait_until_live(self, streams: int) -> None:
        """Wait until so many streams have pictures and state.

        Raises:
            RuntimeError: it takes too long.
        """
        until = time.monotonic() + READY_S
        live = 0
        while live < streams:
            if time.monotonic() > until:
                raise RuntimeError(f"{live} of {streams} streams are live")
            time.sleep(0.2)
            with contextlib.suppress(OSError):
                live = sum(one["counts"]["injected"] > 0 for one in self.status()["streams"])

    def worker_bytes(self) -> list[int]:
        """Give the resident memory of each worker that has streams."""
        return [one["rss_bytes"] for one in self.status()["workers"] if one["streams"]]


@contextmanager
def scene() -> Iterator[tuple[Path, Ours]]:
    """Make a folder with the clip, and start a gateway with a room."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip.make(folder / "clip.flv")
        with ours(folder / "gateway", core=LOAD_CORE) as gateway:
            yield folder, gateway


@contextmanager
def origin(folder: Path, *words: str) -> Iterator[str]:
    """Start an origin; give the beginning of its addresses."""
    port = free_port()
    command = [sys.executable, "-m", "bench.relay.origin", port, folder / "clip.flv", *words]
    with child([str(word) for word in command], LOAD_CORE) as process:
        process.wait_for_port(port)
        yield f"http://127.0.0.1:{port}/live"


@contextmanager
def relay(
    folder: Path, gateway: Ours, streams: Sequence[str], streams_per_worker: int = 50
) -> Iterator[Relay]:
    """Start a relay of streams, each given as the lines of its table but ``room``."""
    port, status_port = free_port(), free_port()
    lines = [
        f'gateway = "http://127.0.0.1:{gateway.port}"',
        f'listen = "127.0.0.1:{port}"',
        f'status_listen = "127.0.0.1:{status_port}"',
        f"streams_per_worker = {streams_per_worker}",
        *(f'[[stream]]\nroom = "{ROOM}"\n{stream}' for stream in streams),
    ]
    path = folder / "relay.toml"
    path.write_text("\n".join(lines))
    command = [sys.executable, "-m", "seatsync", "relay", "--config", path, "--log-level=error"]
    with child(command, SERVER_CORE) as process:
        process.wait_for_port(port)
        made = Relay(process, port, status_port)
        made.wait_until_live(len(streams))
        yield made


class Seen(NamedTuple):
    """What viewers saw."""

    late_ms: list[float]
    """Of each picture, sorted."""
    gap_ms: float
    """The longest time in which a stream brought nothing."""


def view(
    urls: Sequence[str],
    seconds: float,
    settle_s: float = 2.0,
    meanwhile: Callable[[], None] = lambda: None,
) -> Seen:
    """View streams.

    Args:
        urls: their addresses.
        seconds: for how long.
        settle_s: how long before, unobserved.
        meanwhile: called once they are viewed.

    Raises:
        RuntimeError: a stream broke off, or nothing came.
    """
    command = [sys.executable, "-m", "bench.relay.viewer", str(settle_s), str(seconds), *urls]
    with child(command, LOAD_CORE) as viewer:
        viewer.output.readline()
        meanwhile()
        seen = json.loads(viewer.output.readline() or b"{}")
    if not seen or seen["gone"] or not seen["lateness_us"]:
        raise RuntimeError(f"{seen.get('gone')} of {len(urls)} streams broke off")
    return Seen([late / 1000 for late in seen["lateness_us"]], seen["gap_us"] / 1000)


def p99(values: Sequence[float]) -> float:
    """Give the 99th percentile."""
    return statistics.quantiles(values, n=100)[98]
