"""``If-Match`` of a write, as what a store checks (RFC 9110 13.1.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from room.errors import InvalidArgument
from room.position import Position, parse_position
from store.port import Precondition

_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\U0010ffff]*"'
_LIST: Final = re.compile(rf"[ \t,]*(?:{_TAG}[ \t]*(?:,[ \t,]*|\Z))*")
_ANY_TAG: Final = re.compile(_TAG)

NEVER: Final = Precondition((Position(-1, -1),))
"""No document ever stands there."""


def read_if_match(headers: Sequence[str]) -> Precondition | None:
    """Read every ``If-Match`` header of a request.

    The comparison is strong: a weak tag matches nothing, and neither does one that is not ours.
    The marks of view and coding that our own tags carry (``-m``, ``.gz``) are passed over: the
    position is what a writer saw.

    Returns:
        what must hold; None where nothing was asked.

    Raises:
        InvalidArgument: a header is no ``*`` and no list of entity tags.
    """
    if not headers:
        return None
    text = ",".join(headers).strip()
    if text == "*":
        return Precondition()
    if _LIST.fullmatch(text) is None:
        raise InvalidArgument("If-Match is * or a list of entity tags in quotes")
    positions = tuple(filter(None, map(_position, _ANY_TAG.findall(text))))
    return Precondition(positions) if positions else NEVER


def _position(tag: str) -> Position | None:
    if tag.startswith("W/"):
        return None
    try:
        return parse_position(tag[1:-1].removesuffix(".gz").removesuffix("-m"))
    except InvalidArgument:
        return None
