"""``seatsync relay`` as a person runs it."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
from relay_player import encode_file

NOBODY = "http://127.0.0.1:1"
PATIENCE_S = 60.0


def toml(folder: Path, *streams: str, extra: str = "") -> Path:
    tables = (
        f'[[stream]]\nname = "{name}"\nroom = "{name}"\ninput = "test:"\n' for name in streams
    )
    path = folder / "relay.toml"
    head = f'gateway = "{NOBODY}"\nlisten = "127.0.0.1:0"\nstatus_listen = "127.0.0.1:0"\n'
    path.write_text(head + "".join(tables) + extra)
    return path


@asynccontextmanager
async def watched(program: Any) -> AsyncIterator[Callable[[Callable[[Any], bool]], Any]]:
    """Give a function that looks at the status until something holds."""
    address = await program.find(r"status (http://\S+/)")
    async with aiohttp.ClientSession() as session:

        async def until(holds: Callable[[Any], bool]) -> Any:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    async with session.get(f"{address}status.json") as response:
                        status = await response.json()
                    if holds(status):
                        return status
                    await asyncio.sleep(0.05)

        yield until


def states(status: Any) -> dict[str, str]:
    return {stream["name"]: stream["state"] for stream in status["streams"]}


async def test_a_file_of_streams_is_served_and_read_again_on_sighup(
    start: Any, tmp_path: Path
) -> None:
    config = toml(tmp_path, "one", "two")
    program = await start("relay", "--config", str(config))
    root = await program.find(r"relay (http://\S+) with 2 streams")
    async with watched(program) as until:
        await until(lambda status: states(status) == {"one": "live", "two": "live"})
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{root}/live/two.flv") as player,
        ):
            assert (await player.content.readexactly(3)) == b"FLV"
            config.write_text("this is no TOML")
            program.child.send_signal(signal.SIGHUP)
            while "the configuration stays as it was" not in program.log.read_text():  # noqa: ASYNC110 - a log of another process
                await asyncio.sleep(0.05)
            toml(tmp_path, "two", "three")
            program.child.send_signal(signal.SIGHUP)
            await until(lambda status: states(status) == {"two": "live", "three": "live"})
            assert await player.content.readexactly(100_000)
    program.terminate()
    assert await program.ended() == 0
    line = next(
        json.loads(line)
        for line in program.log.read_text().splitlines()
        if "stays as it was" in line
    )
    assert line["code"] == "INVALID_ARGUMENT"


async def test_by_flags_it_says_where_players_go_once_there_is_a_picture(start: Any) -> None:
    listen = ("--relay-listen", "127.0.0.1:0", "--gateway", NOBODY)
    program = await start("relay", "demo", *listen, "--output", "flv", "--output", "mp4")
    address = await program.find(r"seatsync: relay (http://\S+/live/demo\.flv)$")
    assert await program.find(r"seatsync: relay (http://\S+/live/demo\.mp4)$")
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        assert (response.status, response.content_type) == (200, "video/x-flv")
        assert await response.content.readexactly(3) == b"FLV"
    program.terminate()
    assert await program.ended() == 0


async def test_a_file_that_is_over_ends_the_program_and_leaves_a_whole_output(
    start: Any, tmp_path: Path
) -> None:
    media, target = encode_file(tmp_path / "in.mp4"), tmp_path / "out.ts"
    outputs = ("--unpaced", "--output", str(target))
    listen = ("--relay-listen", "127.0.0.1:0", "--gateway", NOBODY)
    program = await start("relay", "demo", "--input", str(media), *outputs, *listen)
    assert await program.ended() == 0, program.log.read_text()
    with av.open(str(target)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 12


async def test_nothing_but_the_stream_is_written_to_standard_output(
    start: Any, tmp_path: Path
) -> None:
    media = encode_file(tmp_path / "in.flv")
    listen = ("--relay-listen", "127.0.0.1:0", "--gateway", NOBODY)
    program = await start("relay", "demo", "--input", str(media), "--output", "-", *listen)
    written = await asyncio.wait_for(program.child.stdout.read(), PATIENCE_S)
    assert await program.ended() == 0
    with av.open(io.BytesIO(written)) as container:
        assert container.format.name == "flv"
        assert sum(1 for _ in container.decode(video=0)) == 12


def test_a_file_that_cannot_be_played_is_a_fault_of_the_request(run: Any, tmp_path: Path) -> None:
    media = tmp_path / "bad.mp4"
    media.write_bytes(b"no media at all")
    result = run(
        *("relay", "demo", "--media", str(media)),
        *("--relay-listen", "127.0.0.1:0", "--gateway", NOBODY),
    )
    assert result.status == 2
    assert result.complaint.startswith("seatsync: bad.mp4")


@pytest.mark.parametrize("flag", ["--relay-listen", "--status-listen"])
def test_an_address_that_is_taken_is_said_to_be(run: Any, flag: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        rest = () if flag == "--relay-listen" else ("--relay-listen", "127.0.0.1:0")
        result = run("relay", "demo", "--gateway", NOBODY, flag, address, *rest)
    assert result.status == 2
    assert f"cannot listen on {address}" in result.complaint


def test_a_wrong_file_is_refused_with_file_and_key(run: Any, tmp_path: Path) -> None:
    path = toml(tmp_path, "one", extra="loup = true\n")
    result = run("relay", "--config", str(path))
    assert result.status == 2
    assert f"{path}: stream 'one': loup is no key; did you mean loop?" in result.complaint


async def test_it_ends_with_standard_input(start: Any) -> None:
    listen = ("--relay-listen", "127.0.0.1:0", "--gateway", NOBODY)
    program = await start("relay", "demo", "--until-stdin-ends", *listen)
    assert await program.ended() == 0
