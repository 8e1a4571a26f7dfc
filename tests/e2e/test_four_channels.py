"""One room through twenty commands over real processes: four channels end at the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest

from room.position import Position
from seatsync import CHANNELS, Room
from sei.errors import BadPayload
from sei.wire.assembler import Assembler
from sei.wire.payload import decode

ROOM = "evening"
UUID = bytes.fromhex("5e617453796e4331a9d47c3b8f12e6d0")
SECRET = "a secret of the test, long enough for HS256"

OWNER, BOB, GUEST = "olga", "bob", "carol"
TWENTY: list[tuple[str, str, dict[str, Any]]] = [
    (OWNER, "session.start", {"seat_count": 9}),
    (OWNER, "seat.take", {"seat_index": 0}),
    (OWNER, "mic.set", {"on": True}),
    (BOB, "seat.take", {"seat_index": 3}),
    (GUEST, "seat.take", {"seat_index": -1}),
    (BOB, "mic.set", {"on": True}),
    (OWNER, "seat.lock", {"seat_index": 8}),
    (OWNER, "seat.lock", {"seat_index": 7}),
    (OWNER, "seat.unlock", {"seat_index": 7}),
    (OWNER, "seat.mute", {"seat_index": 3}),
    (OWNER, "user.mute", {"user_id": GUEST}),
    (GUEST, "seat.move", {"to": 5}),
    (OWNER, "seat.unmute", {"seat_index": 3}),
    (BOB, "seat.leave", {}),
    (BOB, "seat.take", {"seat_index": 2}),
    (OWNER, "seat.move", {"user_id": BOB, "to": 8}),
    (OWNER, "seat.kick", {"user_id": BOB, "seat_index": 8}),
    (OWNER, "user.unmute", {"user_id": GUEST}),
    (GUEST, "mic.set", {"on": True}),
    (BOB, "seat.take", {"seat_index": 1}),
]


@asynccontextmanager
async def program(
    *arguments: str, environment: dict[str, str]
) -> AsyncIterator[asyncio.StreamReader]:
    """Run ``seatsync`` and give its standard output; end it by SIGTERM and expect order."""
    child = await start(*arguments, environment=environment)
    try:
        assert child.stdout is not None
        yield child.stdout
        child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await child.wait() == 0
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def find(output: asyncio.StreamReader, pattern: str) -> str:
    """Read lines until one fits."""
    async with asyncio.timeout(30):
        while line := (await output.readline()).decode():
            if match := re.search(pattern, line):
                return match[1]
    raise AssertionError(f"no line fits {pattern}")


def read_stream(url: str, position: Position) -> bytes:
    """Read the state out of the served stream with PyAV's decoder, up to a position."""
    assembler = Assembler()
    with av.open(url, timeout=(5, 5), options={"probesize": "200000"}) as stream:
        for frame in stream.decode(video=0):
            data = frame.side_data
            for entry in (data[index] for index in range(len(data))):
                raw = bytes(entry)
                if entry.type.name != "SEI_UNREGISTERED" or raw[:16] != UUID:
                    continue
                try:
                    message = decode(raw[16:])
                except BadPayload:
                    continue
                snapshot = None if message is None else assembler.offer(message)
                if snapshot is not None and snapshot.position >= position:
                    return snapshot.body
    raise AssertionError("the stream ended before the state was there")


async def newest(base_url: str, channel: Any, position: Position) -> bytes:
    """Follow by one channel, anonymously, up to a position."""
    async with asyncio.timeout(20), Room(base_url, ROOM, channels=[channel]) as room:
        async for update in room:
            if update.snapshot.position >= position:
                return update.snapshot.body
    raise AssertionError(f"{channel} ended before the state was there")


async def create(base_url: str, token: str) -> Position:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(base_url) as session,
        session.put(f"/v1/rooms/{ROOM}", json={}, headers=headers) as response,
    ):
        assert response.status == 201
        created = await response.json()
    return Position(created["epoch"], created["version"])


async def drive(base_url: str, tokens: dict[str, str], position: Position) -> Position:
    """Send the twenty commands; the version rises by one with each."""
    async with aiohttp.ClientSession(base_url) as session:
        for number, (user, name, args) in enumerate(TWENTY):
            command = {"cmd": name, "cmd_id": f"c{number}", "args": args}
            headers = {"Authorization": f"Bearer {tokens[user]}"}
            async with session.post(
                f"/v1/rooms/{ROOM}/commands", json=command, headers=headers
            ) as response:
                ack = await response.json()
                assert response.status == 200, (name, ack)
            assert ack["changed"], name
            assert (ack["epoch"], ack["version"]) == (position.epoch, position.version + 1), name
            position = Position(ack["epoch"], ack["version"])
    return position


def start(*arguments: str, environment: dict[str, str]) -> Awaitable[asyncio.subprocess.Process]:
    return asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "seatsync",
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )


async def sign(user: str, environment: dict[str, str]) -> str:
    child = await start("token", "--user", user, environment=environment)
    output, _ = await child.communicate()
    assert child.returncode == 0
    return output.decode().strip()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"SEATSYNC_JWT_SECRET": SECRET, "SEATSYNC_DATA": str(tmp_path / "data")}


async def test_twenty_commands_end_at_the_same_bytes_on_four_channels(
    environment: dict[str, str], unused_tcp_port: int
) -> None:
    relay_address = f"127.0.0.1:{unused_tcp_port}"
    stream_flag = f"flv=http://{relay_address}/live/{{room}}.flv"
    tokens = {user: await sign(user, environment) for user in (OWNER, BOB, GUEST)}
    async with program(
        "serve", "--listen", "127.0.0.1:0", "--stream", stream_flag, environment=environment
    ) as serving:
        base_url = await find(serving, r"serving (http://\S+)")
        position = await create(base_url, tokens[OWNER])
        async with program(
            "relay",
            ROOM,
            "--relay-listen",
            relay_address,
            "--gateway",
            base_url,
            environment=environment,
        ) as relaying:
            position = await drive(base_url, tokens, position)
            stream_url = await find(relaying, r"relay (http://\S+)")
            bodies = dict(
                zip(
                    (*CHANNELS, "sei by PyAV"),
                    await asyncio.gather(
                        *(
                            newest(base_url, name, position)
                            for name in ("ws", "sse", "poll", "sei")
                        ),
                        asyncio.to_thread(read_stream, stream_url, position),
                    ),
                    strict=True,
                )
            )
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    assert len(set(digests.values())) == 1, digests
    assert b'"view":"anonymous"' in bodies["ws"]
    assert f'"epoch":{position.epoch},"version":{position.version},'.encode() in bodies["ws"]
