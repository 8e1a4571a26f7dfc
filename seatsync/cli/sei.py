"""State in media files: FLV, MP4, MPEG-TS, Matroska, raw .264 and .265; nothing is re-encoded.

seatsync sei inject in.mp4 out.mp4 --room demo      the state that the room has now
seatsync sei inject in.mp4 out.ts --state state.json
seatsync sei inject in.mp4 out.ts --states all.jsonl        as it changes: {"at": 1.5, "state": {…}}
seatsync sei read out.ts                            one line of JSON a message
seatsync sei read out.ts --state                    and in it the state, so who sits where
seatsync sei strip out.ts clean.ts
seatsync sei verify out.ts --room demo              what is wrong with the messages; status 1 if any
seatsync sei verify http://cdn.example/live/demo.m3u8 --room demo --keys https://…/keys.json

`-` is standard input, and standard output with --format.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatsync.cli import keygen, kinds, sei_inject, sei_verify
from seatsync.cli.flags import Flags

if TYPE_CHECKING:
    from sei.files.read import Found
    from sei.files.report import Report

FORMATS = ("flv", "mp4", "mov", "ts", "mkv", "h264", "hevc", "fmp4")


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the commands within the command."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    inject = _action(actions, "inject", "put the state of a room into the video", _inject)
    _add_files(inject, flags)
    sei_inject.add_flags(inject, flags)
    read = _action(actions, "read", "print every message as a line of JSON", _read)
    read.add_argument("source", type=kinds.path, metavar="IN")
    flags.add(read, "--room", "only messages of this room", kind=kinds.room)
    flags.switch(read, "--with-state", "with the state itself, where a message makes it whole")
    # The same by the word that comes first to mind; its variable is that of inject, a file.
    hidden = argparse.SUPPRESS
    read.add_argument(
        "--state", dest="with_state", action="store_true", default=hidden, help=hidden
    )
    strip = _action(actions, "strip", "take every message out", _strip)
    _add_files(strip, flags)
    verify = _action(actions, "verify", "say what is wrong with the messages", sei_verify.run)
    sei_verify.add_flags(verify, flags)
    keygen.register(actions, flags)


def _action(actions: Any, name: str, summary: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=summary, allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def _add_files(parser: argparse.ArgumentParser, flags: Flags) -> None:
    parser.add_argument("source", type=kinds.path, metavar="IN")
    parser.add_argument("target", type=kinds.path, metavar="OUT")
    flags.add(parser, "--format", "container to write; else what the suffix says", choices=FORMATS)
    flags.switch(parser, "--json", "tell what was done as JSON")


def _inject(arguments: argparse.Namespace) -> int:
    from sei.files.inject import inject

    states, signer = sei_inject.states_and_signer(arguments)
    with ended_by_signals(), progress_bar("inject") as progress:
        report = inject(
            arguments.source,
            arguments.target,
            states,
            progress,
            room=arguments.room,
            max_message_bytes=arguments.max_message_bytes,
            signer=signer,
            injection=arguments.inject,
            container=arguments.format,
        )
    _tell(arguments, report, f"{report.injected} messages injected")
    return 0


def _read(arguments: argparse.Namespace) -> int:
    from sei.files.read import read
    from sei.wire.payload import room_tag

    tag = None if arguments.room is None else room_tag(arguments.room)
    for found in read(arguments.source):
        message = found.message
        if tag is None or (message is not None and message.room_tag == tag):
            print(json_line(found, with_state=arguments.with_state), flush=True)
    return 0


def json_line(found: Found, *, with_state: bool = False) -> str:
    """Write one message as a line of JSON.

    Args:
        found: the message.
        with_state: whether the line of a message that makes a snapshot whole says what is in it:
            ``state``, or ``state_problem`` where it is no JSON.
    """
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
    if with_state and found.snapshot is not None:
        line |= _state(found.snapshot.body)
    return wire.encode(line).decode()


def _state(body: bytes) -> dict[str, Any]:
    from room import wire
    from room.errors import SeatsyncError

    try:
        return {"state": wire.read(wire.ANY, body)}
    except SeatsyncError as error:
        return {"state_problem": error.message}


def _strip(arguments: argparse.Namespace) -> int:
    from sei.files.strip import strip

    with ended_by_signals(), progress_bar("strip") as progress:
        report = strip(arguments.source, arguments.target, progress, container=arguments.format)
    _tell(arguments, report, f"{report.removed} messages removed")
    return 0


def progress_bar(title: str) -> Any:
    """Show how far a file is, on a terminal; elsewhere show nothing."""
    from seatsync.cli.progress import Bar

    return Bar(title)


def ended_by_signals() -> Any:
    """Let a signal to end take back what was half written."""
    from seatsync.cli.ending import ended_by_signals

    return ended_by_signals()


def _tell(arguments: argparse.Namespace, report: Report, what: str) -> None:
    target: Path = arguments.target
    # What is not the file itself must not be in the pipe that the file goes into.
    output = sys.stderr if target == Path("-") else sys.stdout
    if arguments.json:
        from room import wire

        print(wire.encode(report).decode(), file=output)
        return
    print(
        f"{target}: {what}, {report.access_units} pictures, {report.duration_s:.1f} s", file=output
    )
    for stream in report.dropped_streams:
        print(f"{target}: stream {stream} left out, the container can't hold it", file=output)
