"""Flags of a gateway's door: who may come in, how often, and what they are told to use."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from room.errors import InvalidArgument
from seatsync.cli import kinds
from seatsync.cli.flags import Flags

if TYPE_CHECKING:
    from gateway.config import Bounds, Rate, Stream

USER_BURST_S: Final = 3
"""Unless said otherwise, a user may send what three seconds allow at once."""
ROOM_BURSTS_PER_S: Final = 2
"""And a room takes what half a second allows."""


def add_door_flags(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add what every gateway has."""
    add = flags.add
    add(
        parser,
        "--public-url",
        "where clients reach this service, for the addresses in plans; unless given, as each "
        "request names it in Host",
        kind=kinds.public_url,
        metavar="URL",
    )
    add(
        parser,
        "--origin",
        "a foreign origin whose pages may use the API, as SCHEME://HOST[:PORT], * for any; "
        "repeatable",
        many=True,
        kind=_origin,
        metavar="ORIGIN",
    )
    add(
        parser,
        "--announcement",
        "a text that every page shows",
        kind=kinds.words,
        metavar="TEXT",
    )
    flags.switch(
        parser,
        "--anonymous-push",
        "plan WebSocket and SSE for callers without a token too; unless given, they poll",
    )
    flags.switch(
        parser,
        "--single-room-seat",
        "let a user hold a seat in one room at a time, over all rooms of the store",
    )
    _add_bounds(parser, flags)


def add_token_flags(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add what a gateway asks of tokens beyond their signature."""
    flags.add(
        parser,
        "--audience",
        "refuse tokens whose aud does not name this; unless given, aud is ignored",
        kind=kinds.words,
        metavar="TEXT",
    )
    flags.add(
        parser,
        "--issuer",
        "refuse tokens whose iss is not this; unless given, iss is ignored",
        kind=kinds.words,
        metavar="TEXT",
    )


def add_stream_flags(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add what players are told."""
    flags.add(
        parser,
        "--stream",
        "a stream that players are told of, FORMAT[:QUALITY[:CODEC[:WIDTHxHEIGHT]]]=URL with flv, "
        "mp4 or hls and {room} for the room id; best first, repeatable",
        many=True,
        kind=_stream,
        metavar="STREAM",
    )
    flags.add(
        parser,
        "--orientation",
        "how the streams are held: landscape or portrait; unless given, landscape",
        choices=("landscape", "portrait"),
    )


def read_bounds(arguments: argparse.Namespace) -> Bounds:
    """Turn the flags into limits.

    Raises:
        InvalidArgument: a burst is given for a limit that is off.
    """
    from gateway.config import Bounds

    user, room = arguments.user_commands_per_s, arguments.room_commands_per_s
    polls = arguments.user_polls_per_s
    return Bounds(
        user_commands=_rate("user", user, arguments.user_burst, user and user * USER_BURST_S),
        room_commands=_rate("room", room, arguments.room_burst, room and room // ROOM_BURSTS_PER_S),
        user_polls=_rate("user", polls, None, polls and polls * USER_BURST_S),
        user_connections=arguments.user_connections,
        connections=_rate(
            "connections", arguments.connections_per_s, None, arguments.connections_per_s
        ),
    )


def check_door(arguments: argparse.Namespace) -> None:
    """Refuse flags that contradict each other.

    Raises:
        InvalidArgument: the message names the two.
    """
    if "*" in arguments.origin and len(arguments.origin) > 1:
        raise InvalidArgument("--origin * lets every page in: name none beside it")
    if arguments.listen[1] and arguments.listen == arguments.metrics_listen:
        raise InvalidArgument("--listen and --metrics-listen are the same address")


def check_streams(streams: tuple[Stream, ...], orientation: str | None) -> None:
    """Refuse streams that can't be told apart, and an orientation of none.

    Raises:
        InvalidArgument: the message says which.
    """
    from gateway import streams as told

    told.check_streams(streams)
    if orientation is not None and not streams:
        raise InvalidArgument("--orientation says how streams are held, and no --stream is given")


def _add_bounds(parser: argparse.ArgumentParser, flags: Flags) -> None:
    for name, default, help_text in (
        ("--user-commands-per-s", "20", "commands a second that a user may send; off for any"),
        ("--user-burst", None, "commands that a user may send at once; unless given, 3 s of them"),
        ("--room-commands-per-s", "1000", "commands a second that a room takes; off for any"),
        ("--room-burst", None, "commands that a room takes at once; unless given, 0.5 s of them"),
        (
            "--user-polls-per-s",
            "off",
            "polls a second that a user with a token may send, three seconds of them at once",
        ),
        (
            "--user-connections",
            "off",
            "push connections that a user with a token may have open on this node",
        ),
        (
            "--connections-per-s",
            "2000",
            "push connections that are let in a second, as many at once after a quiet time; the "
            "others are told to poll for a while and come back; off for any",
        ),
    ):
        kind = kinds.positive if name.endswith("-burst") else kinds.bound
        flags.add(parser, name, help_text, default=default, kind=kind, metavar="N")


def _rate(whose: str, per_s: int | None, burst: int | None, usual: int | None) -> Rate | None:
    from gateway.config import Rate

    if per_s is None:
        if burst is not None:
            raise InvalidArgument(f"--{whose}-burst is given, and --{whose}-commands-per-s is off")
        return None
    return Rate(per_s, burst or max(1, usual or 0))


def _origin(text: str) -> str:
    from gateway.origins import ANY, serialise

    try:
        return ANY if text == ANY else serialise(text)
    except InvalidArgument as error:
        raise argparse.ArgumentTypeError(error.message) from None


def _stream(text: str) -> Stream:
    from gateway.streams import read_stream

    try:
        return read_stream(text)
    except InvalidArgument as error:
        raise argparse.ArgumentTypeError(error.message) from None
