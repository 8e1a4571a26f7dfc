"""Run a gateway: rooms and commands over HTTP and WebSocket, state by push and poll.

  seatsync serve --listen 0.0.0.0:8080 --store sqlite:/var/lib/rooms.db

SIGTERM drains: /readyz says 503, every connection is told when to come back, and the process is
gone within ten seconds. SIGHUP opens the audit log again and reads the keys of
streams again. Logs are JSON lines on standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from seatsync.cli import door_flags, kinds, upstream_flags
from seatsync.cli.flags import Flags
from seatsync.cli.folder import add_data_flag, read_secret

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.config import Address, Config
    from gateway.keys import KeyFile
    from store.backend import Backend


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    add_server_flags(parser, flags)
    door_flags.add_token_flags(parser, flags)
    door_flags.add_stream_flags(parser, flags)
    upstream_flags.add_upstream_flags(parser, flags)
    flags.add(
        parser,
        "--audit-log",
        "file to which privileged commands are appended as JSON lines, opened again on SIGHUP; "
        "unless given, they go to the log",
        kind=kinds.path,
        metavar="PATH",
    )
    flags.add(
        parser,
        "--sei-keys",
        "JWK set of the public keys that messages in streams are signed with, as seatsync sei "
        "keygen writes it; published at /.well-known/seatsync-keys.json, read again when it "
        "changes",
        kind=kinds.path,
        metavar="FILE",
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
        "where rooms live: sqlite:PATH, redis://HOST:PORT/DB for several nodes, or memory: for "
        "nothing that lasts; unless given, a file in the data folder; the variable keeps a "
        "password out of the list of processes",
        metavar="URL",
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
    door_flags.add_door_flags(parser, flags)


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
    streams = tuple(arguments.stream)
    door_flags.check_streams(streams, arguments.orientation)
    config = configure(
        arguments,
        streams=streams,
        audience=arguments.audience,
        issuer=arguments.issuer,
        orientation=arguments.orientation or "landscape",
        upstreams=upstream_flags.read_upstreams(arguments),
        audit_log=arguments.audit_log,
        sei_keys=key_file(arguments.sei_keys),
    )
    async with serving(config, await open_store(arguments)) as server:
        if config.audit_log is not None or config.sei_keys is not None:
            on_signal(signal.SIGHUP, server.gateway.reload)
        print(f"seatsync: serving http://{server.address}", flush=True)
        print(f"          metrics http://{server.metrics_address}/metrics", flush=True)
        spare_collector()
        await stop.wait()
    return 0


def spare_collector() -> None:
    """Keep what the start has made out of every later full collection.

    Modules and routes live as long as the process; to look through them again and again stops the
    loop, and with it every reader, for milliseconds each time.
    """
    gc.collect()
    gc.freeze()


def stop_signal() -> asyncio.Event:
    """Give an event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        on_signal(number, stop.set)
    return stop


def on_signal(number: signal.Signals, act: Callable[[], None]) -> None:
    """Answer a signal to this process, between two steps of the loop."""
    asyncio.get_running_loop().add_signal_handler(number, act)


def configure(arguments: argparse.Namespace, **settings: Any) -> Config:
    """Turn the flags that every gateway has into settings.

    Args:
        arguments: as they were typed.
        **settings: more of them, by the names of ``Config``.

    Raises:
        InvalidArgument: two of them contradict each other.
    """
    from gateway.config import Address, Config

    door_flags.check_door(arguments)
    return Config(
        listen=Address(*arguments.listen),
        metrics_listen=metrics_address(arguments),
        secret=read_secret(arguments.data),
        origins=tuple(arguments.origin),
        public_url=arguments.public_url,
        poll_interval_ms=arguments.poll_interval_ms,
        anonymous_push=arguments.anonymous_push,
        announcement=arguments.announcement,
        bounds=door_flags.read_bounds(arguments),
        single_room_seat=arguments.single_room_seat,
        **settings,
    )


def key_file(path: Path | None) -> KeyFile | None:
    """Name the keys to publish, and what makes sure that they are public."""
    if path is None:
        return None
    from gateway.keys import KeyFile
    from sei.wire.keys import public_part

    return KeyFile(path, public_part)


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


async def open_store(arguments: argparse.Namespace) -> Backend:
    """Open the store that ``--store`` names, and what belongs to it.

    Raises:
        InvalidArgument: there is no store of that form.
        StoreUnusable: it can't be opened.
    """
    from gateway.presence.tenure import lease_ms
    from gateway.server import clock_ms
    from store.opening import open_backend

    url = arguments.store or f"sqlite:{arguments.data / 'seatsync.db'}"
    return await open_backend(url, clock_ms, lease_ms(arguments.poll_interval_ms))
