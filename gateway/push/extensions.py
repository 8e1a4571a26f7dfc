"""The grammar of Sec-WebSocket-Extensions (RFC 6455 9.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from room.errors import InvalidArgument

_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_NAME: Final = re.compile(rf"[ \t,]*({_WORD})")
_PARAMETER: Final = re.compile(
    rf'[ \t]*;[ \t]*({_WORD})(?:[ \t]*=[ \t]*(?:({_WORD})|"((?:[^"\\]|\\.)*)"))?'
)
_SEPARATOR: Final = re.compile(r"[ \t]*(?:,|\Z)")
_NOTHING: Final = re.compile(r"[ \t,]*\Z")
_TOKEN: Final = re.compile(_WORD)
_ESCAPED: Final = re.compile(r"\\(.)")


class Extension(NamedTuple):
    """One extension that a client offers, as it offers it."""

    name: str
    parameters: tuple[tuple[str, str | None], ...]
    """In order; a name may come twice here; None: no value."""


def read_extensions(values: Iterable[str]) -> list[Extension]:
    """Read all the offers of a request, in the client's order of preference.

    Args:
        values: of every Sec-WebSocket-Extensions line.

    Raises:
        InvalidArgument: it does not follow the grammar: the handshake must fail (RFC 6455 9.1).
    """
    value = ",".join(values)
    offers = []
    at = 0
    while not _NOTHING.match(value, at):
        offer, at = _one(value, at)
        offers.append(offer)
    return offers


def _one(value: str, at: int) -> tuple[Extension, int]:
    name = _NAME.match(value, at)
    if name is None:
        raise InvalidArgument("Sec-WebSocket-Extensions is not well formed")
    at = name.end()
    parameters = []
    while parameter := _PARAMETER.match(value, at):
        parameters.append((parameter[1], _value(parameter)))
        at = parameter.end()
    separator = _SEPARATOR.match(value, at)
    if separator is None:
        raise InvalidArgument("Sec-WebSocket-Extensions is not well formed")
    return Extension(name[1], tuple(parameters)), separator.end()


def _value(parameter: re.Match[str]) -> str | None:
    """Give a parameter's value; what a quoted one holds must be a token all the same."""
    if parameter[3] is None:
        return parameter[2]
    value = _ESCAPED.sub(r"\1", parameter[3])
    if not _TOKEN.fullmatch(value):
        raise InvalidArgument("Sec-WebSocket-Extensions is not well formed")
    return value
