"""Run a gateway with the room "demo", a few people who come and go, its video and the page.

  seatsync demo
  seatsync demo --media evening.mp4 --store memory:

Tokens of the demo's visitors are handed out on loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sys
from typing import TYPE_CHECKING, Final

from seatsync.cli import serve
from seatsync.cli.flags import Flags
from seatsync.cli.relay import add_relay_flags

if TYPE_CHECKING:
    from gateway.config import Address, Config
    from gateway.server import Running
    from seatsync.demo.cast import Person

ROOM: Final = "demo"
OUTPUTS: Final = {"flv": "flv", "mp4": "mp4", "hls": "m3u8"}
"""Forms in which the relay serves the video, best first, and how their addresses end."""
TOKEN_TTL_S: Final = 30 * 24 * 3600
DRAIN_S: Final = 2.0
"""Who plays with the demo waits for it at its end."""

BANNER: Final = """
  seatsync demo

  open        {url}/
  try         curl -s {url}/v1/rooms/demo/state
              curl -N {url}/v1/rooms/demo/events
              {program} watch demo --gateway {url}
              {program} watch demo --gateway {url} --channel sei
  the video   {stream}
  metrics     http://{metrics}/metrics
  data        {data}

  Ctrl-C ends it.
"""


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    serve.add_server_flags(parser, flags)
    add_relay_flags(parser, flags, default=None)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    return serve.run_loop(_demo(arguments), arguments.log_level)


async def _demo(arguments: argparse.Namespace) -> int:
    from gateway.config import Address, DemoUser, Stream
    from gateway.server import serving
    from seatsync.demo.cast import VISITORS
    from seatsync.demo.relay_child import RelayRefused

    stop = serve.stop_signal()
    check_media(arguments)
    relay = Address(*relay_address(arguments))
    streams = tuple(
        Stream(format=form, url=f"http://{relay}/live/{{room}}.{suffix}")
        for form, suffix in OUTPUTS.items()
    )
    config = serve.configure(
        arguments,
        streams=streams,
        drain_s=DRAIN_S,
        demo_users=tuple(DemoUser(*person) for person in VISITORS),
    )
    status = 0
    try:
        async with serving(config, await serve.open_store(arguments)) as server:
            await _play(arguments, config, server, relay, stop)
    except* RelayRefused:
        status = 2
    return status


async def _play(
    arguments: argparse.Namespace,
    config: Config,
    server: Running,
    relay: Address,
    stop: asyncio.Event,
) -> None:
    """Run cast and relay beside the gateway until told to stop."""
    from seatsync.demo.cast import Cast
    from seatsync.demo.relay_child import keep_relay

    url = f"http://{server.address}"
    cast = Cast(url, ROOM, lambda person: _sign(config, person), random.Random())  # noqa: S311
    await cast.open_room()
    relay_arguments = [ROOM, "--gateway", url, "--relay-listen", str(relay)]
    relay_arguments += ["--log-level", arguments.log_level]
    for form in OUTPUTS:
        relay_arguments += ["--output", form]
    if arguments.media is not None:
        relay_arguments += ["--media", str(arguments.media)]
    async with asyncio.TaskGroup() as group:
        parts = [
            group.create_task(cast.play(), name="demo cast"),
            group.create_task(keep_relay(relay_arguments), name="demo relay"),
        ]
        print(
            BANNER.format(
                url=url,
                program=program(),
                stream=config.streams[0].url.format(room=ROOM),
                metrics=server.metrics_address,
                data=arguments.data,
            ),
            flush=True,
        )
        serve.spare_collector()
        await stop.wait()
        for part in parts:
            part.cancel()


def program() -> str:
    """Say how this program is started again from the same shell."""
    if shutil.which("seatsync"):
        return "seatsync"
    if sys.argv[0].endswith(".py"):
        return "python -m seatsync"
    return os.path.relpath(sys.argv[0])


def check_media(arguments: argparse.Namespace) -> None:
    """Refuse a file that is not there before anything is started.

    Raises:
        InvalidArgument: it can't be read.
    """
    from room.errors import InvalidArgument

    if arguments.media is not None and not arguments.media.is_file():
        raise InvalidArgument(f"--media {arguments.media}: no such file")


def relay_address(arguments: argparse.Namespace) -> tuple[str, int]:
    """Give the address that was asked for, or one beside ``--listen``; it is printed at start."""
    if arguments.relay_listen is not None and arguments.relay_listen[1]:
        return arguments.relay_listen[0], arguments.relay_listen[1]
    host = arguments.listen[0] if arguments.relay_listen is None else arguments.relay_listen[0]
    return host, serve.neighbour_port(arguments.listen[1], 2) or serve.free_port()


def _sign(config: Config, person: Person) -> str:
    from gateway.server import clock_ms
    from gateway.tokens.authenticator import issue

    claims = {
        "sub": person.user_id,
        "nickname": person.nickname,
        "exp": clock_ms() // 1000 + TOKEN_TTL_S,
    }
    return issue(config.secret, claims)
