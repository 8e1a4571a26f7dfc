"""Run a gateway: rooms and commands over HTTP and WebSocket, state by push and poll.

  seatsync serve --listen 0.0.0.0:8080 --store sqlite:/var/lib/rooms.db

SIGTERM drains: /readyz says 503, every connection is told when to come back, and the process is
gone within ten seconds. Logs are JSON lines on standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatsync.cli import kinds
from seatsync.cli.flags import Flags
from seatsync.cli.folder import add_data_flag, read_secret

if TYPE_CHECKING:
    from gateway.config import Address, Config, DemoUser, Stream
    from store.port import Store


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    add_server_flags(parser, flags)
    flags.add(
        parser,
        "--stream",
        "a stream that players are told of, as FORMAT=URL with {room} for the room id; repeatable",
        many=True,
        kind=_stream,
        metavar="FORMAT=URL",
    )
    parser.set_defaults(run=run)


def add_server_flags(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add what ``serve`` and ``demo`` share."""
    add = flags.add
    add(
        parser,
        "--listen",
        "where clients connect; port 0 takes any free one",
        default="127.0.0.1:8080",
        kind=kinds.address,
        metavar="HOST:PORT",
    )
    add(
        parser,
        "--metrics-listen",
        "where Prometheus reads; unless given, loopback and the port after --listen, or a free one",
        kind=kinds.address,
        metavar="HOST:PORT",
    )
    add_data_flag(parser, flags)
    add(
        parser,
        "--store",
        "where rooms live: sqlite:PATH, or memory: for nothing that lasts; unless given, a file in "
        "the data folder",
        metavar="URL",
    )
    add(
        parser,
        "--origin",
        "a foreign origin whose pages may use the API, * for any; repeatable",
        many=True,
        metavar="ORIGIN",
    )
    add(
        parser,
        "--poll-interval-ms",
        "how often pollers are told to ask",
        default="3000",
        kind=kinds.positive,
        metavar="MS",
    )
    add(
        parser,
        "--log-level",
        "least severe level that is logged",
        default="info",
        choices=("debug", "info", "warning", "error"),
    )


def run(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    return run_loop(_serve(arguments), arguments.log_level)


def run_loop(work: Coroutine[Any, Any, int], log_level: str) -> int:
    """Run a server on uvloop, logging as JSON lines."""
    import uvloop

    from gateway.logs import set_up_logs

    set_up_logs(log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _serve(arguments: argparse.Namespace) -> int:
    from gateway.server import serving

    stop = stop_signal()
    config = configure(arguments, streams=tuple(arguments.stream))
    async with serving(config, open_store(arguments)) as server:
        print(f"seatsync: serving http://{server.address}", flush=True)
        print(f"          metrics http://{server.metrics_address}/metrics", flush=True)
        await stop.wait()
    return 0


def stop_signal() -> asyncio.Event:
    """Give an event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def configure(
    arguments: argparse.Namespace,
    *,
    streams: tuple[Stream, ...] = (),
    demo_users: tuple[DemoUser, ...] = (),
) -> Config:
    """Turn the flags into the settings of a gateway."""
    from gateway.config import Address, Config

    return Config(
        listen=Address(*arguments.listen),
        metrics_listen=metrics_address(arguments),
        secret=read_secret(arguments.data),
        origins=tuple(arguments.origin),
        poll_interval_ms=arguments.poll_interval_ms,
        streams=streams,
        demo_users=demo_users,
    )


def metrics_address(arguments: argparse.Namespace) -> Address:
    """Give the address that was asked for, or one beside ``--listen``; it is printed at start."""
    from gateway.config import Address

    if arguments.metrics_listen is not None:
        return Address(*arguments.metrics_listen)
    return Address("127.0.0.1", neighbour_port(arguments.listen[1], 1))


def neighbour_port(port: int, distance: int) -> int:
    """Give the port that lies so far above another if it is free, else 0 for any."""
    wanted = port + distance
    if port == 0 or wanted > 65535:
        return 0
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted


def free_port() -> int:
    """Give a port that is free at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def open_store(arguments: argparse.Namespace) -> Store:
    """Open the store that ``--store`` names.

    Raises:
        InvalidArgument: there is no store of that form.
        StoreUnusable: it can't be opened.
    """
    from gateway.server import clock_ms
    from room.errors import InvalidArgument
    from store.memory import MemoryStore
    from store.sqlite import SqliteStore

    url = arguments.store or f"sqlite:{arguments.data / 'seatsync.db'}"
    kind, colon, rest = url.partition(":")
    if kind == "memory" and colon and not rest:
        return MemoryStore(clock_ms)
    if kind == "sqlite" and rest:
        return SqliteStore.open(Path(rest).expanduser(), clock_ms)
    raise InvalidArgument(f"--store {url!r} is neither sqlite:PATH nor memory:")


def _stream(text: str) -> Stream:
    from gateway.config import Stream

    kind, equals, url = text.partition("=")
    if kind not in ("flv", "mp4", "hls") or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not flv=URL, mp4=URL or hls=URL")
    return Stream(format=kind, url=kinds.http_url(url))
