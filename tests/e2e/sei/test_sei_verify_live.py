"""``seatsync sei verify`` and ``read`` on the addresses of a running relay."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import jwt
import pytest
from aiohttp import web
from sei_files import STATE

from sei.files.inject import inject
from sei.probe.fetch import Fetched
from sei.probe.judge import Picture
from sei.probe.look import look

SECRET = "planted-secret-of-the-acceptance-tests"
PATIENCE_S = 60.0
PROGRAM = (sys.executable, "-m", "seatsync", "sei")
Stream = Callable[[str], Path]


class Done(NamedTuple):
    status: int
    output: str
    errors: str


async def program(*arguments: object, stdin: bytes | None = None) -> Done:
    child = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            output, errors = await child.communicate(stdin)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert child.returncode is not None
    assert b"Traceback" not in errors, errors.decode()
    return Done(child.returncode, output.decode(), errors.decode())


class Running(NamedTuple):
    """A gateway with a room, and a relay of it."""

    gateway: str
    players: str
    folder: Path


@pytest.fixture
async def running(start: Any, tmp_path: Path) -> Running:
    pem, keys = tmp_path / "k.pem", tmp_path / "keys.json"
    await program("keygen", "--kid", "k1", "--out", pem, "--keys", keys)
    gateway = await start("serve", "--listen", "127.0.0.1:0", "--sei-keys", str(keys))
    url = await gateway.find(r"serving (http://\S+)")
    await begin_session(url)
    outputs = [word for form in ("flv", "mp4", "hls") for word in ("--output", form)]
    more = ["--relay-listen", "127.0.0.1:0", "--key", str(pem), "--kid", "k1"]
    relay = await start("relay", "demo", "--gateway", url, "--input", "test:", *outputs, *more)
    players = await relay.find(r"relay (http://\S+)/live/demo\.")
    await first_segment(f"{players}/live/demo.m3u8")
    return Running(url, f"{players}/live/demo", tmp_path)


async def begin_session(url: str) -> None:
    claims = {"sub": "olga", "exp": int(time.time()) + 600}
    headers = {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.put(f"{url}/v1/rooms/demo", json={}) as answer:
            assert answer.status == 201
        body = {"cmd": "session.start", "cmd_id": "c1", "args": {}}
        async with session.post(f"{url}/v1/rooms/demo/commands", json=body) as answer:
            assert answer.status == 200


async def first_segment(url: str) -> None:
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as answer:
                if answer.status == 200 and "#EXTINF" in await answer.text():
                    return
            await asyncio.sleep(0.1)


async def test_every_form_of_a_running_relay_is_verified_and_read(running: Running) -> None:
    keys = f"{running.gateway}/.well-known/seatsync-keys.json"
    flags = ("--room", "demo", "--keys", keys, "--seconds", 3, "--max-gap", 0.7)
    for form in ("flv", "mp4", "m3u8"):
        done = await program("verify", f"{running.players}.{form}", *flags, "--json")
        assert done.status == 0, (form, done)
        report = json.loads(done.output)
        assert (report["faults"], report["rooms"]["foreign"]) == ([], 0)
        assert set(report["signatures"]) == {"valid"}
        assert report["signed_by"] == ["k1"]
        assert report["span_s"] > 1.5
        assert report["messages"] == report["snapshots"] >= 3
        assert report["positions"]["versions"] == 1
        assert 0 <= report["age_s"] < PATIENCE_S

    people = await program("verify", f"{running.players}.flv", *flags)
    assert people.status == 0
    subjects = [line.split()[0] for line in people.output.splitlines()]
    assert subjects == [
        *("pictures", "messages", "rooms", "signatures", "versions", "cadence", "freshness"),
        "fine",
    ]

    stranger = await program("verify", f"{running.players}.flv", "--room", "x", "--seconds", 1)
    assert stranger.status == 1
    assert "no message of the room" in stranger.output

    unknown = await program("verify", f"{running.players}x.flv", "--seconds", 1)
    assert (unknown.status, unknown.output) == (2, "")
    assert unknown.errors == "seatsync: UNAVAILABLE: HTTP status 404\n"

    # A file, since what follows is bytes: what a player had until it went away.
    got = await program("read", "-", "--state", stdin=await some_of(f"{running.players}.flv"))
    found = [json.loads(line) for line in got.output.splitlines()]
    assert found
    for line in found:
        assert line["state"]["version"] == line["version"]
        assert line["state"]["session"]["status"] == "live"
        assert all(seat["status"] == "empty" for seat in line["state"]["seats"])


async def some_of(url: str) -> bytes:
    got = bytearray()
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        async with asyncio.timeout(PATIENCE_S):
            async for chunk in answer.content.iter_any():
                got += chunk
                if len(got) > 300_000:
                    break
    return bytes(got)


@asynccontextmanager
async def served(*files: Path, **texts: str) -> AsyncIterator[str]:
    """Serve files by their names, and texts as playlists."""
    routes = web.RouteTableDef()

    @routes.get("/{name}")
    async def get(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name.removesuffix(".m3u8") in texts:
            return web.Response(text=texts[name.removesuffix(".m3u8")])
        return web.Response(body=next(file for file in files if file.name == name).read_bytes())

    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_transport_streams_and_ended_playlists_are_verified_to_their_end(
    synthetic: Stream, tmp_path: Path
) -> None:
    made = tmp_path / "made.ts"
    report = inject(synthetic("slices"), made, STATE)
    playlist = "#EXTM3U\n#EXTINF:2,\nmade.ts\n#EXT-X-ENDLIST\n"
    variants = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvod.m3u8\n"
    async with served(made, vod=playlist, top=variants) as url:
        for name in ("made.ts", "vod.m3u8", "top.m3u8"):
            done = await program("verify", f"{url}/{name}", "--json")
            assert done.status == 0, (name, done)
            found = json.loads(done.output)
            assert (found["messages"], found["pictures"]) == (report.injected, 50)


async def test_a_stripped_stream_is_at_fault_and_a_page_is_no_stream(
    synthetic: Stream, tmp_path: Path
) -> None:
    bare = synthetic("slices")
    async with served(bare, page="<html>Please log in</html>") as url:
        done = await program("verify", f"{url}/{bare.name}", "--room", "demo")
        assert done.status == 1
        assert "FAULT" in done.output
        page = await program("verify", f"{url}/page.m3u8")
        assert (page.status, page.output, page.errors.count("\n")) == (2, "", 1)


async def test_a_live_playlist_is_followed_until_enough_of_it_was_seen(
    synthetic: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sei.probe.look._RELOAD_S", 0.0)
    made = tmp_path / "made.ts"
    inject(synthetic("slices"), made, STATE)
    asked: list[str] = []

    @asynccontextmanager
    async def fetch(url: str) -> AsyncIterator[Fetched]:
        asked.append(url.rpartition("/")[2])
        loads = asked.count("live.m3u8")
        names = "".join(f"#EXTINF:2,\n{number}.ts\n" for number in range(loads + 1))
        body = made.read_bytes() if url.endswith(".ts") else f"#EXTM3U\n{names}".encode()

        async def chunks() -> AsyncIterator[bytes]:
            yield body

        yield Fetched(url, chunks())

    pictures: list[Picture] = []
    await look("http://cdn.example/live.m3u8", pictures.append, 8.0, fetch=fetch)
    segments = [name for name in asked if name.endswith(".ts")]
    assert segments == ["0.ts", "1.ts", "2.ts", "3.ts"]
    assert len(pictures) == 50 * len(segments)
