"""Players with bad manners, and the descriptors that they must not leave behind."""

from __future__ import annotations

import asyncio
import os
from operator import gt
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attack_kit import PATIENCE_S, Relay, relay, table
from relay_player import encode_file

VISITS = 300
SPARE = 5
"""Descriptors that come and go without any player."""
PIPELINED = 500
PLAY = b"GET /live/one.flv HTTP/1.1\r\nHost: x\r\n\r\n"


async def connect(running: Relay) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(running.root)
    return await asyncio.open_connection(address.hostname, address.port)


def counted(pids: list[int]) -> list[int]:
    return [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids]


async def test_who_asks_and_leaves_at_once_leaves_no_descriptor_behind(
    start: Any, tmp_path: Path
) -> None:
    stream = table("one", encode_file(tmp_path / "in.flv"), "flv", "mp4", loop=True)
    async with relay(start, tmp_path, stream) as running:
        await running.until("one", lambda one: one["counts"]["video_packets"])
        await running.pictures("one", 60)  # the spare worker is there, too
        pids = [running.program.child.pid, *await running.workers()]
        before = [count + SPARE for count in counted(pids)]
        for number in range(VISITS):
            _, writer = await connect(running)
            writer.write(PLAY if number % 3 else b"")
            if number % 5:
                writer.transport.abort()
            else:
                writer.close()
                await writer.wait_closed()
        async with asyncio.timeout(PATIENCE_S):
            while any(map(gt, counted(pids), before)):  # noqa: ASYNC110 - of other processes
                await asyncio.sleep(0.05)
        await running.until("one", lambda one: one["counts"]["players"] == 0)
        await running.pictures("one", 20)


async def test_requests_sent_in_one_go_are_answered_in_turns_and_in_order(
    start: Any, tmp_path: Path
) -> None:
    stream = table("one", encode_file(tmp_path / "in.flv"), "flv", "hls", loop=True)
    async with relay(start, tmp_path, stream) as running:
        await running.until("one", lambda one: one["counts"]["video_packets"])
        reader, writer = await connect(running)
        absent = b"GET /live/one/0.ts HTTP/1.1\r\nHost: x\r\n\r\n"
        last = absent.replace(b"Host", b"Connection: close\r\nHost")
        writer.write(absent * PIPELINED + last)
        async with asyncio.timeout(PATIENCE_S):
            answered = await reader.read(-1)
        assert answered.count(b"HTTP/1.1 404 ") == PIPELINED + 1
        await running.pictures("one", 20)
        writer.close()


async def test_who_plays_and_talks_without_end_is_shown_out(start: Any, tmp_path: Path) -> None:
    stream = table("one", encode_file(tmp_path / "in.flv"), "flv", loop=True)
    async with relay(start, tmp_path, stream) as running:
        await running.until("one", lambda one: one["counts"]["video_packets"])
        reader, writer = await connect(running)
        writer.write(PLAY)
        assert (await reader.readexactly(12)) == b"HTTP/1.1 200"
        writer.write(b"x" * 1_000_000)
        await running.until("one", lambda one: one["counts"]["players"] == 0)
        writer.transport.abort()
