"""Cases of text and of the closing handshake (RFC 6455 5.5.1, 7 and 8)."""

from __future__ import annotations

from gateway.push.frames import CloseFrame, PingFrame, Text
from tests.unit.gateway_push.frame_samples import (
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    client_frame,
    closing,
)
from tests.unit.gateway_push.rfc6455_case import HELLO, KAPPA, Case, split, text

GOOD_UTF8 = {
    "greek": KAPPA,
    "last of one byte": b"\x7f",
    "nul": b"\x00",
    "first of two bytes": b"\xc2\x80",
    "last of two bytes": b"\xdf\xbf",
    "first of three bytes": b"\xe0\xa0\x80",
    "before the surrogates": b"\xed\x9f\xbf",
    "after the surrogates": b"\xee\x80\x80",
    "noncharacter": b"\xef\xbf\xbf",
    "replacement character": b"\xef\xbf\xbd",
    "byte order mark": b"\xef\xbb\xbf",
    "first of four bytes": b"\xf0\x90\x80\x80",
    "last of all": b"\xf4\x8f\xbf\xbf",
}
BAD_UTF8 = {
    "lone continuation": b"\x80",
    "last lone continuation": b"\xbf",
    "continuations": b"\x80\xbf\x80",
    "two bytes cut": b"\xc3",
    "three bytes cut": b"\xe2\x82",
    "four bytes cut": b"\xf0\x9f\x98",
    "lead then ascii": b"\xc3(",
    "overlong slash of two": b"\xc0\xaf",
    "overlong nul": b"\xc0\x80",
    "overlong last of one": b"\xc1\xbf",
    "overlong of three": b"\xe0\x9f\xbf",
    "overlong of four": b"\xf0\x8f\xbf\xbf",
    "first surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "above the last": b"\xf4\x90\x80\x80",
    "lead of five": b"\xf8\x88\x80\x80\x80",
    "lead of six": b"\xfc\x84\x80\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "bad at the end": KAPPA + b"\xed\xa0\x80",
}
UTF8 = [
    *(Case(name, "8.1", text(good), (Text(good),)) for name, good in GOOD_UTF8.items()),
    *(
        Case(
            f"{name} in fragments of a byte",
            "8.1",
            split(*(bytes((byte,)) for byte in good), b""),
            (Text(good, len(good) + 1),),
        )
        for name, good in GOOD_UTF8.items()
    ),
    *(Case(name, "8.1", text(bad), code=1007) for name, bad in BAD_UTF8.items()),
    *(
        Case(
            f"{name} in fragments of a byte",
            "8.1",
            split(*(bytes((byte,)) for byte in bad), b""),
            code=1007,
        )
        for name, bad in BAD_UTF8.items()
    ),
    Case("good text before bad", "8.1", HELLO + text(b"\xff"), (Text(b"Hello"),), 1007),
    Case(
        "character over two fragments and a ping",
        "5.6",
        client_frame(TEXT, KAPPA[:3], flags=0)
        + client_frame(PING)
        + client_frame(CONTINUATION, KAPPA[3:]),
        (PingFrame(b""), Text(KAPPA, 2)),
    ),
    Case("long and bad at the end", "8.1", text(b"*" * 1000 + b"\xc3"), code=1007),
]

GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
              3000, 3999, 4000, 4999)  # fmt: skip
BAD_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
CLOSES = [
    Case("no code", "5.5.1", client_frame(CLOSE), (CloseFrame(None, b""),)),
    Case("half a code", "5.5.1", client_frame(CLOSE, b"\x03"), code=1002),
    *(Case(f"code {code}", "7.4", closing(code), (CloseFrame(code, b""),)) for code in GOOD_CODES),
    *(Case(f"code {code}", "7.4", closing(code), code=1002) for code in BAD_CODES),
    *(
        Case(f"code {code} with a reason", "7.4", closing(code, b"why"), code=1002)
        for code in BAD_CODES
    ),
    Case("reason", "7.1.6", closing(1000, KAPPA), (CloseFrame(1000, KAPPA),)),
    Case("longest reason", "7.1.6", closing(1001, b"*" * 123), (CloseFrame(1001, b"*" * 123),)),
    Case("reason too long", "5.5", closing(1001, b"*" * 124), code=1002),
    *(
        Case(f"reason {name}", "8.1", closing(1000, bad), code=1007)
        for name, bad in BAD_UTF8.items()
    ),
    Case(
        "text before close", "5.5.1", HELLO + closing(1000), (Text(b"Hello"), CloseFrame(1000, b""))
    ),
    Case("text after close", "5.5.1", closing(1000) + HELLO, (CloseFrame(1000, b""),)),
    Case("ping after close", "5.5.1", closing(1000) + client_frame(PING), (CloseFrame(1000, b""),)),
    Case("second close", "5.5.1", closing(1000) * 2, (CloseFrame(1000, b""),)),
    Case(
        "garbage after close", "5.5.1", client_frame(CLOSE) + b"\xff" * 50, (CloseFrame(None, b""),)
    ),
]
