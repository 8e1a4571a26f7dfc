"""From the text of a flag to its value; errors are sentences for whoever typed it."""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import urlsplit

from room.errors import InvalidArgument
from room.names import check_room


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


def path(text: str) -> Path:
    """Read the path of a file or folder."""
    return Path(text).expanduser()
