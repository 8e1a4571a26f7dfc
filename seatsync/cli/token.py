"""Sign a token with the secret of the environment or the data folder, and print it.

  SEATSYNC_TOKEN=$(seatsync token --user alice)

Whoever has the secret may be anybody: this is for operators, trials and tests.
"""

from __future__ import annotations

import argparse
import time
from typing import Final

from seatsync.cli import kinds
from seatsync.cli.flags import Flags
from seatsync.cli.folder import add_data_flag, read_secret

OPTIONAL: Final = {
    "nickname": "nickname",
    "avatar": "avatar",
    "aud": "audience",
    "iss": "issuer",
}
"""Claim to flag."""


def register(parser: argparse.ArgumentParser, flags: Flags) -> None:
    """Add the flags."""
    add = flags.add
    add(parser, "--user", "user id", metavar="NAME")
    add(
        parser,
        "--kind",
        "what sort of account",
        default="member",
        choices=("member", "service", "staff"),
    )
    add(
        parser,
        "--role",
        "a role that the platform gives: operator or reviewer; repeatable",
        many=True,
        kind=_role,
        metavar="ROLE",
    )
    add(parser, "--docs", "x- documents that a service may write, * for all", metavar="NAMES")
    add(parser, "--nickname", "the name that seats show", metavar="TEXT")
    add(parser, "--avatar", "the picture that seats show", metavar="TEXT")
    add(parser, "--audience", "what aud says", kind=kinds.words, metavar="TEXT")
    add(parser, "--issuer", "what iss says", kind=kinds.words, metavar="TEXT")
    add(parser, "--ttl", "seconds", default="3600", kind=kinds.positive, metavar="S")
    add_data_flag(parser, flags)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from gateway.tokens.authenticator import issue
    from room.actor import USER_ID
    from room.errors import InvalidArgument

    if arguments.user is None or USER_ID.fullmatch(arguments.user) is None:
        raise InvalidArgument("--user takes 1 to 64 of A-Z a-z 0-9 _ . : @ -")
    claims: dict[str, object] = {
        "sub": arguments.user,
        "kind": arguments.kind,
        "exp": int(time.time()) + arguments.ttl,
    }
    if arguments.role:
        claims["roles"] = arguments.role
    if arguments.docs:
        claims["docs"] = [name.strip() for name in arguments.docs.split(",")]
    for claim, flag in OPTIONAL.items():
        if getattr(arguments, flag) is not None:
            claims[claim] = getattr(arguments, flag)
    print(issue(read_secret(arguments.data), claims))
    return 0


def _role(text: str) -> str:
    if text not in ("operator", "reviewer"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither operator nor reviewer")
    return text
