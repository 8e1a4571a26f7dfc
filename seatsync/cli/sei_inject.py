"""What ``seatsync sei inject`` puts in: states, when, and who vouches for them."""

from __future__ import annotations

import argparse
import asyncio
from bisect import bisect_right
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


def states_of(lines: bytes) -> StateAt:
    """Read states that change over time, a line each; their bytes stay as they stand there.

    Raises:
        InvalidArgument: a line is not as it ought to be, or not later than the one before it.
    """
    import msgspec

    from room.errors import InvalidArgument, SeatsyncError
    from sei.insertion.state import check_public

    class Line(msgspec.Struct):
        at: float
        state: msgspec.Raw

    decoder = msgspec.json.Decoder(Line)
    times: list[float] = []
    bodies: list[bytes] = []
    for number, text in enumerate(lines.splitlines(), start=1):
        if not text.strip():
            continue
        try:
            line = decoder.decode(text)
            body = bytes(line.state)
            check_public(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, SeatsyncError) as error:
            reason = error.message if isinstance(error, SeatsyncError) else str(error)
            raise InvalidArgument(f"line {number} of the states: {reason}") from error
        if times and line.at < times[-1]:
            raise InvalidArgument(f"line {number} of the states is earlier than the one before it")
        times.append(line.at)
        bodies.append(body)
    if not bodies:
        raise InvalidArgument("there is no state among the states")

    def state_at(time_s: float) -> bytes | None:
        index = bisect_right(times, time_s)
        return bodies[index - 1] if index else None

    return state_at


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
