"""``seatsync serve`` as somebody starts it: addresses, stores, streams, one-line errors."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_busy_port_is_one_clear_line(run: Any, taken_port: int) -> None:
    for flag in ("--listen", "--metrics-listen"):
        address = f"127.0.0.1:{taken_port}"
        arguments = ["--listen", "127.0.0.1:0"] if flag != "--listen" else []
        result = run("serve", *arguments, flag, address, "--store", "memory:")
        assert (result.status, result.output) == (2, "")
        lines = [line for line in result.errors.strip().splitlines() if "{" not in line]
        assert len(lines) == 1
        assert address in lines[0]


def test_a_busy_port_is_one_clear_line_for_the_demo_too(run: Any, taken_port: int) -> None:
    result = run("demo", "--listen", f"127.0.0.1:{taken_port}", "--store", "memory:")
    assert result.status == 2
    assert f"127.0.0.1:{taken_port}" in result.complaint


@pytest.mark.parametrize("host", ["no-such-host.invalid", "203.0.113.7"])
def test_an_address_of_nobody_here_is_one_clear_line(run: Any, host: str) -> None:
    result = run("serve", "--listen", f"{host}:0", "--store", "memory:")
    assert result.status == 2
    assert host in result.complaint


def test_a_store_that_is_none_is_one_clear_line(run: Any, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database " * 1000)
    for store in ("redis:", "memory:x", "sqlite:", "nonsense", f"sqlite:{tmp_path / 'text.db'}"):
        result = run("serve", "--listen", "127.0.0.1:0", "--store", store)
        assert result.status == 2, store
        assert result.complaint.startswith("seatsync: "), store


async def test_a_second_server_on_the_same_file_is_refused(
    start: Any, run: Any, tmp_path: Path
) -> None:
    arguments = ("serve", "--listen", "127.0.0.1:0", "--store", f"sqlite:{tmp_path / 'rooms.db'}")
    first = await start(*arguments)
    await first.find(r"serving (http://\S+)")
    second = await asyncio.to_thread(run, *arguments)
    assert (second.status, second.output) == (2, "")
    assert "in use" in second.complaint
    first.terminate()
    assert await first.ended() == 0
    third = await start(*arguments)
    await third.find(r"serving (http://\S+)")


def has_ipv6() -> bool:
    return os.path.exists("/proc/net/if_inet6")


async def test_serve_answers_on_ipv6_with_an_address_that_can_be_used(start: Any) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    program = await start("serve", "--listen", "[::1]:0", "--store", "memory:")
    url = await program.find(r"serving (http://\S+)")
    assert url.startswith("http://[::1]:"), url


async def test_serve_tells_players_of_the_streams_it_was_given(start: Any) -> None:
    streams = "flv=https://cdn.example/{room}.flv, hls=https://cdn.example/{room}.m3u8"
    program = await start(
        "serve", "--listen", "127.0.0.1:0", "--store", "memory:", SEATSYNC_STREAM=streams
    )
    url = await program.find(r"serving (http://\S+)")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/v1/rooms/r1/media") as response,
    ):
        answer = await response.json()
    assert {stream["format"]: stream["url"] for stream in answer["streams"]} == {
        "flv": "https://cdn.example/r1.flv",
        "hls": "https://cdn.example/r1.m3u8",
    }
    assert answer["orientation"] in ("landscape", "portrait")


async def ask(url: str, method: str = "GET", token: str | None = None, **more: Any) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url, **more) as response,
    ):
        return response.status, await response.json(content_type=None)


async def test_serve_plans_as_it_was_told(start: Any, run: Any) -> None:
    arguments = ["--stream", "hls=https://cdn.example/{room}.m3u8", "--anonymous-push"]
    arguments += ["--stream", "flv:720p:h264:1280x720=https://cdn.example/{room}.flv"]
    arguments += ["--orientation", "portrait", "--announcement", "Back at 9"]
    arguments += ["--public-url", "https://rooms.example/"]
    program = await start("serve", "--listen", "127.0.0.1:0", "--store", "memory:", *arguments)
    url = await program.find(r"serving (http://\S+)")
    token = (await asyncio.to_thread(run, "token", "--user", "olga")).output.strip()
    assert (await ask(f"{url}/v1/rooms/r1", "PUT", token))[0] == 201
    _, entry = await ask(f"{url}/v1/rooms/r1/entry")
    assert entry["announcement"] == "Back at 9"
    assert [planned["url"] for planned in entry["plan"]["channels"]] == [
        "wss://rooms.example/v1/rooms/r1/push",
        "https://rooms.example/v1/rooms/r1/events",
        "https://rooms.example/v1/rooms/r1/state",
        "https://cdn.example/r1.flv",
    ]
    _, media = await ask(f"{url}/v1/rooms/r1/media")
    assert media["orientation"] == "portrait"
    assert [stream["quality"] for stream in media["streams"]] == ["source", "720p"]


async def test_serve_takes_the_tokens_of_its_issuer_alone(start: Any, run: Any) -> None:
    names = {"SEATSYNC_AUDIENCE": "rooms", "SEATSYNC_ISSUER": "login"}
    program = await start("serve", "--listen", "127.0.0.1:0", "--store", "memory:", **names)
    url = await program.find(r"serving (http://\S+)")
    good = (await asyncio.to_thread(run, "token", "--user", "olga", **names)).output.strip()
    bad = (await asyncio.to_thread(run, "token", "--user", "olga")).output.strip()
    assert (await ask(f"{url}/v1/rooms/r1", "PUT", bad))[0] == 401
    assert (await ask(f"{url}/v1/rooms/r1", "PUT", good))[0] == 201


async def test_serve_begins_a_new_audit_log_on_sighup(start: Any, run: Any, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    arguments = ("--listen", "127.0.0.1:0", "--store", "memory:", "--audit-log", str(path))
    program = await start("serve", *arguments)
    url = await program.find(r"serving (http://\S+)")
    assert path.stat().st_mode & 0o777 == 0o600
    token = (await asyncio.to_thread(run, "token", "--user", "olga")).output.strip()
    await ask(f"{url}/v1/rooms/r1", "PUT", token)

    async def end_session() -> None:
        body = {"cmd": "session.end", "cmd_id": os.urandom(8).hex()}
        await ask(f"{url}/v1/rooms/r1/commands", "POST", token, json=body)

    await end_session()
    moved = path.with_suffix(".1")
    path.rename(moved)
    program.child.send_signal(signal.SIGHUP)
    async with asyncio.timeout(10):
        while not path.exists():
            await end_session()
    await end_session()
    assert json.loads(path.read_text().splitlines()[0])["cmd"] == "session.end"
    assert token not in moved.read_text() + path.read_text()
    program.terminate()
    assert await program.ended() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--origin", "*", "--origin", "https://a.example"], "--origin"),
        (["--user-commands-per-s", "off", "--user-burst", "5"], "--user-burst"),
        (["--room-commands-per-s", "0", "--room-burst", "5"], "--room-burst"),
        (["--stream", "flv=http://a.example", "--stream", "flv=http://b.example"], "given twice"),
        (["--orientation", "portrait"], "--orientation"),
        (["--listen", "127.0.0.1:9", "--metrics-listen", "127.0.0.1:9"], "--metrics-listen"),
        (["--audit-log", "/nowhere/at/all/audit.jsonl"], "/nowhere/at/all"),
        (["--audit-log", "/"], "audit log"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_settings_that_contradict_each_other_are_one_clear_line(
    run: Any, arguments: list[str], words: str
) -> None:
    result = run("serve", "--listen", "127.0.0.1:0", "--store", "memory:", *arguments)
    assert (result.status, result.output) == (2, "")
    assert result.complaint.startswith("seatsync: ")
    assert words in result.complaint
