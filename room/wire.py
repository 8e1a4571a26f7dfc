"""JSON in and out: bytes from a peer become typed values, or one of two errors."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from room.errors import InvalidArgument, Malformed

T = TypeVar("T")

encode: Final = msgspec.json.Encoder().encode
"""Compact UTF-8 JSON, keys in the order of the struct."""

ANY: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()


def read(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode JSON that a peer sent.

    Raises:
        Malformed: not JSON, not UTF-8, or nested beyond reason.
        InvalidArgument: JSON of the wrong shape; the message says where.
    """
    try:
        if not body.isascii():
            str(body, "utf-8")  # the decoder does not look into fields that it passes over
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        if decoder is not ANY:
            read(ANY, body)  # the shape is judged before the end is seen: broken JSON comes first
        raise InvalidArgument(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("the body is not JSON in UTF-8") from error


def shape(kind: type[T], value: Any) -> T:
    """Turn decoded JSON into a typed value.

    Raises:
        InvalidArgument: the shape is wrong; the message says where.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InvalidArgument(str(error)) from None
