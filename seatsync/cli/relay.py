"""Serve live streams with the state of their rooms inside.

  seatsync relay --config relay.toml
  seatsync relay demo --input rtmp://origin.example/live/demo --output flv --output hls
  seatsync relay demo --media evening.mp4 --relay-listen 127.0.0.1:8082

The relay is a client of the gateway and a process of its own: it follows rooms without a token, so
only what everybody may see goes into a stream. While the gateway is away the last state repeats.
SIGHUP reads the file again and leaves alone what did not change. It ends when every stream is over.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from seatsync.cli import kinds
from seatsync.cli.flags import Flags
from seatsync.cli.relay_flags import add_relay_flags, add_stream_flags, read_settings

if TYPE_CHECKING:
    from seatsync.feed import RoomFeed
    from sei.config import RelayConfig
    from sei.relay.relaying import Relaying
    from sei.relay.states import RoomStates

__all__ = ["add_relay_flags", "register", "run"]

log: Final = logging.getLogger(__name__)
_FORMS: Final = {"flv": ".flv", "mp4": ".mp4", "hls": ".m3u8", "hls-fmp4": ".m3u8"}
_FIXED: Final = ("gateway", "listen", "status_listen")


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    parser.add_argument("room", type=kinds.room, metavar="ROOM", nargs="?")
    flags.add(parser, "--config", "many streams, as TOML", kind=kinds.path, metavar="FILE")
    add_relay_flags(parser, flags, default=None)
    parser.add_argument(
        "--listen",
        dest="relay_listen",
        default=argparse.SUPPRESS,
        type=kinds.address,
        metavar="HOST:PORT",
        # Not shown: the same as --relay-listen, and the variable SEATSYNC_LISTEN is the gateway's.
        help=argparse.SUPPRESS,
    )
    flags.add(
        parser,
        "--status-listen",
        "page, /status.json and /metrics; unless given, that of the file, else any free port",
        kind=kinds.address,
        metavar="HOST:PORT",
    )
    flags.add(
        parser,
        "--gateway",
        "address of the gateway; unless given, that of the file, else http://127.0.0.1:8080",
        kind=kinds.http_url,
        metavar="URL",
    )
    add_stream_flags(parser, flags)
    flags.add(
        parser,
        "--log-level",
        "least severe level that is logged",
        default="info",
        choices=("debug", "info", "warning", "error"),
    )
    flags.switch(parser, "--until-stdin-ends", "end when standard input does")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from seatsync.cli.serve import run_loop

    return run_loop(_relay(arguments), arguments.log_level)


async def _relay(arguments: argparse.Namespace) -> int:
    from seatsync.cli.serve import on_signal, spare_collector, stop_signal
    from seatsync.feed import feed_states
    from sei.relay.child import WorkerProcess
    from sei.relay.relaying import relaying
    from sei.relay.states import RoomStates

    stop = stop_signal()
    on_signal(signal.SIGHUP, lambda: None)  # it is about to be read; until then it would end us
    config = read_settings(arguments)
    states = RoomStates(signer=_signer(config))
    feed = feed_states(config.gateway, states)
    start_child = partial(
        WorkerProcess,
        log_level=arguments.log_level,
        with_stdin=_uses(config, inputs=True),
        with_stdout=_uses(config, inputs=False),
    )
    cores = len(os.sched_getaffinity(0))
    async with relaying(config, states, start_child, cores=cores) as relay:
        on_signal(signal.SIGHUP, lambda: _read_again(arguments, relay, states))
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(_keep_feeding(feed), name="relay states"),
            asyncio.create_task(stop.wait()),
            asyncio.create_task(relay.supervisor.over.wait()),
        ]
        if arguments.until_stdin_ends:
            tasks.append(asyncio.create_task(_stdin_ended()))
        telling = asyncio.create_task(_tell(arguments, config, relay))
        spare_collector()
        await _until_first(tasks, telling)
        if stop.is_set() or not relay.supervisor.over.is_set():
            return 0
        return _verdict(arguments, relay)


async def _keep_feeding(feed: RoomFeed) -> None:
    """Bring the states until cancelled; a fault in that costs no picture: the last ones repeat."""
    from sei.backoff import Backoff

    loop, backoff = asyncio.get_running_loop(), Backoff(1.0, 30.0, lived_s=60.0)
    while True:
        began_s = loop.time()
        try:
            await feed.run()
        except Exception:
            log.exception("the states of rooms failed of a fault and are followed again")
        await asyncio.sleep(backoff.next_s(loop.time() - began_s))


def _signer(config: RelayConfig) -> Any:
    from sei.relay.rules import load_signer

    return None if config.signing is None else load_signer(config.signing)


def _uses(config: RelayConfig, *, inputs: bool) -> bool:
    """Tell whether a stream reads standard input, or writes standard output."""
    if inputs:
        return any(stream.input == "-" for stream in config.streams)
    return any({"-", "ts:-"} & set(stream.outputs) for stream in config.streams)


def _read_again(arguments: argparse.Namespace, relay: Relaying, states: RoomStates) -> None:
    """Change over to what the file says now; where it is wrong, everything stays as it is."""
    from room.errors import SeatsyncError

    old = relay.supervisor.config
    try:
        new = read_settings(arguments)
        _check_change(old, new)
        signer = _signer(new)
    except SeatsyncError as error:
        facts = {"code": error.code, "reason": error.message}
        log.error("the configuration stays as it was: %s", error.message, extra=facts)  # noqa: TRY400 - a trace says nothing more
        return
    for key in _FIXED:
        if getattr(old, key) != getattr(new, key):
            log.warning("%s is read at the start only", key, extra={"key": key})
    states.sign_with(signer)
    relay.supervisor.reload(new)


def _check_change(old: RelayConfig, new: RelayConfig) -> None:
    from room.errors import InvalidArgument

    for inputs, name in ((True, "input"), (False, "output")):
        if _uses(new, inputs=inputs) and not _uses(old, inputs=inputs):
            raise InvalidArgument(f"standard {name} can only be used from the start on")


async def _tell(arguments: argparse.Namespace, config: RelayConfig, relay: Relaying) -> None:
    """Say where everything is; by flags, once the first picture is there."""
    from sei.relay.rules import split_listen

    to = sys.stderr if _uses(config, inputs=False) else sys.stdout
    host, _ = split_listen(config.listen)
    root = f"http://{f'[{host}]' if ':' in host else host}:{relay.port}"
    status_host, _ = split_listen(config.status_listen)
    if arguments.config is not None:
        count = len(config.streams)
        said = "a stream" if count == 1 else f"{count} streams"
        print(f"seatsync: relay {root} with {said}", file=to)
    else:
        (stream,) = config.streams
        await relay.supervisor.streams[stream.name].begun.wait()
        forms = dict.fromkeys(_FORMS[out] for out in stream.outputs if out in _FORMS)
        for form in forms:
            print(f"seatsync: relay {root}/live/{stream.name}{form}", file=to)
    print(f"          status http://{status_host}:{relay.status_port}/", file=to, flush=True)


def _verdict(arguments: argparse.Namespace, relay: Relaying) -> int:
    """Say how it went once every stream is over.

    Raises:
        SeatsyncError: one failed.
    """
    from room.errors import InvalidArgument, SeatsyncError

    ends = [listed.over for listed in relay.supervisor.streams.values() if listed.over]
    failed = [end for end in ends if end.code]
    if not failed:
        return 0
    reason = failed[0].reason or "it failed"
    if arguments.config is None:
        at_fault = failed[0].code in ("INVALID_ARGUMENT", "MALFORMED")
        raise InvalidArgument(reason) if at_fault else SeatsyncError(reason, code=failed[0].code)
    told = f"every stream is over, {len(failed)} of {len(ends)} failed; {failed[0].name}: {reason}"
    raise SeatsyncError(told, code=failed[0].code)


async def _until_first(ends: list[asyncio.Task[Any]], telling: asyncio.Task[None]) -> None:
    """Wait for a reason to end; what failed is raised."""
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    over = [task for task in ends if task.done()]
    for task in (*ends, telling):
        task.cancel()
    await asyncio.wait((*ends, telling))
    for task in over:
        task.result()
    if not telling.cancelled():
        telling.result()


async def _stdin_ended() -> None:
    """Wait until whoever started this process is gone."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        while os.read(0, 1024):
            pass
        with suppress(RuntimeError):  # the loop ended first
            loop.call_soon_threadsafe(ended.set)

    # A thread, because a loop can wait for pipes alone, and this may be a file or a device.
    threading.Thread(target=read, name="standard input", daemon=True).start()
    await ended.wait()
