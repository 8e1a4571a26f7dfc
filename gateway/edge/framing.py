"""The grammar of a request's head, and where its body ends (RFC 9112, RFC 9110 5 and 7).

Two readers must agree on every head: the expressions here and llhttp. Either is enough on a good
day; a request is only smuggled through what both take for something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from room.errors import Malformed

MAX_HEAD_BYTES: Final = 16 * 1024
MAX_LINE_BYTES: Final = 8190
MAX_FIELDS: Final = 64

Fields = Mapping[bytes, list[bytes]]

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_TEXT: Final = rb"[\t\x20-\x7e\x80-\xff]"

HEAD: Final = re.compile(
    # RFC 9112 2.2: one empty line before the request line is let pass.
    rb"(?:\r\n)?(" + _TOKEN + rb"{1,32}) ([!-~]+) HTTP/(1\.[01])\r\n"
    # RFC 9112 5: no blank before the colon, no folded line, no control character, no bare CR or LF.
    rb"((?:" + _TOKEN + rb"++:" + _TEXT + rb"*+\r\n)*+)\r\n"
)
BEGINNING: Final = re.compile(
    rb"\r?|(?:\r\n)?(?:" + _TOKEN + rb"{1,32}+(?: (?:" + _TEXT + rb"|\r\n)*+\r?)?)?"
)
"""What may still become a head."""
FIRST_BYTES: Final = 64
"""A beginning of so many bytes is past its method."""
_FURTHER: Final = re.compile(rb"(?:" + _TEXT + rb"|\r\n)*+\r?")
_CR: Final = 0x0D
FIELD_LINE: Final = re.compile(_TOKEN + rb"++:" + _TEXT + rb"*+")

ONCE: Final = frozenset(
    {
        b"content-location",
        b"content-range",
        b"content-type",
        b"etag",
        b"max-forwards",
        b"server",
        b"user-agent",
    }
)
"""Fields of one value, beside those that have rules of their own (RFC 9110 5.3)."""

_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z._~\-]{1,253})(?::[0-9]{0,5})?")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)


class Length(NamedTuple):
    """How a body is delimited."""

    size_bytes: int
    """As the head says; 0 where it says nothing."""
    is_chunked: bool


class Target(NamedTuple):
    """What a request is for."""

    path: str
    query: str
    authority: str | None
    """Of an absolute-form target alone."""


def malformed() -> Malformed:
    """Give the one error of every request that can't be read; it repeats nothing of it."""
    return Malformed("this is no HTTP request")


def may_become_head(held: bytes, checked: int = 0) -> bool:
    """Tell whether the beginning of a head is one so far.

    Args:
        held: what came of it.
        checked: so many bytes of it were found good before; little else is looked at again.
    """
    if len(held) > MAX_HEAD_BYTES:
        return False
    if checked < FIRST_BYTES:
        return BEGINNING.fullmatch(held) is not None
    start = checked - (held[checked - 1] == _CR)  # a line feed may belong to what was checked
    return _FURTHER.fullmatch(held, start) is not None


def read_target(method: bytes, target: bytes) -> Target:
    """Take a request target apart (RFC 9112 3.2).

    Raises:
        Malformed: it is of authority-form, or of no form.
    """
    authority: bytes | None = None
    if target == b"*" and method == b"OPTIONS":
        return Target("*", "", None)
    if (absolute := _ABSOLUTE.fullmatch(target)) is not None:
        authority, target = absolute.groups()
        if _HOST.fullmatch(authority) is None:
            raise malformed()
        if not target.startswith(b"/"):
            target = b"/" + target
    if not target.startswith(b"/") or b"#" in target or method == b"CONNECT":
        raise malformed()
    path, _, query = target.partition(b"?")
    return Target(path.decode(), query.decode(), None if authority is None else authority.decode())


def read_host(fields: Fields, is_1_1: bool) -> str:
    """Give the one ``Host`` (RFC 9112 3.2); only HTTP/1.0 may do without.

    Raises:
        Malformed: it is missing, there are two, or it is no host.
    """
    values = fields.get(b"host", ())
    if not values and not is_1_1:
        return ""
    if len(values) != 1 or _HOST.fullmatch(values[0]) is None:
        raise malformed()
    return values[0].decode()


def read_length(fields: Fields, is_1_1: bool) -> Length:
    """Say how the body is delimited (RFC 9112 6.1 to 6.3), without any of the leniencies.

    Raises:
        Malformed: it can be read in two ways, or in none.
    """
    lengths = fields.get(b"content-length")
    codings = fields.get(b"transfer-encoding")
    if codings is not None:
        is_plain = len(codings) == 1 and codings[0].lower() == b"chunked"
        if not is_plain or not is_1_1 or lengths is not None:
            raise malformed()
        return Length(0, is_chunked=True)
    if lengths is None:
        return Length(0, is_chunked=False)
    if len(lengths) != 1 or _LENGTH.fullmatch(lengths[0]) is None:
        raise malformed()
    return Length(int(lengths[0]), is_chunked=False)


def check_single(fields: Fields) -> None:
    """Refuse a field of one value that comes twice: two readers may take different ones.

    Raises:
        Malformed: one does.
    """
    for name, values in fields.items():
        if len(values) > 1 and name in ONCE:
            raise malformed()


def read_expectation(fields: Fields, is_1_1: bool) -> bool:
    """Tell whether the client waits for a 100 before it sends the body (RFC 9110 10.1.1).

    Raises:
        Malformed: it expects something else.
    """
    expected = fields.get(b"expect")
    if expected is None or not is_1_1:
        return False
    if len(expected) != 1 or expected[0].lower() != b"100-continue":
        raise malformed()
    return True


def read_options(fields: Fields) -> frozenset[bytes]:
    """Give the options of ``Connection``, in lower case (RFC 9110 7.6.1)."""
    values = fields.get(b"connection")
    if values is None:
        return frozenset()
    return frozenset(option.strip(b" \t") for option in b",".join(values).lower().split(b","))


def asks_for_websocket(fields: Fields) -> bool:
    """Tell whether ``Upgrade`` names what there is here; others are passed over (RFC 9110 7.8)."""
    return any(
        name.strip(b" \t").lower() == b"websocket"
        for value in fields.get(b"upgrade", ())
        for name in value.split(b",")
    )
