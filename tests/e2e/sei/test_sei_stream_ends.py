"""How a stream ends: stopped, or with one clear error."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from relay_player import States, encode_file, playing, relay, run, snapshot, tags_until

from sei.errors import BadMedia


async def test_stream_that_is_stopped_leaves_nothing_behind() -> None:
    threads = set(threading.enumerate())
    async with relay(States().put(snapshot(1))) as address:
        async with playing(address) as chunks:
            await tags_until(chunks, 40)
        assert set(threading.enumerate()) - threads
    left = {thread.name for thread in set(threading.enumerate()) - threads}
    assert {name for name in left if not name.startswith("asyncio")} == set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_players_are_let_go_when_the_stream_ends() -> None:
    async with aiohttp.ClientSession() as session:
        async with relay(States()) as address:
            response = await session.get(f"{address}/live/demo.flv")
            await response.content.readany()
        with suppress(aiohttp.ClientPayloadError):
            await response.content.read()
        assert response.content.at_eof()
        response.close()


@pytest.mark.parametrize("content", [b"", b"no media at all" * 100])
async def test_bad_media_ends_the_stream_with_a_clear_error(content: bytes, tmp_path: Path) -> None:
    media = tmp_path / "bad.mp4"
    media.write_bytes(content)
    with pytest.raises(BadMedia, match=r"bad\.mp4"):
        await run(media)


async def test_media_that_breaks_off_later_ends_the_stream(tmp_path: Path) -> None:
    whole, media = encode_file(tmp_path / "whole.mp4"), tmp_path / "cut.mp4"
    media.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(BadMedia):
        await run(media)
