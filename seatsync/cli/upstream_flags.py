"""Flags of ``x-`` documents that come from an existing service."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from room.errors import InvalidArgument
from seatsync.cli.flags import Flags

if TYPE_CHECKING:
    from gateway.config import Upstream

TTL_MS: Final = (100, 60_000)
TIMEOUT_MS: Final = (10, 10_000)


def add_upstream_flags(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add where documents come from."""
    flags.add(
        parser,
        "--upstream",
        "an HTTP service that a document of every room comes from, x-NAME=URL with {room} for the "
        "room id; one for each document, repeatable",
        many=True,
        kind=_upstream,
        metavar="UPSTREAM",
    )
    flags.add(
        parser,
        "--upstream-ttl-ms",
        "how long an upstream's answer is fresh that has no max-age",
        default="1000",
        kind=_within(*TTL_MS),
        metavar="MS",
    )
    flags.add(
        parser,
        "--upstream-timeout-ms",
        "how long an upstream may take for one whole answer",
        default="1000",
        kind=_within(*TIMEOUT_MS),
        metavar="MS",
    )


def read_upstreams(arguments: argparse.Namespace) -> tuple[Upstream, ...]:
    """Turn the flags into upstreams.

    Raises:
        InvalidArgument: two are given for one document.
    """
    from msgspec.structs import replace

    from gateway.upstream.addresses import check_upstreams

    ttl_ms, timeout_ms = arguments.upstream_ttl_ms, arguments.upstream_timeout_ms
    check_upstreams(arguments.upstream)
    return tuple(
        replace(upstream, ttl_ms=ttl_ms, timeout_ms=timeout_ms) for upstream in arguments.upstream
    )


def _upstream(text: str) -> Upstream:
    from gateway.upstream.addresses import read_upstream

    try:
        return read_upstream(text)
    except InvalidArgument as error:
        raise argparse.ArgumentTypeError(error.message) from None


def _within(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not {least} to {most} milliseconds")
        return int(text)

    return read
