"""What ``seatsync sei inject`` puts in: states, when, and who vouches for them."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seatsync.cli import kinds
from seatsync.cli.flags import Flags
from seatsync.cli.gateway_flags import add_gateway_flag

if TYPE_CHECKING:
    from sei.insertion.state import StateAt
    from sei.wire.signature import Signer

FETCH_TIMEOUT_S: Final = 10.0
MAX_STATES_BYTES: Final = 256 * 1024 * 1024


def add_flags(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    flags.add(parser, "--room", "take the state of this room now", kind=kinds.room)
    flags.add(parser, "--state", "take the bytes of this file", kind=kinds.path, metavar="FILE")
    flags.add(
        parser,
        "--states",
        'take states as they change, a line of JSON each: {"at": seconds, "state": {…}}',
        kind=kinds.path,
        metavar="FILE",
    )
    flags.add(
        parser,
        "--inject",
        "when messages go in",
        default="on",
        choices=("on", "keyframes", "off"),
    )
    flags.add(
        parser,
        "--max-message-bytes",
        "limit of one message, 300 to 4000",
        default="1000",
        kind=kinds.positive,
        metavar="BYTES",
    )
    flags.add(
        parser, "--key", "Ed25519 key in PEM that signs states", kind=kinds.path, metavar="FILE"
    )
    flags.add(parser, "--kid", "id of that key", metavar="KID")
    add_gateway_flag(parser, flags)


def states_and_signer(arguments: argparse.Namespace) -> tuple[bytes | StateAt, Signer | None]:
    """Give what goes in, and who signs it.

    Raises:
        InvalidArgument: the flags do not go together, or something cannot be read or had.
    """
    return _states(arguments), _signer(arguments)


def _signer(arguments: argparse.Namespace) -> Signer | None:
    from room.errors import InvalidArgument

    if (arguments.key is None) != (arguments.kid is None):
        raise InvalidArgument("a key has a file and an id: --key and --kid go together")
    if arguments.key is None:
        return None
    from sei.wire.signature import read_signer

    return read_signer(_read_file(arguments.key), arguments.kid)


def _states(arguments: argparse.Namespace) -> bytes | StateAt:
    from room.errors import InvalidArgument
    from sei.files.states import states_of
    from sei.insertion.state import check_public

    if arguments.state is not None and arguments.states is not None:
        raise InvalidArgument("say which state: --state or --states, not both")
    if arguments.states is not None:
        return states_of(_read_file(arguments.states))
    if arguments.state is not None:
        body = _read_file(arguments.state)
    elif arguments.room is not None:
        body = asyncio.run(_fetch_state(arguments.gateway, arguments.room))
    else:
        raise InvalidArgument("say which state: --room, --state or --states")
    check_public(body)
    return body


def _read_file(path: Path) -> bytes:
    from room.errors import InvalidArgument

    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_STATES_BYTES + 1)
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error
    if len(content) > MAX_STATES_BYTES:
        raise InvalidArgument(f"{path}: has over {MAX_STATES_BYTES} bytes")
    return content


async def _fetch_state(gateway: str, room: str) -> bytes:
    from room.errors import Unavailable
    from seatsync import Room

    try:
        async with asyncio.timeout(FETCH_TIMEOUT_S):
            async with Room(gateway, room, channels=["poll"]) as here:
                return (await anext(aiter(here))).snapshot.body
    except TimeoutError:
        raise Unavailable(f"{gateway} does not answer") from None
