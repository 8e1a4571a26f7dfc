"""Cases of framing, fragments and control frames (RFC 6455 5)."""

from __future__ import annotations

from gateway.config import MAX_FRAME_BYTES as MAX
from gateway.push.frames import MAX_FRAGMENTS, CloseFrame, PingFrame, PongFrame, Text
from tests.unit.gateway_push.frame_samples import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    bare_frame,
    client_frame,
    closing,
    declared,
)
from tests.unit.gateway_push.rfc6455_case import HELLO, KAPPA, Case, split, text

FRAMING = [
    Case(
        "masked hello of the examples",
        "5.7",
        bytes.fromhex("818537fa213d7f9f4d5158"),
        (Text(b"Hello"),),
    ),
    Case(
        "pong of the examples",
        "5.7",
        bytes.fromhex("8a8537fa213d7f9f4d5158"),
        (PongFrame(b"Hello"),),
    ),
    *(
        Case(f"text of {size} bytes", "5.2", text(b"*" * size), (Text(b"*" * size),))
        for size in (0, 1, 2, 3, 4, 5, 7, 8, 124, 125, 126, 127, 128, 255, 256, 1000, MAX - 1, MAX)
    ),
    Case(
        "three texts in a row",
        "5.2",
        text(b"a") + text(b"") + text(b"b" * 300),
        (Text(b"a"), Text(b""), Text(b"b" * 300)),
    ),
    Case(
        "masking key of zeros", "5.3", client_frame(TEXT, b"plain", key=bytes(4)), (Text(b"plain"),)
    ),
    Case("masking key of ones", "5.3", client_frame(TEXT, KAPPA, key=b"\xff" * 4), (Text(KAPPA),)),
    Case(
        "keys change from frame to frame",
        "5.3",
        client_frame(TEXT, b"one", key=b"abcd") + client_frame(TEXT, b"two", key=b"\0\1\2\3"),
        (Text(b"one"), Text(b"two")),
    ),
    *(
        Case(
            f"length {length} in {form} bits",
            "5.2",
            client_frame(TEXT, b"*" * length, form=form),
            code=1002,
        )
        for length, form in (
            (0, 16),
            (1, 16),
            (125, 16),
            (0, 64),
            (125, 64),
            (126, 64),
            (65535, 64),
        )
    ),
    *(
        Case(
            f"ping of {length} bytes in {form} bits",
            "5.2",
            client_frame(PING, b"*" * length, form=form),
            code=1002,
        )
        for length, form in ((0, 16), (125, 16), (125, 64))
    ),
    *(
        Case(f"length {name}", "5.2", declared(TEXT, length), code=1002)
        for name, length in (("with the highest bit", 1 << 63), ("of ones", (1 << 64) - 1))
    ),
    Case("not masked", "5.1", bare_frame(TEXT, b"Hello"), code=1002),
    Case("not masked and empty", "5.1", bare_frame(TEXT), code=1002),
    Case("ping not masked", "5.1", bare_frame(PING), code=1002),
    Case("close not masked", "5.1", bare_frame(CLOSE, b"\x03\xe8"), code=1002),
    Case(
        "text before one not masked",
        "5.1",
        HELLO + bare_frame(TEXT, b"Hello"),
        (Text(b"Hello"),),
        1002,
    ),
]

RESERVED = [
    *(
        Case(
            f"{name} on opcode {opcode}",
            "5.2",
            client_frame(opcode, b"", flags=FIN | bits),
            code=1002,
        )
        for name, bits in (
            ("RSV1", RSV1),
            ("RSV2", RSV2),
            ("RSV3", RSV3),
            ("all reserved bits", RSV1 | RSV2 | RSV3),
        )
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
    ),
    Case(
        "RSV2 on a continuation",
        "5.2",
        client_frame(TEXT, b"a", flags=0) + client_frame(CONTINUATION, b"b", flags=FIN | RSV2),
        code=1002,
    ),
    Case(
        "RSV1 behind a good text",
        "5.2",
        HELLO + client_frame(TEXT, b"a", flags=FIN | RSV1),
        (Text(b"Hello"),),
        1002,
    ),
    *(
        Case(
            f"opcode {opcode} with flags {flags}",
            "5.2",
            client_frame(opcode, b"", flags=flags),
            code=1002,
        )
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        for flags in (FIN, 0)
    ),
    Case(
        "opcode 5 in a message",
        "5.2",
        client_frame(TEXT, b"a", flags=0) + client_frame(5, b"b"),
        code=1002,
    ),
    Case("binary", "7.4.1", client_frame(BINARY, b"\0\1"), code=1003),
    Case("binary and empty", "7.4.1", client_frame(BINARY), code=1003),
    Case("first fragment of binary", "7.4.1", client_frame(BINARY, b"\0", flags=0), code=1003),
    Case(
        "text before binary", "7.4.1", HELLO + client_frame(BINARY, b"\0"), (Text(b"Hello"),), 1003
    ),
]

FRAGMENTS = [
    Case("two fragments", "5.4", split(b"Hel", b"lo"), (Text(b"Hello", 2),)),
    Case(
        "fragment of each byte",
        "5.4",
        split(*(bytes((byte,)) for byte in b"Hello")),
        (Text(b"Hello", 5),),
    ),
    Case("empty first fragment", "5.4", split(b"", b"Hello"), (Text(b"Hello", 2),)),
    Case("empty last fragment", "5.4", split(b"Hello", b""), (Text(b"Hello", 2),)),
    Case("all fragments empty", "5.4", split(b"", b"", b""), (Text(b"", 3),)),
    Case(
        "two messages of fragments",
        "5.4",
        split(b"a", b"b") + split(b"c", b"d"),
        (Text(b"ab", 2), Text(b"cd", 2)),
    ),
    Case(
        "ping between fragments",
        "5.4",
        client_frame(TEXT, b"Hel", flags=0)
        + client_frame(PING, b"!")
        + client_frame(CONTINUATION, b"lo"),
        (PingFrame(b"!"), Text(b"Hello", 2)),
    ),
    Case(
        "pong and pings between fragments",
        "5.4",
        client_frame(TEXT, b"a", flags=0)
        + client_frame(PONG, b"1")
        + client_frame(CONTINUATION, b"b", flags=0)
        + client_frame(PING, b"2")
        + client_frame(PING, b"3")
        + client_frame(CONTINUATION, b"c"),
        (PongFrame(b"1"), PingFrame(b"2"), PingFrame(b"3"), Text(b"abc", 3)),
    ),
    Case(
        "close between fragments",
        "5.4",
        client_frame(TEXT, b"a", flags=0) + closing(1000),
        (CloseFrame(1000, b""),),
    ),
    Case("continuation of nothing", "5.4", client_frame(CONTINUATION, b"a"), code=1002),
    Case(
        "continuation of nothing, not final",
        "5.4",
        client_frame(CONTINUATION, b"a", flags=0),
        code=1002,
    ),
    Case(
        "continuation behind a whole text",
        "5.4",
        HELLO + client_frame(CONTINUATION, b"a"),
        (Text(b"Hello"),),
        1002,
    ),
    Case(
        "continuation behind a whole message of fragments",
        "5.4",
        split(b"a", b"b") + client_frame(CONTINUATION, b"c"),
        (Text(b"ab", 2),),
        1002,
    ),
    Case("text inside a message", "5.4", client_frame(TEXT, b"a", flags=0) + text(b"b"), code=1002),
    Case(
        "first fragment inside a message", "5.4", client_frame(TEXT, b"a", flags=0) * 2, code=1002
    ),
    Case(
        "binary inside a message",
        "5.4",
        client_frame(TEXT, b"a", flags=0) + client_frame(BINARY, b"b"),
        code=1002,
    ),
    Case(
        "as many fragments as may be",
        "10.4",
        split(*[b"a"] * MAX_FRAGMENTS),
        (Text(b"a" * MAX_FRAGMENTS, MAX_FRAGMENTS),),
    ),
    Case("one fragment too many", "10.4", split(*[b"a"] * (MAX_FRAGMENTS + 1)), code=1008),
    Case(
        "empty fragments for ever",
        "10.4",
        client_frame(TEXT, flags=0) + client_frame(CONTINUATION, flags=0) * (2 * MAX_FRAGMENTS),
        code=1008,
    ),
]

CONTROL = [
    *(
        Case(
            f"ping of {size} bytes",
            "5.5.2",
            client_frame(PING, b"\xfe" * size),
            (PingFrame(b"\xfe" * size),),
        )
        for size in (0, 1, 5, 124, 125)
    ),
    *(
        Case(
            f"pong nobody asked for of {size} bytes",
            "5.5.3",
            client_frame(PONG, b"\0" * size),
            (PongFrame(b"\0" * size),),
        )
        for size in (0, 1, 125)
    ),
    *(
        Case(
            f"control {opcode} of {size} bytes", "5.5", client_frame(opcode, b"*" * size), code=1002
        )
        for opcode in (CLOSE, PING, PONG)
        for size in (126, 127, 65536)
    ),
    *(
        Case(f"control {opcode} fragmented", "5.5", client_frame(opcode, b"", flags=0), code=1002)
        for opcode in (CLOSE, PING, PONG)
    ),
    Case(
        "ping fragmented inside a message",
        "5.5",
        client_frame(TEXT, b"a", flags=0) + client_frame(PING, b"", flags=0),
        code=1002,
    ),
    Case(
        "ten pings",
        "5.5.2",
        b"".join(client_frame(PING, b"%d" % n) for n in range(10)),
        tuple(PingFrame(b"%d" % n) for n in range(10)),
    ),
    Case("control 2 to the 62 declared", "5.5", declared(PING, 1 << 62), code=1002),
]
