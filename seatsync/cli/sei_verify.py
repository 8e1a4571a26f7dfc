"""``seatsync sei verify``: a file, standard input or a live address, read and judged.

Status 0: fine. 1: it has faults. 2: it cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seatsync.cli import kinds
from seatsync.cli.flags import Flags

if TYPE_CHECKING:
    from sei.files.verify import Verifier
    from sei.inputs.address import Address
    from sei.wire.keys import KeySet

DEFAULT_SECONDS: Final = "10"
SLACK_S: Final = 20.0
FINE, FAULTY, UNUSABLE = 0, 1, 2


def add_flags(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    parser.add_argument(
        "source", metavar="IN", help="a file, - or an http(s) address of FLV, TS, MP4 or HLS"
    )
    flags.add(parser, "--room", "only messages of this room count", kind=kinds.room)
    flags.add(parser, "--keys", "JWK set that signatures are checked with", metavar="FILE_OR_URL")
    flags.add(
        parser,
        "--seconds",
        "how long a live address is read",
        default=DEFAULT_SECONDS,
        kind=kinds.positive,
    )
    flags.add(
        parser,
        "--redirect",
        "host to which the address may send us on, beside its own; repeatable",
        many=True,
        metavar="HOST",
    )
    flags.add(
        parser,
        "--max-gap",
        "how long the stream may go on without a message",
        kind=float,
        metavar="SECONDS",
    )
    flags.switch(parser, "--json", "the report as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Read, judge and tell."""
    from room import wire
    from room.errors import SeatsyncError
    from sei.files.verify import Verifier
    from sei.inputs.address import parse_address

    try:
        address = parse_address(arguments.source)
        keys = None if arguments.keys is None else _key_set(arguments.keys)
        verifier = Verifier(arguments.room, keys, arguments.max_gap)
        is_live = address.kind in ("http", "hls")
        if is_live:
            if sys.stderr.isatty():
                print(f"reading {address.shown} for {arguments.seconds} s", file=sys.stderr)
            asyncio.run(_read_live(address, arguments, verifier))
        else:
            _read_file(address, verifier)
    except SeatsyncError as error:
        print(f"seatsync: {error.code}: {error.message}", file=sys.stderr)
        return UNUSABLE
    report = verifier.report(int(time.time() * 1000) if is_live else None)
    if arguments.json:
        print(wire.encode(report).decode())
    else:
        print("\n".join(report.lines()))
    return FAULTY if report.faults else FINE


def _read_file(address: Address, verifier: Verifier) -> None:
    from sei.errors import BadMedia
    from sei.files.media import open_media
    from sei.files.scan import scan
    from sei.probe.judge import Picture

    if address.kind not in ("file", "stdin"):
        raise BadMedia(f"{address.kind} is not verified; give a file, - or an http(s) address")
    with open_media(Path(address.text)) as media:
        first = media.videos[0].stream.index
        for unit in scan(media):
            if unit.track == first:
                time_ms = (unit.dts_s if unit.dts_s is not None else unit.pts_s or 0.0) * 1000
                verifier.see(Picture(time_ms, unit.is_keyframe, unit.bodies))


async def _read_live(address: Address, arguments: argparse.Namespace, verifier: Verifier) -> None:
    import aiohttp

    from sei.errors import SourceFailed
    from sei.probe.fetch import fetch_over_http
    from sei.probe.look import look

    redirects = tuple(arguments.redirect)
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(arguments.seconds + SLACK_S):
            fetch = fetch_over_http(session, redirects)
            await look(
                address.text, verifier.see, arguments.seconds, fetch=fetch, redirects=redirects
            )
    except TimeoutError:
        raise SourceFailed("the stream did not come in time") from None


def _key_set(place: str) -> KeySet:
    """Read the keys from a file or an address.

    Raises:
        InvalidArgument: they cannot be read, or are none.
        Malformed: they are not JSON.
        Unavailable: the address does not answer with them.
    """
    from room.errors import InvalidArgument
    from sei.wire.keys import MAX_KEY_SET_BYTES, read_key_set

    if place.startswith(("http://", "https://")):
        return read_key_set(asyncio.run(_fetch(place, MAX_KEY_SET_BYTES)))
    try:
        with Path(place).open("rb") as opened:
            return read_key_set(opened.read(MAX_KEY_SET_BYTES + 1))
    except OSError as error:
        raise InvalidArgument(f"{place}: {error.strerror}") from error


async def _fetch(url: str, max_bytes: int) -> bytes:
    import aiohttp

    from sei.probe.fetch import fetch_over_http

    body = bytearray()
    async with (
        aiohttp.ClientSession() as session,
        asyncio.timeout(SLACK_S),
        fetch_over_http(session)(url) as answer,
    ):
        async for chunk in answer.chunks:
            body += chunk
            if len(body) > max_bytes:
                break
    return bytes(body)
