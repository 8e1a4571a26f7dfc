"""Flags of the commands that talk to a gateway."""

from __future__ import annotations

import argparse

from seatsync.cli import kinds
from seatsync.cli.flags import Flags


def add_gateway_flag(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add ``--gateway``."""
    flags.add(
        parser,
        "--gateway",
        "address of the gateway",
        default="http://127.0.0.1:8080",
        kind=kinds.http_url,
        metavar="URL",
    )


def add_token_flag(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add ``--token``."""
    flags.add(
        parser,
        "--token",
        "who asks; the variable keeps it out of the list of processes",
        metavar="JWT",
    )
