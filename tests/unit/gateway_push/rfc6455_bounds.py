"""Cases of what is too much, and of what is not all there (RFC 6455 10.4)."""

from __future__ import annotations

from gateway.config import MAX_FRAME_BYTES as MAX
from gateway.push.frames import PingFrame, Text
from tests.unit.gateway_push.frame_samples import (
    CONTINUATION,
    PING,
    TEXT,
    client_frame,
    declared,
)
from tests.unit.gateway_push.rfc6455_case import HELLO, Case, split, text

SIZES = [
    Case("one byte too many", "10.4", text(b"*" * (MAX + 1)), code=1009),
    *(
        Case(f"text of {size} bytes", "10.4", text(b"*" * size), code=1009)
        for size in (65535, 65536)
    ),
    *(
        Case(f"{name} declared", "10.4", declared(TEXT, length), code=1009)
        for name, length in (
            ("2 to the 16", 1 << 16),
            ("2 to the 31", 1 << 31),
            ("2 to the 32", 1 << 32),
            ("2 to the 62", 1 << 62),
            ("2 to the 63 less one", (1 << 63) - 1),
        )
    ),
    Case(
        "2 to the 62 declared for a fragment", "10.4", declared(TEXT, 1 << 62, flags=0), code=1009
    ),
    Case(
        "text before 2 to the 62", "10.4", HELLO + declared(TEXT, 1 << 62), (Text(b"Hello"),), 1009
    ),
    Case(
        "fragments as long as may be",
        "10.4",
        split(b"*" * (MAX - 1), b"", b"*"),
        (Text(b"*" * MAX, 3),),
    ),
    Case("fragments too long together", "10.4", split(b"*" * MAX, b"*"), code=1009),
    Case(
        "continuation declares 2 to the 62",
        "10.4",
        client_frame(TEXT, b"a", flags=0) + declared(CONTINUATION, 1 << 62),
        code=1009,
    ),
    Case(
        "next message has the whole size again",
        "10.4",
        split(b"*" * (MAX - 1), b"*") + split(b"*", b"*" * (MAX - 1)),
        (Text(b"*" * MAX, 2), Text(b"*" * MAX, 2)),
    ),
    Case(
        "ping beside the longest message",
        "10.4",
        client_frame(TEXT, b"*" * MAX, flags=0)
        + client_frame(PING, b"*" * 125)
        + client_frame(CONTINUATION),
        (PingFrame(b"*" * 125), Text(b"*" * MAX, 2)),
    ),
]

UNFINISHED = [
    Case("nothing", "5.2", b""),
    Case("one byte", "5.2", b"\x81"),
    Case("half a length", "5.2", b"\x81\xfe\x01"),
    Case("half a key", "5.2", b"\x81\x85\x37\xfa"),
    Case("half a payload", "5.2", HELLO[:-2]),
    Case("text and half a header", "5.2", HELLO + HELLO[:1], (Text(b"Hello"),)),
    Case("half a message", "5.4", client_frame(TEXT, b"Hel", flags=0)),
    Case(
        "half a message that can't be UTF-8 any more", "8.1", client_frame(TEXT, b"\xff", flags=0)
    ),
]
