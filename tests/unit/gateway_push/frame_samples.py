"""A client's frames, well formed or broken on purpose; for tests and for fuzzing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from gateway.push.frames import Event, FrameError, FrameReader

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
KEY = bytes.fromhex("37fa213d")
"""The masking key of the examples in RFC 6455 5.7."""

Outcome = tuple[list[Event], int | None]
"""Every event in order, and the close code of the error, if there was one."""


def masked(payload: bytes, key: bytes = KEY) -> bytes:
    """Mask as RFC 6455 5.3 words it, byte by byte: nothing of the code under test."""
    return bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


def length_field(length: int, form: int | None = None, mask: int = 0x80) -> bytes:
    """Give the second byte and what follows of the length; ``form`` 7, 16 or 64 bits."""
    if form is None:
        form = 7 if length < 126 else 16 if length < 65536 else 64
    if form == 7:
        return bytes((mask | length,))
    short, width = (126, 2) if form == 16 else (127, 8)
    return bytes((mask | short,)) + length.to_bytes(width)


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    flags: int = FIN,
    form: int | None = None,
    key: bytes = KEY,
) -> bytes:
    """Give a masked frame."""
    head = bytes((flags | opcode,)) + length_field(len(payload), form)
    return head + key + masked(payload, key)


def bare_frame(opcode: int, payload: bytes = b"", flags: int = FIN) -> bytes:
    """Give a frame that is not masked, as only servers may send it."""
    return bytes((flags | opcode,)) + length_field(len(payload), mask=0) + payload


def declared(opcode: int, length: int, form: int = 64, flags: int = FIN) -> bytes:
    """Give a header whose payload never comes."""
    return bytes((flags | opcode,)) + length_field(length, form) + KEY


def fragments(payloads: Sequence[bytes], opcode: int = TEXT, flags: int = 0) -> list[bytes]:
    """Give one message in as many frames; ``flags`` go to the first."""
    last = len(payloads) - 1
    return [
        client_frame(
            opcode if index == 0 else CONTINUATION,
            payload,
            flags=(FIN if index == last else 0) | (flags if index == 0 else 0),
        )
        for index, payload in enumerate(payloads)
    ]


def closing(code: int, reason: bytes = b"") -> bytes:
    """Give a close frame."""
    return client_frame(CLOSE, code.to_bytes(2) + reason)


def pieces(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut a stream at these offsets."""
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(stream)), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def outcome(reader: FrameReader, fed: Iterable[bytes]) -> Outcome:
    """Feed every piece, as a driver does, until the reader refuses; check what it holds."""
    events: list[Event] = []
    for piece in fed:
        try:
            events += reader.feed(piece)
            while reader.has_more:
                events += reader.feed(b"")
        except FrameError as error:
            return events, error.code
        assert reader.held_bytes <= reader.max_held_bytes
        if reader.error is not None:
            return events, reader.error.code
    return events, None
