"""State in media files: FLV, MP4, MPEG-TS, raw .264 and .265; nothing is re-encoded.

seatsync sei inject in.mp4 out.mp4 --room demo      the state that the room has now
seatsync sei inject in.mp4 out.ts --state state.json
seatsync sei read out.ts                            one line of JSON a message
seatsync sei strip out.ts clean.ts
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatsync.cli import kinds
from seatsync.cli.flags import Flags
from seatsync.cli.gateway_flags import add_gateway_flag

if TYPE_CHECKING:
    from sei.files.read import Found
    from sei.files.report import Report

FETCH_TIMEOUT_S = 10.0


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the commands within the command."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    inject = _action(actions, "inject", "put the state of a room into the video", _inject)
    inject.add_argument("source", type=kinds.path, metavar="IN")
    inject.add_argument("target", type=kinds.path, metavar="OUT")
    flags.add(inject, "--room", "take the state of this room now", kind=kinds.room)
    flags.add(inject, "--state", "take the bytes of this file", kind=kinds.path, metavar="FILE")
    add_gateway_flag(inject, flags)
    read = _action(actions, "read", "print every message as a line of JSON", _read)
    read.add_argument("source", type=kinds.path, metavar="IN")
    flags.add(read, "--room", "only messages of this room", kind=kinds.room)
    strip = _action(actions, "strip", "take every message out", _strip)
    strip.add_argument("source", type=kinds.path, metavar="IN")
    strip.add_argument("target", type=kinds.path, metavar="OUT")


def _action(actions: Any, name: str, summary: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=summary, allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def _inject(arguments: argparse.Namespace) -> int:
    from sei.files.inject import inject
    from sei.insertion.state import fixed_state

    body = _state_bytes(arguments)
    states = fixed_state(body)
    with progress_bar("inject") as progress:
        report = inject(arguments.source, arguments.target, states, progress, room=arguments.room)
    _tell(arguments.target, report, f"{report.injected} messages injected")
    return 0


def _state_bytes(arguments: argparse.Namespace) -> bytes:
    """Give the snapshot of the file or of the room, byte for byte.

    Raises:
        InvalidArgument: not exactly one of the two is named, or it can't be had.
    """
    from room.errors import InvalidArgument

    if arguments.state is not None:
        return _read_file(arguments.state)
    if arguments.room is None:
        raise InvalidArgument("say which state: --room or --state")
    return asyncio.run(_fetch_state(arguments.gateway, arguments.room))


def _read_file(path: Path) -> bytes:
    from room.errors import InvalidArgument

    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error


async def _fetch_state(gateway: str, room: str) -> bytes:
    from room.errors import Unavailable
    from seatsync import Room

    try:
        async with asyncio.timeout(FETCH_TIMEOUT_S):
            async with Room(gateway, room, channels=["poll"]) as here:
                return (await anext(aiter(here))).snapshot.body
    except TimeoutError:
        raise Unavailable(f"{gateway} does not answer") from None


def _read(arguments: argparse.Namespace) -> int:
    from sei.files.read import read
    from sei.wire.payload import room_tag

    tag = None if arguments.room is None else room_tag(arguments.room)
    for found in read(arguments.source):
        message = found.message
        if tag is None or (message is not None and message.room_tag == tag):
            print(json_line(found), flush=True)
    return 0


def json_line(found: Found) -> str:
    """Write one message as a line of JSON."""
    from room import wire

    line: dict[str, Any] = {"pts": found.pts_s, "keyframe": found.is_keyframe}
    message = found.message
    if message is None:
        line["problem"] = found.problem or "another format"
    else:
        line.update(
            room=message.room_tag,
            position=str(message.position),
            epoch=message.position.epoch,
            version=message.position.version,
            ts=message.ts_ms,
            flags="fz" if message.deflated else "f",
            chunk=f"{message.index}/{message.count}",
            crc_ok=message.crc_holds,
            signed=message.signature is not None,
        )
    return wire.encode(line).decode()


def _strip(arguments: argparse.Namespace) -> int:
    from sei.files.strip import strip

    with progress_bar("strip") as progress:
        report = strip(arguments.source, arguments.target, progress)
    _tell(arguments.target, report, f"{report.removed} messages removed")
    return 0


def progress_bar(title: str) -> Any:
    """Show how far a file is, on a terminal; elsewhere show nothing."""
    from seatsync.cli.progress import Bar

    return Bar(title)


def _tell(target: Path, report: Report, what: str) -> None:
    print(f"{target}: {what}, {report.access_units} pictures, {report.duration_s:.1f} s")
    for stream in report.dropped_streams:
        print(f"{target}: stream {stream} left out, the container can't hold it")
