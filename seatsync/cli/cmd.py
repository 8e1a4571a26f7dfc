"""Send one command to a room and print the ack as a line of JSON.

  seatsync cmd demo seat.take --args '{"seat_index":3}' --token "$TOKEN"

Ends with status 1 where the gateway refuses; the reason goes to standard error. A resend with the
same --cmd-id gets the first ack again.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from seatsync.cli import kinds
from seatsync.cli.flags import Flags
from seatsync.cli.gateway_flags import add_gateway_flag, add_token_flag


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    parser.add_argument("room", type=kinds.room, metavar="ROOM")
    parser.add_argument("cmd", metavar="COMMAND", help="such as seat.take")
    flags.add(parser, "--args", "arguments, a JSON object", default="{}", kind=_json_object)
    flags.add(parser, "--cmd-id", "1 to 64 characters; unless given, a random one")
    flags.add(parser, "--if-version", "refuse unless the state is at this position")
    add_token_flag(parser, flags)
    add_gateway_flag(parser, flags)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    print(asyncio.run(_send(arguments)))
    return 0


async def _send(arguments: argparse.Namespace) -> str:
    from room import wire
    from seatsync.sending import sending

    async with sending(arguments.gateway, arguments.room, arguments.token) as sender:
        ack = await sender.send(
            arguments.cmd,
            arguments.args,
            cmd_id=arguments.cmd_id,
            if_version=arguments.if_version,
        )
    return wire.encode(ack).decode()


def _json_object(text: str) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise argparse.ArgumentTypeError(f"no JSON object: {error}") from None
