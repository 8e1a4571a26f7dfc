"""Flags of ``seatsync relay``, and the configuration that they stand for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

from seatsync.cli import kinds
from seatsync.cli.flags import Flags

if TYPE_CHECKING:
    from sei.config import RelayConfig, StreamConfig

GATEWAY: Final = "http://127.0.0.1:8080"
LISTEN: Final = ("127.0.0.1", 8082)
_OF_ONE_STREAM: Final = (
    *("room", "name", "input", "media", "output", "engine", "inject", "max_message_bytes"),
    *("redirect", "loop", "unpaced", "key", "kid"),
)


def add_relay_flags(parser: argparse.ArgumentParser, flags: Flags, *, default: str | None) -> None:
    """Add what ``relay`` and ``demo`` share."""
    flags.add(
        parser,
        "--relay-listen",
        "where players connect",
        default=default,
        kind=kinds.address,
        metavar="HOST:PORT",
    )
    flags.add(
        parser,
        "--media",
        "a file to play over and over; unless given, a test picture and a tone",
        kind=kinds.path,
        metavar="FILE",
    )


def add_stream_flags(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add what describes one stream."""
    add = flags.add
    add(parser, "--input", "an address, a file, - for standard input, test:", metavar="ADDR")
    add(
        parser,
        "--output",
        "flv, mp4, hls, hls-fmp4 for players; rtmp://…, a file, FOLDER/live.m3u8, - or ts:- for "
        "standard output; may be repeated; unless given, flv",
        many=True,
        metavar="OUT",
    )
    add(parser, "--name", "of the stream in addresses; unless given, the room's", metavar="NAME")
    add(parser, "--engine", "how it is rewritten", choices=("auto", "flv", "av"))
    add(parser, "--inject", "when the state goes in", choices=("on", "keyframes", "off"))
    add(
        parser,
        "--max-message-bytes",
        "size limit of one message; unless given, 1000",
        kind=kinds.positive,
        metavar="BYTES",
    )
    add(parser, "--redirect", "a host to which the input may redirect", many=True, metavar="HOST")
    flags.switch(parser, "--loop", "a file begins again at its end")
    flags.switch(parser, "--unpaced", "read a file as fast as it goes")
    add(parser, "--key", "Ed25519 key in PEM that signs the state", kind=kinds.path, metavar="FILE")
    add(parser, "--kid", "id of that key", metavar="ID")


def read_settings(arguments: argparse.Namespace) -> RelayConfig:
    """Read the file, or what the flags say; checked.

    Raises:
        InvalidArgument: something is wrong; the sentence says what.
    """
    import msgspec

    from sei.relay.rules import check_config
    from sei.relay.toml import read_config

    if arguments.config is None:
        config = _by_flags(arguments)
        check_config(config)
        return config
    _refuse_both(arguments)
    config = msgspec.structs.replace(read_config(arguments.config), **_overrides(arguments))
    check_config(config)
    return config


def _by_flags(arguments: argparse.Namespace) -> RelayConfig:
    from room.errors import InvalidArgument
    from sei.config import RelayConfig, SigningKey

    if arguments.room is None:
        raise InvalidArgument("give a room, or --config FILE")
    if (arguments.key is None) != (arguments.kid is None):
        raise InvalidArgument("--key and --kid go together")
    signing = arguments.key and SigningKey(file=str(arguments.key), id=arguments.kid)
    settings: dict[str, Any] = {
        "gateway": GATEWAY,
        "listen": _address(LISTEN),
        "status_listen": "127.0.0.1:0",
        **_overrides(arguments),
    }
    return RelayConfig(signing=signing, streams=(_stream(arguments),), **settings)


def _stream(arguments: argparse.Namespace) -> StreamConfig:
    from room.errors import InvalidArgument
    from sei.config import StreamConfig

    if arguments.media is not None and arguments.input is not None:
        raise InvalidArgument("--media is --input with --loop; give one of them")
    if arguments.input == "-" and arguments.until_stdin_ends:
        raise InvalidArgument("standard input cannot be the input and tell the end as well")
    given = {
        "engine": arguments.engine,
        "inject": arguments.inject,
        "max_message_bytes": arguments.max_message_bytes,
        "outputs": tuple(arguments.output),
        "redirects": tuple(arguments.redirect),
    }
    return StreamConfig(
        name=arguments.name or arguments.room,
        room=arguments.room,
        input=str(arguments.media or arguments.input or "test:"),
        loop=arguments.loop or arguments.media is not None,
        paced=not arguments.unpaced,
        **{key: value for key, value in given.items() if value},
    )


def _refuse_both(arguments: argparse.Namespace) -> None:
    from room.errors import InvalidArgument

    for name in _OF_ONE_STREAM:
        if getattr(arguments, name):
            shown = "ROOM" if name == "room" else "--" + name.replace("_", "-")
            raise InvalidArgument(f"{shown} is of one stream; with --config it stands in the file")


def _overrides(arguments: argparse.Namespace) -> dict[str, str]:
    """Give what a flag says in place of the file: where things are on this machine."""
    given = {
        "gateway": arguments.gateway,
        "listen": arguments.relay_listen and _address(arguments.relay_listen),
        "status_listen": arguments.status_listen and _address(arguments.status_listen),
    }
    return {key: value for key, value in given.items() if value}


def _address(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
