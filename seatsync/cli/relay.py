"""Serve a live stream with the state of a room inside, as HTTP-FLV at /live/ROOM.flv.

  seatsync relay demo --media evening.mp4 --relay-listen 127.0.0.1:8082

The relay is a client of the gateway and a process of its own: it follows the room without a token,
so only what everybody may see goes into the stream. While the gateway is away the last state
repeats.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from seatsync.cli import kinds
from seatsync.cli.flags import Flags
from seatsync.cli.gateway_flags import add_gateway_flag

if TYPE_CHECKING:
    from room.snapshot import Snapshot
    from seatsync import Room


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    parser.add_argument("room", type=kinds.room, metavar="ROOM")
    add_relay_flags(parser, flags, default="127.0.0.1:8082")
    add_gateway_flag(parser, flags)
    flags.add(
        parser,
        "--log-level",
        "least severe level that is logged",
        default="info",
        choices=("debug", "info", "warning", "error"),
    )
    flags.switch(parser, "--until-stdin-ends", "end when standard input does")
    parser.set_defaults(run=run)


def add_relay_flags(parser: argparse.ArgumentParser, flags: Flags, *, default: str | None) -> None:
    """Add what ``relay`` and ``demo`` share."""
    flags.add(
        parser,
        "--relay-listen",
        "where players connect",
        default=default,
        kind=kinds.address,
        metavar="HOST:PORT",
    )
    flags.add(
        parser,
        "--media",
        "a file to play over and over; unless given, a test picture and a tone",
        kind=kinds.path,
        metavar="FILE",
    )


def run(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from seatsync.cli.serve import run_loop

    return run_loop(_relay(arguments), arguments.log_level)


async def _relay(arguments: argparse.Namespace) -> int:
    from seatsync import Room
    from seatsync.cli.serve import stop_signal
    from sei.relay.relay import run_relay

    stop = stop_signal()
    host, _ = arguments.relay_listen

    def on_ready(port: int) -> None:
        print(f"seatsync: relay http://{host}:{port}/live/{arguments.room}.flv", flush=True)

    room = Room(arguments.gateway, arguments.room, channels=("ws", "sse", "poll"))
    async with room:
        relay = asyncio.create_task(
            run_relay(
                arguments.room,
                _snapshots(room),
                listen=arguments.relay_listen,
                media=arguments.media,
                on_ready=on_ready,
            )
        )
        ends: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait())]
        if arguments.until_stdin_ends:
            ends.append(asyncio.create_task(_stdin_ended()))
        await _until_first(relay, ends)
    return 0


async def _snapshots(room: Room) -> AsyncIterator[Snapshot]:
    async for update in room:
        yield update.snapshot


async def _until_first(relay: asyncio.Task[None], ends: list[asyncio.Task[Any]]) -> None:
    """Run until a reason to end, then end the relay; its own failure is raised."""
    await asyncio.wait((relay, *ends), return_when=asyncio.FIRST_COMPLETED)
    for task in (*ends, relay):
        task.cancel()
    await asyncio.wait((relay, *ends))
    if not relay.cancelled():
        relay.result()


async def _stdin_ended() -> None:
    """Wait until whoever started this process is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass
