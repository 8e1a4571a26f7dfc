"""The body of an ``x-`` document, as another service sends it (PROTOCOL.md 3)."""

from __future__ import annotations

import hashlib
import math
import re
from decimal import Decimal
from typing import Any, Final

import msgspec

from room import wire
from room.errors import InvalidArgument, Malformed

MAX_NESTING: Final = 32


class _Written(str):
    """A number with a fraction or an exponent, as it was written."""

    __slots__ = ()


_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')

_EXACT: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=_Written)


def read_document(body: bytes) -> tuple[bytes, bytes]:
    """Read a JSON object that is kept as it is written, but for white space.

    Every number must have a finite double that stands for it, because many readers know no other
    numbers. Values are compared exactly all the same, so that no change is lost. A key that stands
    twice in one object is refused: readers differ in which value they take (RFC 8259 4).

    Args:
        body: the JSON text.

    Returns:
        the same text without insignificant white space, and a SHA-256 that is equal for equal
        values: the order of keys and the notation of numbers and strings do not count.

    Raises:
        Malformed: not JSON, or not UTF-8.
        InvalidArgument: not an object, nested too deeply, a key twice, or a number out of range.
    """
    value = _read(body)
    if not isinstance(value, dict):
        raise InvalidArgument("the document is not a JSON object")
    canonical = msgspec.json.encode(_canonical(value), order="sorted")
    if _STRING.sub(b"", body).count(b":") != _members(value):
        raise InvalidArgument("a key stands twice in one object")
    return msgspec.json.format(body, indent=-1), hashlib.sha256(canonical).digest()


def _read(body: bytes) -> Any:
    try:
        return wire.read(_EXACT, body)
    except Malformed as error:
        if isinstance(error.__cause__, RecursionError):
            raise _too_deep() from None
        raise


def _too_deep() -> InvalidArgument:
    return InvalidArgument(f"the document is nested more than {MAX_NESTING} deep")


def _canonical(value: Any, depth: int = 1) -> Any:
    """Make equal JSON values equal bytes; a document that is one object is 1 deep."""
    match value:
        case bool():
            return value
        case _Written():
            return _number(value)
        case int():
            return _number(str(value))
        case dict() | list() if depth > MAX_NESTING:
            raise _too_deep()
        case dict():
            return {key: _canonical(item, depth + 1) for key, item in value.items()}
        case list():
            return [_canonical(item, depth + 1) for item in value]
        case _:
            return value


def _members(value: Any) -> int:
    """Count the members of all objects in a value."""
    match value:
        case dict():
            return len(value) + sum(map(_members, value.values()))
        case list():
            return sum(map(_members, value))
        case _:
            return 0


def _number(text: str) -> msgspec.Raw:
    """Write a number as an integer without trailing zeros times a power of ten.

    Raises:
        InvalidArgument: its double is infinite, or 0 though it is not.
    """
    approximation = float(text)
    mantissa = text.lower().partition("e")[0]
    if not mantissa.strip("-0."):
        return msgspec.Raw(b"0")
    if math.isinf(approximation) or not approximation:
        raise InvalidArgument("a number is out of the range of a double")
    sign, digits, exponent = Decimal(text).as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    power = int(exponent) + len(digits) - len(significant)
    return msgspec.Raw(f"{'-' * sign}{significant}e{power}".encode())
