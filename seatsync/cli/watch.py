"""Print one line for each snapshot that arrives: position, channel, lag, verdict, seats taken.

``signed`` stands where a message out of the video was signed with a key that the gateway names.

seatsync watch demo                  follow by the best channel that works
seatsync watch demo --channel sei    read the state out of the video alone
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from seatsync.cli import kinds
from seatsync.cli.flags import Flags
from seatsync.cli.gateway_flags import add_gateway_flag, add_token_flag

if TYPE_CHECKING:
    from seatsync import Update


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    parser.add_argument("room", type=kinds.room, metavar="ROOM")
    flags.add(
        parser,
        "--channel",
        "follow by this channel alone",
        default="auto",
        choices=("auto", "ws", "sse", "poll", "sei"),
    )
    flags.add(parser, "--count", "end after so many lines", kind=kinds.positive, metavar="N")
    flags.add(
        parser,
        "--stream-url",
        "where the FLV stream is; unless given, the gateway is asked",
        kind=kinds.http_url,
        metavar="URL",
    )
    flags.switch(parser, "--all", "print repeats and stale snapshots too")
    add_token_flag(parser, flags)
    add_gateway_flag(parser, flags)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    return asyncio.run(_watch(arguments))


async def _watch(arguments: argparse.Namespace) -> int:
    from seatsync import CHANNELS, Room

    channels = CHANNELS if arguments.channel == "auto" else (arguments.channel,)
    room = Room(
        arguments.gateway,
        arguments.room,
        token=arguments.token,
        channels=channels,
        stream_url=arguments.stream_url,
    )
    left = arguments.count
    async with room:
        async for update in room.arrivals():
            if not (update.verdict.shows or arguments.all):
                continue
            print(line(update), flush=True)
            left = None if left is None else left - 1
            if left == 0:
                break
    return 0


def line(update: Update) -> str:
    """Write one arrival as a line."""
    state = update.state()
    taken = [seat for seat in state.seats if seat.status == "occupied"]
    names = " ".join(f"{seat.index}:{seat.user.nickname}" for seat in taken if seat.user)
    seats = f"{len(taken)}/{len(state.seats)} {names}" if state.session else "no live session"
    verdict = "" if update.verdict == "applied" else f"{update.verdict} "
    signed = "signed " if update.signed else ""
    head = f"{update.snapshot.position}  {update.channel:<4}  {update.lag_ms:>6} ms"
    return f"{head}  {verdict}{signed}{seats}"
