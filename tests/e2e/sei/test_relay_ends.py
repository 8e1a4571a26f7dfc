"""How a relay ends: cancelled, or with one clear error."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from relay_player import (
    LOOPBACK,
    States,
    encode_file,
    playing,
    relay,
    run,
    sightings,
    snapshot,
    tags_until,
)

from room.errors import InvalidArgument
from room.position import Position
from sei.errors import BadMedia

# Ends ---------------------------------------------------------------------------------------------


async def test_a_cancelled_relay_leaves_nothing_behind() -> None:
    threads = set(threading.enumerate())
    async with relay(States().put(snapshot(1))) as address:
        async with playing(address) as chunks:
            await tags_until(chunks, 40)
        live = {thread.name for thread in set(threading.enumerate()) - threads}
        assert live
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_players_are_let_go_when_the_relay_ends() -> None:
    async with aiohttp.ClientSession() as session:
        async with relay(States()) as address:
            response = await session.get(f"{address}/live/demo.flv")
            await response.content.readany()
        with suppress(aiohttp.ClientPayloadError):
            await response.content.read()
        assert response.content.at_eof()
        response.close()


@pytest.mark.parametrize("content", [b"", b"no media at all" * 100])
async def test_bad_media_ends_the_relay_with_a_clear_error(content: bytes, tmp_path: Path) -> None:
    media = tmp_path / "bad.mp4"
    media.write_bytes(content)
    with pytest.raises(BadMedia, match=r"bad\.mp4"):
        await run(States(), media)


async def test_media_that_breaks_off_later_ends_the_relay(tmp_path: Path) -> None:
    whole, media = encode_file(tmp_path / "whole.flv"), tmp_path / "cut.flv"
    media.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(BadMedia, match="cut short"):
        await run(States(), media)


async def test_a_port_that_is_taken_ends_the_relay_with_a_clear_error() -> None:
    with socket.socket() as other:
        other.bind(LOOPBACK)
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InvalidArgument, match=f"127.0.0.1:{port}"):
            await run(States(), port=port)


@pytest.mark.parametrize("changed", [{"view": "member"}, {"room": "other"}, {"doc": "requests"}])
async def test_a_snapshot_that_is_not_for_everybody_ends_the_relay(
    changed: dict[str, object],
) -> None:
    with pytest.raises(InvalidArgument):
        await run(States().put(snapshot(1, **changed)))


async def test_a_snapshot_too_large_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    states = States().put(snapshot(1), snapshot(2, pad="x" * 300_000), snapshot(3))
    async with relay(states) as address, playing(address) as chunks:
        async for sighting in sightings(chunks):
            assert sighting.position != Position(9, 2)
            if sighting.position == Position(9, 3):
                break
    assert "does not fit" in caplog.text


async def test_a_malformed_room_id_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        await run(States(), room="../etc")
