"""``seatsync``: the entry point that finds the command and runs it."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

from room.errors import CannotStart, InvalidArgument, Malformed, SeatsyncError
from seatsync.cli.flags import Flags

COMMANDS: Final = {
    "serve": "run a gateway",
    "demo": "run a gateway with a live room, a video relay and the page",
    "relay": "serve a stream with the state of a room inside",
    "token": "sign a token",
    "cmd": "send one command to a room",
    "watch": "print the state of a room as it changes",
    "sei": "inject, read or strip state in media files",
}

DESCRIPTION: Final = """\
State sync for live rooms: one versioned document by WebSocket, SSE, HTTP poll
and inside the H.264 stream.

Every flag can be set by the environment variable that its help names.
"""


class CommandModule(Protocol):
    """What each module of a command offers."""

    def register(self, parser: argparse.ArgumentParser, flags: Flags) -> None:
        """Add the flags, and set ``run`` to what carries the command out."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Returns:
        0, or 1 where a server or a file said no, 2 where the request itself is at fault.
    """
    flags = Flags(os.environ)
    parser = build(flags)
    namespace = parser.parse_args(arguments)
    flags.check_environment(parser)
    command = cast("Callable[[argparse.Namespace], int]", namespace.run)
    try:
        return command(namespace)
    except SeatsyncError as error:
        return _explain(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _explain(error: SeatsyncError) -> int:
    """Say what went wrong in one line: a refusal with its code, a fault of the request without."""
    at_fault = isinstance(error, InvalidArgument | Malformed | CannotStart)
    print(f"seatsync: {'' if at_fault else error.code + ': '}{error.message}", file=sys.stderr)
    return 2 if at_fault else 1


def build(flags: Flags) -> argparse.ArgumentParser:
    """Build the whole parser; modules of commands import the heavy parts when they run."""
    parser = argparse.ArgumentParser(
        prog="seatsync",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        module = cast("CommandModule", importlib.import_module(f"seatsync.cli.{name}"))
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.register(command, flags)
    return parser


if __name__ == "__main__":
    sys.exit(run())
