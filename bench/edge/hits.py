"""Polls a second on one core, beside nginx with the same bytes in a file."""

from __future__ import annotations

import http.client
import re
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.edge import nginx
from bench.edge.children import LOAD_CORE, SERVER_CORE, Child, child, free_port
from bench.edge.ours import ROOM, ours
from bench.edge.plan import Plan
from bench.measure import Row, microseconds, per_second

CONNECTIONS = 64
BESIDE = "nginx, the same bytes in a file"


class _Target(NamedTuple):
    """What is asked for, and of whom."""

    server: Child
    port: int
    path: str
    etag: str = ""
    """Asked for as what is held; none: not conditional."""

    def headers(self) -> dict[str, str]:
        """Give those of the request."""
        return {"If-None-Match": self.etag} if self.etag else {}


def rows(plan: Plan) -> Iterable[Row]:
    """Measure both in turns."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        side = running.enter_context(ours(folder / "ours"))
        mine = _Target(side.server, side.port, f"{ROOM}/state")
        theirs = running.enter_context(_nginx(folder, side.body()))
        for status in (200, 304):
            sides = {"ours": _expecting(mine, status), "theirs": _expecting(theirs, status)}
            yield from _compare(status, _in_turns(sides, plan))


def _in_turns(sides: dict[str, _Target], plan: Plan) -> dict[str, list[float]]:
    raw: dict[str, list[float]] = defaultdict(list)
    for _ in range(plan.short_turns):
        for name, target in sides.items():
            rate, cpu_s = _load(target, plan.hits_s)
            raw[name].append(rate)
            raw[f"{name}_cpu_s"].append(cpu_s)
    return dict(raw)


def _compare(status: int, raw: dict[str, list[float]]) -> Iterable[Row]:
    """Show the rate, and the CPU, which a loader that can't keep up doesn't change."""
    median = {name: statistics.median(runs) for name, runs in raw.items()}
    what = f"polls answered {status}, {CONNECTIONS} kept connections"
    for name, place, show in (
        ("one core", "", per_second),
        ("CPU of each", "_cpu_s", microseconds),
    ):
        mine, theirs = median[f"ours{place}"], median[f"theirs{place}"]
        yield Row(f"{what}: {name}", show(mine), BESIDE, show(theirs), mine / theirs, raw)


@contextmanager
def _nginx(folder: Path, body: bytes) -> Iterator[_Target]:
    """Serve some bytes out of a file."""
    root = folder / "root"
    root.mkdir()
    (root / "state").write_bytes(body)
    port = free_port()
    configuration = nginx.static_configuration(folder, port, root)
    with child(nginx.command(folder, configuration), SERVER_CORE) as server:
        server.wait_for_port(port)
        yield _Target(server, port, "/state")


def _expecting(target: _Target, status: int) -> _Target:
    """Ask once by hand: the answer must be what is measured."""
    got, etag = _ask(target)
    if status == 304:
        target = target._replace(etag=etag)
        got, _ = _ask(target)
    if got != status:
        raise RuntimeError(f"{target}: {got} where {status} was expected")
    return target


def _ask(target: _Target) -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", target.port)
    line.request("GET", target.path, headers=target.headers())
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer.status, answer.headers["ETag"]


def _load(target: _Target, seconds: int) -> tuple[float, float]:
    """Let wrk ask; gives answers a second, and seconds of the server's CPU for each."""
    url = f"http://127.0.0.1:{target.port}{target.path}"
    headers = [word for field in target.headers().items() for word in ("-H", ": ".join(field))]
    pinned = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    before_s = target.server.cpu_s()
    ran = subprocess.run([*pinned, *headers, url], check=True, capture_output=True, text=True)
    used_s = target.server.cpu_s() - before_s
    rate = re.search(r"Requests/sec:\s+([\d.]+)", ran.stdout)
    answers = re.search(r"(\d+) requests in", ran.stdout)
    if rate is None or answers is None or "Non-2xx" in ran.stdout or "Socket err" in ran.stdout:
        raise RuntimeError(ran.stdout)
    return float(rate[1]), used_s / int(answers[1])
