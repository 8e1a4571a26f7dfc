"""AMF0, the values that RTMP commands and metadata are made of.

| marker | value | here |
| --- | --- | --- |
| 0 | number, 8 bytes IEEE 754 | ``float`` |
| 1 | boolean, 1 byte | ``bool`` |
| 2, 12 | string, its length in 2 or 4 bytes | ``str`` |
| 3 | object: pairs of name and value, ends with an empty name and 9 | ``dict`` |
| 5, 6 | null, undefined | ``None``, ``UNDEFINED`` |
| 8 | ECMA array: a count that nobody keeps to, then as an object | ``EcmaArray`` |
| 10 | strict array: a count in 4 bytes, values | ``list`` |
| 11 | date: ms since 1970 as a number, 2 bytes of time zone, reserved | ``Date`` |

Everything else (references, XML, typed objects, AMF3) is refused.
Source: Adobe AMF 0 specification, 2.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from sei.errors import BadRtmp

MAX_DEPTH: Final = 16
MAX_VALUES: Final = 4096
"""Of one message, those within others counted too."""
_NUMBER, _BOOLEAN, _STRING, _OBJECT = 0, 1, 2, 3
_NULL, _UNDEFINED, _ECMA_ARRAY, _OBJECT_END = 5, 6, 8, 9
_STRICT_ARRAY, _DATE, _LONG_STRING = 10, 11, 12
_SHORT_BYTES: Final = 0xFFFF


class Undefined(Enum):
    """The type of the one value that is none."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED


class Date(NamedTuple):
    """A moment."""

    unix_ms: float


class EcmaArray(dict[str, "Value"]):
    """An object that travels as an array with names."""


Value: TypeAlias = "bool | float | str | Undefined | Date | list[Value] | dict[str, Value] | None"


def encode(*values: Value) -> bytes:
    """Write values, one after the other.

    Raises:
        BadRtmp: a name is longer than 65,535 bytes.
    """
    parts: list[bytes] = []
    for value in values:
        _write(value, parts)
    return b"".join(parts)


def decode(encoded: bytes) -> list[Value]:
    """Read all values of a message.

    Raises:
        BadRtmp: they do not follow the format, or nest deeper or are more than is taken.
    """
    reader = _Reader(encoded)
    values = []
    while reader.at < len(encoded):
        values.append(reader.value(0))
    return values


def first_string(encoded: bytes) -> tuple[str, int]:
    """Read the string that a message begins with; give it and where the next value begins.

    Raises:
        BadRtmp: it does not begin with a string.
    """
    reader = _Reader(encoded)
    if reader.byte() != _STRING:
        raise BadRtmp("a message does not begin with its name")
    return reader.text(2), reader.at


def _write(value: Value, parts: list[bytes]) -> None:
    if value is None:
        parts.append(bytes((_NULL,)))
    elif value is UNDEFINED:
        parts.append(bytes((_UNDEFINED,)))
    elif isinstance(value, bool):
        parts.append(bytes((_BOOLEAN, value)))
    elif isinstance(value, (int, float)):
        parts.append(struct.pack(">Bd", _NUMBER, value))
    elif isinstance(value, str):
        parts.append(_string(value))
    elif isinstance(value, Date):
        parts.append(struct.pack(">Bdh", _DATE, value.unix_ms, 0))
    elif isinstance(value, list):
        parts.append(struct.pack(">BI", _STRICT_ARRAY, len(value)))
        for item in value:
            _write(item, parts)
    elif isinstance(value, EcmaArray):
        parts.append(struct.pack(">BI", _ECMA_ARRAY, len(value)))
        _write_pairs(value, parts)
    else:
        parts.append(bytes((_OBJECT,)))
        _write_pairs(value, parts)


def _write_pairs(pairs: dict[str, Value], parts: list[bytes]) -> None:
    for name, value in pairs.items():
        encoded = name.encode()
        if len(encoded) > _SHORT_BYTES:
            raise BadRtmp(f"a name of {len(encoded)} bytes")
        parts.append(struct.pack(">H", len(encoded)) + encoded)
        _write(value, parts)
    parts.append(bytes((0, 0, _OBJECT_END)))


def _string(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) <= _SHORT_BYTES:
        return struct.pack(">BH", _STRING, len(encoded)) + encoded
    return struct.pack(">BI", _LONG_STRING, len(encoded)) + encoded


class _Reader:
    """Reads values off one message."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded: Final = encoded
        self._values = 0
        self.at = 0

    def value(self, depth: int) -> Value:
        self._values += 1
        if depth > MAX_DEPTH or self._values > MAX_VALUES:
            raise BadRtmp("a message has more values, or deeper ones, than are taken")
        marker = self.byte()
        if marker == _NUMBER:
            return self._double()
        if marker == _BOOLEAN:
            return self.byte() != 0
        if marker == _STRING:
            return self.text(2)
        if marker == _LONG_STRING:
            return self.text(4)
        if marker == _OBJECT:
            return self._pairs({}, depth)
        if marker == _ECMA_ARRAY:
            self._take(4)
            return self._pairs(EcmaArray(), depth)
        if marker == _STRICT_ARRAY:
            count = int.from_bytes(self._take(4), "big")
            if count > MAX_VALUES:
                raise BadRtmp(f"an array of {count} values")
            return [self.value(depth + 1) for _ in range(count)]
        return self._plain(marker)

    def byte(self) -> int:
        return self._take(1)[0]

    def text(self, size_bytes: int) -> str:
        size = int.from_bytes(self._take(size_bytes), "big")
        try:
            return self._take(size).decode()
        except UnicodeDecodeError as error:
            raise BadRtmp("a string is not UTF-8") from error

    def _plain(self, marker: int) -> Value:
        if marker == _NULL:
            return None
        if marker == _UNDEFINED:
            return UNDEFINED
        if marker == _DATE:
            moment = Date(self._double())
            self._take(2)
            return moment
        raise BadRtmp(f"a value of type {marker}")

    def _pairs(self, pairs: dict[str, Value], depth: int) -> dict[str, Value]:
        while True:
            name = self.text(2)
            if not name and self._encoded[self.at : self.at + 1] == bytes((_OBJECT_END,)):
                self.at += 1
                return pairs
            pairs[name] = self.value(depth + 1)

    def _double(self) -> float:
        number: float = struct.unpack(">d", self._take(8))[0]
        return number

    def _take(self, size: int) -> bytes:
        taken = self._encoded[self.at : self.at + size]
        if len(taken) < size:
            raise BadRtmp("a message ends within a value")
        self.at += size
        return taken
