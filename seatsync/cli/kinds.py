"""From the text of a flag to its value; errors are sentences for whoever typed it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from room.errors import InvalidArgument
from room.names import check_room

LARGEST_BOUND: Final = 1_000_000


def address(text: str) -> tuple[str, int]:
    """Read ``host:port``; an IPv6 host stands in brackets."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


def http_url(text: str) -> str:
    """Read the address of a gateway; a trailing slash is dropped."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not an http:// or https:// address")
    return text.rstrip("/")


def public_url(text: str) -> str:
    """Read where clients reach a service, perhaps below a path; a trailing slash is dropped."""
    parts = urlsplit(http_url(text))
    try:
        has_port = parts.port != 0
    except ValueError:
        has_port = False
    beyond = parts.query or parts.fragment or "@" in parts.netloc
    if beyond or not has_port or not text.isascii():
        raise argparse.ArgumentTypeError(f"{text!r} is more than SCHEME://HOST[:PORT][/PATH]")
    return http_url(text)


def room(text: str) -> str:
    """Read a room id."""
    try:
        return check_room(text)
    except InvalidArgument as error:
        raise argparse.ArgumentTypeError(error.message) from None


def positive(text: str) -> int:
    """Read a whole number above zero."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def bound(text: str) -> int | None:
    """Read how much there may be of something; None for 0 and ``off``: as much as there is."""
    if text in ("0", "off"):
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= LARGEST_BOUND):
        raise argparse.ArgumentTypeError(f"{text!r} is neither off nor 1 to {LARGEST_BOUND}")
    return int(text)


def words(text: str) -> str:
    """Read a text that says something."""
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty text says nothing")
    return text


def path(text: str) -> Path:
    """Read the path of a file or folder."""
    return Path(text).expanduser()
