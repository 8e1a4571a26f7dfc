"""The load test itself: every channel tells its staleness, and what is wrong is a failure."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0
SECONDS = 8
SETTINGS = ("SEATSYNC_", "LOADTEST_", "LOCUST_")
HINT_MS = 300
ROADS = ("ws", "poll", "long-poll", "sse", "sei")

Rows = dict[str, dict[str, str]]


async def run(*arguments: str) -> tuple[int, str]:
    """Run ``python -m`` to its end; it and what it started are gone afterwards."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith(SETTINGS)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            output, _ = await child.communicate()
    except TimeoutError:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = await child.communicate()
        raise AssertionError(output.decode()) from None
    assert child.returncode is not None
    return child.returncode, output.decode()


def read_rows(path: Path, output: str) -> Rows:
    """Read Locust's report, by kind and name of the entries."""
    assert path.exists(), output
    with path.open(newline="") as file:
        return {f"{row['Type']} {row['Name']}": row for row in csv.DictReader(file)}


def times(rows: Rows, entry: str) -> int:
    return int(rows[entry]["Request Count"]) if entry in rows else 0


def failures(rows: Rows) -> dict[str, int]:
    counts = {name: int(row["Failure Count"]) for name, row in rows.items()}
    return {name: count for name, count in counts.items() if count and name != " Aggregated"}


async def test_every_channel_tells_its_staleness_and_nothing_fails(tmp_path: Path) -> None:
    status, output = await run(
        *("loadtest", "--seconds", str(SECONDS), "--users", "20", "--out", str(tmp_path)),
        *("--rooms", "1", "--changes", "5"),
    )
    rows = read_rows(tmp_path / "load_stats.csv", output)
    assert (status, failures(rows)) == (0, {}), output
    for road in ROADS:
        assert times(rows, f"AGE staleness {road}") > 0, (road, output)
    assert times(rows, "POST seat.take") > 0
    assert times(rows, "generator lag") > 0
    assert "now - ts" in (tmp_path / "load_notes.txt").read_text()
    assert (tmp_path / "load.html").stat().st_size > 0


async def test_a_shape_that_does_not_exist_is_refused_before_anything_starts() -> None:
    status, output = await run("loadtest", "--shape", "square")
    assert status == 2
    assert "invalid choice: 'square'" in output


# A server that sends away, or goes back


def snapshot(version: int) -> str:
    return (
        '{"type":"snapshot","doc":"state","schema":1,"view":"anonymous","room":"r1","epoch":5,'
        f'"version":{version},"ts":1732150000123,"session":null,"seats":[]}}'
    )


Push = Callable[[web.WebSocketResponse], Awaitable[None]]


class Stage:
    """A stand-in for the server; its push connections follow a script."""

    def __init__(self, script: list[Push | int]) -> None:
        self._script = script
        self.polls = 0
        self.have: list[str | None] = []

    async def push(self, request: web.Request) -> web.StreamResponse:
        self.have.append(request.query.get("have"))
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(step, int):
            problem = {"code": "OVERLOADED", "retryable": True, "retry_after_ms": HINT_MS}
            return web.json_response(problem, status=step, content_type="application/problem+json")
        socket = web.WebSocketResponse(protocols=("seatsync.v1",))
        await socket.prepare(request)
        await socket.send_str('{"type":"welcome","conn_id":"c","schema":1,"ping_ms":25000}')
        await step(socket)
        return socket

    async def poll(self, request: web.Request) -> web.Response:
        self.polls += 1
        return web.Response(text=snapshot(3), headers={"ETag": '"5.3"', "Seatsync-Poll-Ms": "100"})

    async def time(self, request: web.Request) -> web.Response:
        return web.Response(status=404)


@asynccontextmanager
async def staged(script: list[Push | int]) -> AsyncIterator[tuple[Stage, str]]:
    stage = Stage(script)
    app = web.Application()
    app.add_routes(
        [
            web.get("/v1/push", stage.time),
            web.get("/v1/rooms/r1/push", stage.push),
            web.get("/v1/rooms/r1/state", stage.poll),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield stage, f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def one_reader(url: str, out: Path, *more: str) -> tuple[int, str, Rows]:
    """Run one WebSocket reader for two seconds, unless told otherwise."""
    status, output = await run(
        *("locust", "-f", "loadtest/locustfile.py", "--headless", "--only-summary"),
        *("--host", url, "--rooms", "r1", "--guests", "0", "--viewers", "0"),
        *("--users", "1", "--run-time", "2s", "--csv", str(out / "load"), *more, "PushReader"),
    )
    return status, output, read_rows(out / "load_stats.csv", output)


async def send_and_stay(socket: web.WebSocketResponse, *versions: int) -> None:
    for version in versions:
        await socket.send_str(snapshot(version))
    async for _ in socket:
        pass


async def overloaded(socket: web.WebSocketResponse) -> None:
    await socket.send_str(f'{{"type":"bye","code":4002,"reason":"","retry_after_ms":{HINT_MS}}}')


async def test_who_is_sent_away_polls_and_comes_back_with_what_it_has(tmp_path: Path) -> None:
    async with staged([503, overloaded, lambda socket: send_and_stay(socket, 4)]) as (stage, url):
        status, output, rows = await one_reader(url, tmp_path)
    assert (status, failures(rows)) == (0, {}), output
    assert times(rows, "WS refused OVERLOADED") == 2
    assert times(rows, "WS connect") == 2
    assert stage.have == [None, "state:5.3", "state:5.3"]
    assert stage.polls == times(rows, "GET poll") >= 2


async def test_a_step_back_is_a_failure_and_the_exit_status_says_so(tmp_path: Path) -> None:
    async with staged([lambda socket: send_and_stay(socket, 4, 6, 5, 7)]) as (_, url):
        status, output, rows = await one_reader(url, tmp_path)
    assert (status, failures(rows)) == (1, {"AGE position ws": 1}), output


async def test_a_refusal_that_does_not_say_when_to_come_back_is_a_failure(tmp_path: Path) -> None:
    async def leave(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"type":"bye","code":4002,"reason":""}')

    script: list[Any] = [leave, lambda socket: send_and_stay(socket, 4)]
    async with staged(script) as (_, url):
        status, output, rows = await one_reader(url, tmp_path)
    assert (status, failures(rows)) == (1, {"WS refused OVERLOADED": 1}), output


@pytest.mark.soak
async def test_in_a_storm_everybody_leaves_and_comes_back_with_what_it_has(tmp_path: Path) -> None:
    async with staged([lambda socket: send_and_stay(socket, 4)]) as (stage, url):
        status, output, rows = await one_reader(
            url, tmp_path, "--shape", "storm", "--run-time", "12s"
        )
    assert (status, failures(rows)) == (0, {}), output
    assert times(rows, "WS return") == 3
    assert stage.have == [None, "state:5.4", "state:5.4", "state:5.4"]
