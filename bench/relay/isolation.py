"""What a killed worker and a silent RTMP peer cost the streams of other workers: nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from bench.edge.children import on_load_core
from bench.measure import Row
from bench.relay.parts import Relay, origin, relay, scene, view

OTHERS = 4
SECONDS = 8.0
PATIENCE_S = 20.0


def rows() -> Iterable[Row]:
    """Measure the longest silence of streams that nothing happens to."""
    with scene() as (folder, gateway), origin(folder) as start, silent_peer() as port:
        quiet = [f'name = "s{n}"\ninput = "{start}/s{n}.flv"' for n in range(OTHERS)]
        victim = f'name = "victim"\ninput = "{start}/v.flv"'
        pushes = f'outputs = ["flv", "rtmp://127.0.0.1:{port}/live/a"]'
        silent = f'name = "silent"\ninput = "{start}/p.flv"\n{pushes}'
        with relay(folder, gateway, [victim, silent, *quiet], streams_per_worker=1) as running:
            urls = [running.url(f"s{n}") for n in range(OTHERS)]
            undisturbed = view(urls, SECONDS)
            again_s: list[float] = []
            disturbed = view(urls, SECONDS, meanwhile=lambda: again_s.append(_kill(running)))
    yield Row(
        f"longest gap in {OTHERS} streams when another worker is killed, with a silent RTMP peer",
        f"{disturbed.gap_ms:.0f} ms",
        "nobody is killed",
        f"{undisturbed.gap_ms:.0f} ms",
        disturbed.gap_ms / undisturbed.gap_ms,
        {"ours": [disturbed.gap_ms], "theirs": [undisturbed.gap_ms]},
    )
    yield Row(
        "from kill -9 of a worker until a player has its stream again",
        f"{again_s[0]:.2f} s",
        "a second",
        "1 s",
        again_s[0],
        {"ours": again_s, "theirs": [1.0]},
    )


def _kill(running: Relay) -> float:
    """Kill the worker of the first stream; give how long until its stream plays again."""
    status = running.status()
    place = next(one["worker"] for one in status["streams"] if one["name"] == "victim")
    pid = next(one["pid"] for one in status["workers"] if one["place"] == place)
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    with on_load_core():
        while time.monotonic() - began < PATIENCE_S:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(running.url("victim"), timeout=5) as stream,  # noqa: S310 - ours
            ):
                if len(stream.read(30_000)) == 30_000:
                    return time.monotonic() - began
            time.sleep(0.01)
    raise RuntimeError("the stream did not come back")


@contextmanager
def silent_peer() -> Iterator[int]:
    """Accept connections and never say a word; the kernel does it."""
    with socket.socket() as peer:
        peer.bind(("127.0.0.1", 0))
        peer.listen()
        yield peer.getsockname()[1]
