"""From a change of state to its message in the stream, as a viewer sees it."""

from __future__ import annotations

import random
import threading
import time
import urllib.request
from collections.abc import Iterable

from bench.edge.children import on_load_core
from bench.edge.ours import Ours
from bench.measure import Row
from bench.relay.clip import RATE_HZ
from bench.relay.parts import ROOM, origin, p99, relay, scene
from sei.flv.reader import FlvStateReader

CHANGES = 200
SPACING_S = 0.1


def rows() -> Iterable[Row]:
    """Make changes at random moments of a picture's time, and wait for each."""
    with scene() as (folder, gateway), origin(folder) as start:
        stream = f'name = "s"\ninput = "{start}/s.flv"'
        with relay(folder, gateway, [stream]) as running, on_load_core():
            late_ms = _watch(running.url("s"), gateway)
    interval_ms = 1000 / RATE_HZ
    yield Row(
        f"P99 from the commit of a change to its message in the stream, {CHANGES} changes",
        f"{p99(late_ms):.1f} ms",
        "one picture's time",
        f"{interval_ms:.1f} ms",
        p99(late_ms) / interval_ms,
        {"ours": late_ms, "theirs": [interval_ms]},
    )


def _watch(url: str, gateway: Ours) -> list[float]:
    """Give for each change how late its message was, in ms."""
    changing = threading.Thread(target=_change, args=(gateway,))
    late_ms: list[float] = []
    newest = -1
    reader = FlvStateReader(ROOM)
    with urllib.request.urlopen(url) as stream:  # noqa: S310 - ours, over loopback
        while not late_ms or changing.is_alive() or stream is None:
            for seen in reader.feed(stream.read1(65_536)):
                now_ms = time.time_ns() / 1e6
                if newest < 0:
                    changing.start()
                elif seen.position.version > newest:
                    late_ms.append(now_ms - seen.ts_ms)
                newest = max(newest, seen.position.version)
            if len(late_ms) >= CHANGES:
                break
    changing.join()
    return late_ms


def _change(gateway: Ours) -> None:
    rng = random.Random(5)
    for _ in range(CHANGES + 1):
        gateway.change(0)
        time.sleep(SPACING_S * (0.5 + rng.random()))
