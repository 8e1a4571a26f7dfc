"""The relay's process tree: real workers, with streams that hang and crash when asked to."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sei.config import RelayConfig, StreamConfig
from sei.relay.child import WorkerProcess
from sei.relay.crew import Pace
from sei.relay.relaying import Relaying, relaying
from sei.relay.words import State

PROGRAM = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))
PATIENCE_S = 30.0
PACE = Pace(hang_s=1.0, look_s=0.1, restock_s=0.0)


@dataclass
class FakeStates:
    """States by hand."""

    followed: dict[tuple[str, int], Callable[[State], None]] = field(default_factory=dict)
    known: dict[str, State] = field(default_factory=dict)
    refused: int = 0
    too_large: int = 0

    def subscribe(
        self, room: str, max_message_bytes: int, on_state: Callable[[State], None]
    ) -> Callable[[], None]:
        self.followed[room, max_message_bytes] = on_state
        if room in self.known:
            on_state(self.known[room])
        return lambda: self.followed.pop((room, max_message_bytes), None) and None

    def age_s(self, room: str) -> float | None:
        return 1.0 if room in self.known else None

    def source_counters(self) -> dict[str, Any]:
        return {"channel": "ws"}

    def tell(self, room: str, version: int) -> None:
        messages = (f"{room} {version}".encode(),)
        self.known[room] = State(room, 1000, 7, version, messages)
        self.followed[room, 1000](self.known[room])


def stream(name: str, **changes: Any) -> StreamConfig:
    return StreamConfig(**{"name": name, "room": name, "input": "test:"} | changes)


def relay_of(*streams: StreamConfig) -> RelayConfig:
    return RelayConfig(listen="127.0.0.1:0", status_listen="127.0.0.1:0", streams=streams)


@dataclass
class Harness:
    relay: Relaying
    states: FakeStates
    session: aiohttp.ClientSession

    async def ask(self, path: str) -> Any:
        """Ask until a worker answers: one that is starting may not be there yet."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    url = f"http://127.0.0.1:{self.relay.port}/live/{path}"
                    async with self.session.get(url) as response:
                        line = await response.content.readline()
                        if response.status == 200 and line not in (b"", b"null"):
                            return json.loads(line)
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)

    async def status(self) -> Any:
        url = f"http://127.0.0.1:{self.relay.status_port}/status.json"
        async with self.session.get(url) as response:
            return await response.json()

    async def stream(self, name: str) -> Any:
        streams = (await self.status())["streams"]
        return next((one for one in streams if one["name"] == name), None)

    async def until(self, holds: Callable[[Any], bool]) -> Any:
        """Look at the status until something holds."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                status = await self.status()
                if holds(status):
                    return status
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def playing(self, name: str) -> AsyncIterator[asyncio.StreamReader]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.relay.port)
        writer.write(f"GET /live/{name}.flv HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        try:
            await reader.readuntil(b"\r\n\r\n")
            yield reader
        finally:
            writer.close()


@asynccontextmanager
async def harness(
    *streams: StreamConfig, cores: int = 2, pace: Pace = PACE
) -> AsyncIterator[Harness]:
    states = FakeStates()
    start = partial(WorkerProcess, program=PROGRAM)
    async with (
        relaying(
            relay_of(*streams), states, start, cores=cores, pace=pace, draw=lambda: 1.0
        ) as relay,
        aiohttp.ClientSession() as session,
    ):
        yield Harness(relay, states, session)


def spare_is_up(status: Any) -> bool:
    return any(worker["place"] == 0 and worker["rss_bytes"] > 0 for worker in status["workers"])


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_streams_are_spread_over_workers_and_players_reach_theirs() -> None:
    async with harness(stream("a"), stream("b"), stream("c"), stream("d")) as relay:
        told = [await relay.ask(f"{name}.flv") for name in "abcd"]
    assert [one["name"] for one in told] == list("abcd")
    pids = [one["pid"] for one in told]
    assert sorted(pids.count(pid) for pid in set(pids)) == [2, 2]


async def test_a_killed_worker_costs_only_its_streams_and_they_come_back() -> None:
    async with harness(stream("a"), stream("b")) as relay:
        relay.states.tell("a", 4)
        victim = (await relay.ask("a.flv"))["pid"]
        await relay.until(spare_is_up)
        before = (await relay.stream("a"))["counts"]["video_packets"]
        async with relay.playing("b") as other:
            other_pid = json.loads(await other.readline())["pid"]
            os.kill(victim, signal.SIGKILL)
            again = await relay.ask("a.flv")
            still = json.loads(await other.readline())["pid"]
        status = await relay.until(lambda status: status["restarts"] == 1)
        after = (await relay.stream("a"))["counts"]["video_packets"]
    assert again["pid"] not in (victim, other_pid)
    assert again["messages"] == ["a 4"]
    assert still == other_pid
    assert status["hangs"] == 0
    assert after >= before


@pytest.mark.parametrize("how", ["hang", "hold-the-gil"])
async def test_a_hung_worker_is_killed_and_its_streams_come_back(how: str) -> None:
    async with harness(stream("a"), stream("b")) as relay:
        other = (await relay.ask("b.flv"))["pid"]
        victim = (await relay.ask(f"a/{how}"))["pid"]
        await relay.until(lambda status: status["hangs"] == 1)
        again = await relay.ask("a.flv")
        assert again["pid"] != victim
        assert (await relay.ask("b.flv"))["pid"] == other
        assert not await asyncio.to_thread(_outlives, victim)


async def test_a_stopped_worker_counts_as_hung() -> None:
    async with harness(stream("a")) as relay:
        victim = (await relay.ask("a.flv"))["pid"]
        os.kill(victim, signal.SIGSTOP)
        await relay.until(lambda status: status["hangs"] == 1)
        assert (await relay.ask("a.flv"))["pid"] != victim


async def test_a_crashed_stream_starts_again_alone() -> None:
    async with harness(stream("a"), stream("b"), cores=1) as relay:
        first = await relay.ask("a/crash")
        await relay.until(lambda status: status["streams"][0]["counts"]["crashes"] == 1)
        again = await relay.ask("a.flv")
        assert again["pid"] == first["pid"] == (await relay.ask("b.flv"))["pid"]
        assert again["made"] == 3
        assert (await relay.status())["restarts"] == 0


async def test_a_spoilt_worker_ends_and_all_its_streams_go_on_in_another() -> None:
    async with harness(stream("a"), stream("b"), cores=1) as relay:
        victim = (await relay.ask("a/spoil"))["pid"]
        await relay.until(lambda status: status["restarts"] == 1)
        pids = {(await relay.ask(f"{name}.flv"))["pid"] for name in "ab"}
    assert len(pids) == 1
    assert victim not in pids


async def test_a_stream_that_failed_for_good_is_shown_and_the_others_go_on() -> None:
    async with harness(stream("a"), stream("b")) as relay:
        await relay.ask("a/fail")
        status = await relay.until(lambda status: status["streams"][0]["state"] == "failed")
        assert status["streams"][0]["error_code"] == "UNAVAILABLE"
        assert status["streams"][0]["error"] == "as asked"
        assert (await relay.ask("b.flv"))["name"] == "b"
        assert not relay.relay.supervisor.over.is_set()


async def test_it_is_over_when_every_stream_is() -> None:
    async with harness(stream("a"), stream("b")) as relay:
        await relay.ask("a/end")
        await relay.ask("b/end")
        async with asyncio.timeout(PATIENCE_S):
            await relay.relay.supervisor.over.wait()
        assert [one["state"] for one in (await relay.status())["streams"]] == ["ended", "ended"]


async def test_a_reload_leaves_what_did_not_change_alone() -> None:
    async with harness(stream("a"), stream("b"), stream("c")) as relay:
        await relay.ask("b.flv")
        async with relay.playing("a") as unchanged:
            pid = json.loads(await unchanged.readline())["pid"]
            new = relay_of(stream("a"), stream("b", room="other"), stream("d"))
            relay.relay.supervisor.reload(new)
            assert (await relay.ask("d.flv"))["name"] == "d"
            await relay.until(lambda status: [s["room"] for s in status["streams"]][1] == "other")
            while (await relay.ask("b.flv"))["room"] != "other":
                pass
            assert json.loads(await unchanged.readline())["pid"] == pid
        status = await relay.status()
        assert sorted(one["name"] for one in status["streams"]) == ["a", "b", "d"]
        assert set(relay.states.followed) == {("a", 1000), ("other", 1000), ("d", 1000)}
        assert status["restarts"] == 0


async def test_a_worker_without_streams_is_let_go() -> None:
    async with harness(stream("a"), stream("b")) as relay:
        gone = (await relay.ask("b.flv"))["pid"]
        relay.relay.supervisor.reload(relay_of(stream("a")))
        await relay.until(lambda status: all(w["pid"] != gone for w in status["workers"]))
        assert not await asyncio.to_thread(_outlives, gone)


async def test_a_new_state_reaches_the_stream_of_its_room_alone() -> None:
    async with harness(stream("a"), stream("b"), cores=1) as relay:
        relay.states.tell("a", 1)
        relay.states.tell("a", 2)
        while (await relay.ask("a.flv"))["messages"] != ["a 2"]:
            pass
        assert (await relay.ask("b.flv"))["messages"] == []


async def test_a_stop_leaves_whole_files_and_no_process(tmp_path: Path) -> None:
    target = tmp_path / "out.ts"
    async with harness(stream("a", outputs=("flv", str(target)))) as relay:
        await relay.ask("a.flv")
        pids = [worker["pid"] for worker in (await relay.until(spare_is_up))["workers"]]
    assert target.read_text() == "whole"
    assert len(pids) == 2
    assert not any(map(is_running, pids))


async def test_a_hung_worker_does_not_hold_up_the_stop() -> None:
    pace = PACE._replace(hang_s=1000.0, stop_s=0.5)
    async with harness(stream("a"), pace=pace) as relay:
        pid = (await relay.ask("a/hang"))["pid"]
    assert not is_running(pid)


async def test_what_no_worker_has_is_answered_by_the_front() -> None:
    async with harness(stream("a")) as relay:
        url = f"http://127.0.0.1:{relay.relay.port}"
        for method, path, expected in (
            ("GET", "/live/other.flv", 404),
            ("GET", "/nothing", 404),
            ("POST", "/live/a.flv", 405),
            ("OPTIONS", "/live/other.flv", 204),
            ("GET", "/livez", 200),
        ):
            async with relay.session.request(method, url + path) as response:
                assert response.status == expected
                assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_while_a_worker_waits_for_its_second_restart_the_front_says_when_to_come_back() -> (
    None
):
    async with harness(stream("a")) as relay:
        first = (await relay.ask("a.flv"))["pid"]
        os.kill(first, signal.SIGKILL)
        await relay.until(lambda status: status["restarts"] == 1)
        os.kill((await relay.ask("a.flv"))["pid"], signal.SIGKILL)
        await relay.until(lambda status: status["streams"][0]["state"] == "restarting")
        url = f"http://127.0.0.1:{relay.relay.port}/live/a.flv"
        async with relay.session.get(url) as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "1"
            assert (await response.json(content_type=None))["retryable"] is True
        assert (await relay.ask("a.flv"))["pid"] != first


async def test_slow_heads_neither_block_others_nor_stay() -> None:
    async with harness(stream("a")) as relay:
        await relay.ask("a.flv")
        slow = [socket.create_connection(("127.0.0.1", relay.relay.port)) for _ in range(50)]
        try:
            for peer in slow:
                peer.sendall(b"GET /live/a")
            assert (await relay.ask("a.flv"))["name"] == "a"
            slow[0].sendall(b".flv HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await asyncio.to_thread(slow[0].recv, 12)) == b"HTTP/1.1 200"
        finally:
            for peer in slow:
                peer.close()


async def test_a_supervisor_that_is_killed_takes_even_hung_workers_along(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).parent / "fake_supervisor.py"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            pids = json.loads(await child.stdout.readline())
        assert len(pids) == 3
        assert all(map(is_running, pids))
        child.kill()
        await child.wait()
        assert not await asyncio.to_thread(_outlive, pids)
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


def _outlives(pid: int) -> bool:
    return _outlive([pid])


def _outlive(pids: list[int]) -> bool:
    """Tell whether any is still there after a bounded time."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(PATIENCE_S * 1000):
                return True
        finally:
            os.close(descriptor)
    return False
