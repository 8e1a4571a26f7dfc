"""The whole of it: a gateway, a relay with its workers, a CDN behind it, and harm on the way."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from probe_hop import hop

from room.position import Position
from sei.flv.reader import FlvStateReader

SECRET = "planted-secret-of-the-acceptance-tests"
PATIENCE_S = 60.0
RELAY = """
gateway = "{gateway}"
listen = "127.0.0.1:0"
status_listen = "127.0.0.1:0"

[[stream]]
name = "stage"
room = "r1"
input = "test:"
outputs = ["flv"]
probe = {{ url = "{cdn}/live.flv", every_s = 3, for_s = 3 }}

[[stream]]
name = "quiet"
room = "r2"
input = "test:"
outputs = ["flv", "hls"]
"""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


class Owner:
    """Somebody with rooms at a gateway."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url
        claims = {"sub": "olga", "exp": int(time.time()) + 600}
        self.headers = {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}
        self.count = 0

    async def create(self, room: str) -> None:
        url = f"{self.url}/v1/rooms/{room}"
        async with self.session.put(url, json={}, headers=self.headers) as answer:
            assert answer.status == 201, await answer.text()

    async def do(self, room: str, cmd: str) -> Position:
        self.count += 1
        body = {"cmd": cmd, "cmd_id": f"c{self.count}", "args": {}}
        url = f"{self.url}/v1/rooms/{room}/commands"
        async with self.session.post(url, json=body, headers=self.headers) as answer:
            ack = await answer.json()
            assert answer.status == 200, ack
            return Position(ack["epoch"], ack["version"])


@asynccontextmanager
async def positions(
    session: aiohttp.ClientSession, url: str, room: str
) -> AsyncIterator[AsyncIterator[Position]]:
    """Watch a room in its video."""

    async def seen() -> AsyncIterator[Position]:
        reader = FlvStateReader(room)
        async for chunk in response.content.iter_any():
            for sighting in reader.feed(chunk):
                yield sighting.position

    async with asyncio.timeout(PATIENCE_S), session.get(url) as response:
        assert response.status == 200
        yield seen()


async def find(seen: AsyncIterator[Position], wanted: Position) -> None:
    async for position in seen:
        if position >= wanted:
            return
    raise AssertionError("the stream ended")


async def metric(session: aiohttp.ClientSession, status: str, name: str, label: str) -> float:
    async with session.get(f"{status}metrics") as answer:
        text = await answer.text()
    found = re.search(rf'^{name}{{[^}}]*="{label}"[^}}]*}} (\S+)$', text, re.MULTILINE)
    assert found, text
    return float(found[1])


async def wait_for(ask: Any, holds: Any) -> float:
    async with asyncio.timeout(PATIENCE_S):
        while not holds(value := await ask()):  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.1)
    return float(value)


async def test_rooms_reach_their_streams_harm_is_found_out_and_a_lost_gateway_costs_nothing(
    start: Any, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path / 'rooms.db'}"
    gateway = await start("serve", "--listen", "127.0.0.1:0", "--store", store)
    owner = Owner(session, await gateway.find(r"serving (http://\S+)"))
    await owner.create("r1")
    first = await owner.do("r1", "session.start")
    async with hop() as cdn:
        config = tmp_path / "relay.toml"
        config.write_text(RELAY.format(gateway=owner.url, cdn=cdn.url))
        relay = await start("relay", "--config", str(config))
        root = await relay.find(r"relay (http://\S+) with 2 streams")
        status = await relay.find(r"status (http://\S+)")
        cdn.origin = f"{root}/live/stage.flv"

        async def stripped() -> float:
            return await metric(session, status, "seatsync_sei_stripped", "stage")

        async def age() -> float:
            return await metric(session, status, "seatsync_relay_state_age_seconds", "r1")

        # A state reaches the video, and so does that of a room that is made only now.
        async with positions(session, f"{root}/live/stage.flv", "r1") as seen:
            await find(seen, first)
            second = await owner.do("r1", "session.end")
            await find(seen, second)
        await owner.create("r2")
        late = await owner.do("r2", "session.start")
        async with positions(session, f"{root}/live/quiet.flv", "r2") as seen:
            await find(seen, late)

        # Harm on the way is told, and its end too.
        assert await stripped() == 0
        cdn.strips = True
        await wait_for(stripped, lambda value: value == 1)
        cdn.strips = False
        await wait_for(stripped, lambda value: value == 0)
        assert await metric(session, status, "seatsync_sei_stripped", "quiet") == 0

        # Without the gateway the last state repeats, and its age grows.
        gateway.child.kill()
        await gateway.ended()
        await wait_for(age, lambda value: value > 3)
        async with positions(session, f"{root}/live/stage.flv", "r1") as seen:
            repeats = [await anext(seen) for _ in range(4)]
        assert repeats == [second] * 4

        # It comes back, and with it what was changed.
        port = owner.url.rpartition(":")[2]
        again = await start("serve", "--listen", f"127.0.0.1:{port}", "--store", store)
        await again.find(r"serving (http://\S+)")
        third = await owner.do("r1", "session.start")
        async with positions(session, f"{root}/live/stage.flv", "r1") as seen:
            await find(seen, third)
        await wait_for(age, lambda value: value < 6)
        relay.terminate()
        assert await relay.ended() == 0
