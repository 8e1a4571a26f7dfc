"""Requests that two readers may take for different ones, and what a strict reader makes of each.

Behind each of them a test sends ``CANARY``. Where a case is refused, or ends the connection, the
canary must not be served; where it is served, both are, in this order. ``/hidden`` is never served.
"""

from __future__ import annotations

from typing import NamedTuple

HOST = b"Host: a\r\n"
CANARY = b"GET /canary HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
HIDDEN_SIZE = b"%d" % len(HIDDEN)


class Seen(NamedTuple):
    """A request as whoever answers it got it."""

    method: str
    path: str
    body: bytes = b""


class Case(NamedTuple):
    """One request, or what looks like one."""

    name: str
    raw: bytes
    seen: Seen | None
    """What is served of it; None: it is refused."""
    ends: bool
    """Whether the connection is closed behind it."""
    status: int = 400
    """Of the refusal."""


def refused(name: str, raw: bytes, status: int = 400) -> Case:
    return Case(name, raw, None, ends=True, status=status)


def served(name: str, raw: bytes, seen: Seen) -> Case:
    return Case(name, raw, seen, ends=False)


def last(name: str, raw: bytes, seen: Seen) -> Case:
    return Case(name, raw, seen, ends=True)


def get(*lines: bytes, target: bytes = b"/x", version: bytes = b"HTTP/1.1") -> bytes:
    """Write a GET with ``Host`` and further lines."""
    fields = b"".join(line + b"\r\n" for line in lines)
    return b"GET %b %b\r\n%b%b\r\n" % (target, version, HOST, fields)


def post(*lines: bytes, body: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    """Write a POST with ``Host`` and further lines."""
    fields = b"".join(line + b"\r\n" for line in lines)
    return b"POST /x %b\r\n%b%b\r\n%b" % (version, HOST, fields, body)


def chunked(body: bytes, *lines: bytes) -> bytes:
    """Write a POST whose body comes in chunks, as given."""
    return post(b"Transfer-Encoding: chunked", *lines, body=body)


TE = b"Transfer-Encoding: chunked"
UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
X = Seen("GET", "/x")

LENGTHS = [
    refused("length and chunked", post(b"Content-Length: 4", TE, body=b"0\r\n\r\n")),
    refused("chunked and length", post(TE, b"Content-Length: 5", body=b"0\r\n\r\n")),
    refused(
        "length hides a request from who reads chunks",
        post(b"Content-Length: %d" % (5 + len(HIDDEN)), TE, body=b"0\r\n\r\n" + HIDDEN),
    ),
    refused(
        "chunk hides a request from who reads lengths",
        post(b"Content-Length: 4", TE, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
    ),
    refused("two lengths that differ", post(b"Content-Length: 0", b"Content-Length: 5")),
    refused("two lengths, the other way", post(b"Content-Length: 5", b"Content-Length: 0")),
    refused(
        "two lengths that hide a request",
        post(b"Content-Length: 0", b"Content-Length: " + HIDDEN_SIZE, body=HIDDEN),
    ),
    refused("two equal lengths", post(b"Content-Length: 2", b"Content-Length: 2", body=b"ab")),
    refused("a list of equal lengths", post(b"Content-Length: 2, 2", body=b"ab")),
    refused("a list of lengths", post(b"Content-Length: 0, 2", body=b"ab")),
    refused("a negative length", post(b"Content-Length: -1")),
    refused("a signed length", post(b"Content-Length: +2", body=b"ab")),
    refused("a length in hex", post(b"Content-Length: 0x2", body=b"ab")),
    refused("a length with a blank in it", post(b"Content-Length: 0 2", body=b"ab")),
    refused("a length with an underscore", post(b"Content-Length: 0_2", body=b"ab")),
    refused("a length with a point", post(b"Content-Length: 2.0", body=b"ab")),
    refused("a length of other digits", post("Content-Length: \u0662".encode(), body=b"ab")),
    refused("an empty length", post(b"Content-Length:", body=b"ab")),
    refused("a quoted length", post(b'Content-Length: "2"', body=b"ab")),
    refused("a length over 64 bits", post(b"Content-Length: 18446744073709551616")),
    refused("a length that wraps at 64 bits", post(b"Content-Length: 18446744073709551618")),
    refused("a length over the limit", post(b"Content-Length: 65537"), status=413),
    refused("a length far over the limit", post(b"Content-Length: 999999999999999"), status=413),
    served(
        "a length with blanks around it",
        post(b"Content-Length: \t2 ", body=b"ab"),
        Seen("POST", "/x", b"ab"),
    ),
    served(
        "a length with zeros before it",
        post(b"Content-Length: 002", body=b"ab"),
        Seen("POST", "/x", b"ab"),
    ),
    served(
        "a body that looks like a request",
        post(b"Content-Length: " + HIDDEN_SIZE, body=HIDDEN),
        Seen("POST", "/x", HIDDEN),
    ),
    served("no length", post(), Seen("POST", "/x")),
    served("a length of zero", get(b"Content-Length: 0"), X),
]

CODINGS = [
    refused("chunked in a list", post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n")),
    refused("chunked and identity", post(b"Transfer-Encoding: chunked, identity")),
    refused("chunked is not last", post(b"Transfer-Encoding: chunked, gzip")),
    refused("identity", post(b"Transfer-Encoding: identity", b"Content-Length: 2", body=b"ab")),
    refused("identity alone", post(b"Transfer-Encoding: identity")),
    refused("an unknown coding", post(b"Transfer-Encoding: x")),
    refused("a coding that ends like chunked", post(b"Transfer-Encoding: xchunked")),
    refused("a coding that begins like chunked", post(b"Transfer-Encoding: chunkedx")),
    refused("a coding with a parameter", post(b"Transfer-Encoding: chunked;q=1")),
    refused("a quoted coding", post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n")),
    refused("an empty coding", post(b"Transfer-Encoding:", body=b"0\r\n\r\n")),
    refused("a comma before the coding", post(b"Transfer-Encoding: ,chunked", body=b"0\r\n\r\n")),
    refused("chunked twice", post(TE, TE, body=b"0\r\n\r\n")),
    refused("chunked twice in a list", post(b"Transfer-Encoding: chunked, chunked")),
    refused(
        "chunked and one more coding",
        post(TE, b"Transfer-Encoding: cow", b"Content-Length: 4", body=b"0\r\n\r\n"),
    ),
    refused(
        "a vertical tab before chunked", post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n")
    ),
    refused("chunked in HTTP/1.0", post(TE, body=b"0\r\n\r\n", version=b"HTTP/1.0")),
    refused(
        "a blank before the colon of the coding",
        post(b"Transfer-Encoding : chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    ),
    refused(
        "a folded coding",
        post(b"Transfer-Encoding:\r\n chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    ),
    served(
        "a coding in other letters",
        post(b"transfer-ENCODING: ChunKed", body=b"2\r\nab\r\n0\r\n\r\n"),
        Seen("POST", "/x", b"ab"),
    ),
    served(
        "an underscore is another name",
        post(b"Transfer_Encoding: chunked", b"Content-Length: 2", body=b"ab"),
        Seen("POST", "/x", b"ab"),
    ),
]

CHUNKS = [
    refused("a chunk size with a sign", chunked(b"+2\r\nab\r\n0\r\n\r\n")),
    refused("a chunk size with a prefix", chunked(b"0x2\r\nab\r\n0\r\n\r\n")),
    refused("a chunk size with a blank", chunked(b"2 \r\nab\r\n0\r\n\r\n")),
    refused("a chunk size behind a blank", chunked(b" 2\r\nab\r\n0\r\n\r\n")),
    refused("no chunk size", chunked(b"\r\nab\r\n0\r\n\r\n")),
    refused("a chunk size of letters", chunked(b"zz\r\nab\r\n0\r\n\r\n")),
    refused("a chunk size with an underscore", chunked(b"0_2\r\nab\r\n0\r\n\r\n")),
    refused("a chunk size over 64 bits", chunked(b"10000000000000002\r\nab\r\n0\r\n\r\n")),
    refused("a chunk size over the limit", chunked(b"10001\r\n"), status=413),
    refused("a chunk size that ends in LF", chunked(b"2\nab\r\n0\r\n\r\n")),
    refused("a chunk size that ends in CR", chunked(b"2\rab\r\n0\r\n\r\n")),
    refused("a chunk that ends in LF", chunked(b"2\r\nab\n0\r\n\r\n")),
    refused("a chunk that is longer than it says", chunked(b"2\r\nabc\r\n0\r\n\r\n")),
    refused("a chunk that is shorter than it says", chunked(b"4\r\nab\r\n0\r\n\r\n")),
    refused("a chunk with no end", chunked(b"2\r\nab0\r\n\r\n")),
    refused("an extension with a bare LF", chunked(b"2;a\nb\r\nab\r\n0\r\n\r\n")),
    refused("an extension with a bare CR", chunked(b"2;a\rb\r\nab\r\n0\r\n\r\n")),
    refused("an extension with NUL", chunked(b"2;a\x00b\r\nab\r\n0\r\n\r\n")),
    refused("an endless extension", chunked(b"2;a=" + b"b" * 5000 + b"\r\nab\r\n0\r\n\r\n")),
    refused("a trailer with a bare LF", chunked(b"0\r\nA: b\nC: d\r\n\r\n")),
    refused("a trailer with a blank before its colon", chunked(b"0\r\nA : b\r\n\r\n")),
    refused("a folded trailer", chunked(b"0\r\nA: b\r\n c\r\n\r\n")),
    refused("a trailer without a colon", chunked(b"0\r\nA\r\n\r\n")),
    refused("a trailer that is a request", chunked(b"0\r\n" + HIDDEN)),
    refused("a length in the trailer", chunked(b"0\r\nContent-Length: 40\r\n\r\n")),
    refused("the last chunk ends in LF", chunked(b"2\r\nab\r\n0\n\n")),
    served(
        "an extension",
        chunked(b"2;a=b;c\r\nab\r\n0\r\n\r\n"),
        Seen("POST", "/x", b"ab"),
    ),
    served("a trailer", chunked(b"2\r\nab\r\n0\r\nHost: b\r\n\r\n"), Seen("POST", "/x", b"ab")),
    served(
        "a chunk that looks like a request",
        chunked(b"%X\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
        Seen("POST", "/x", HIDDEN),
    ),
    served("zeros before a size", chunked(b"002\r\nab\r\n000\r\n\r\n"), Seen("POST", "/x", b"ab")),
]

LINES = [
    refused("lines that end in LF", b"GET /x HTTP/1.1\nHost: a\n\n"),
    refused("a line that ends in LF", b"GET /x HTTP/1.1\r\nHost: a\nA: b\r\n\r\n"),
    refused("the empty line ends in LF", b"GET /x HTTP/1.1\r\nHost: a\r\n\n"),
    refused("a line that ends in CR", b"GET /x HTTP/1.1\r\nHost: a\rA: b\r\n\r\n"),
    refused("a request line that ends in LF", b"GET /x HTTP/1.1\nHost: a\r\n\r\n"),
    refused("an LF that hides a length", get(b"A: b\nContent-Length: " + HIDDEN_SIZE) + HIDDEN),
    refused("a CR that hides a length", get(b"A: b\rContent-Length: " + HIDDEN_SIZE) + HIDDEN),
    refused("a folded line", get(b"A: b\r\n c")),
    refused("a line folded by a tab", get(b"A: b\r\n\tc")),
    refused("a first line that is folded", b"GET /x HTTP/1.1\r\n Host: a\r\n\r\n"),
    refused("a blank before a colon", get(b"A : b")),
    refused("a tab before a colon", get(b"A\t: b")),
    refused("a line without a colon", get(b"A")),
    refused("a line without a name", get(b": b")),
    refused("a name with a blank", get(b"A B: c")),
    refused("a name with a bracket", get(b"A(B): c")),
    refused("a name that is not ASCII", get(b"A\xe9: c")),
    refused("a name with NUL", get(b"A\x00: c")),
    refused("a value with NUL", get(b"A: b\x00c")),
    refused("a value with a control character", get(b"A: b\x01c")),
    refused("a value with DEL", get(b"A: b\x7fc")),
    refused("a value with a vertical tab", get(b"A: b\x0bc")),
    refused("two types of the body", get(b"Content-Type: a/b", b"content-type: c/d")),
    refused("two agents", get(b"User-Agent: a", b"User-Agent: a")),
    served("a key of the first WebSockets", get(b"Sec-WebSocket-Key1: 4 @1"), X),
    served("a value that is not ASCII", get(b"A: \xe9\xff"), X),
    served("an empty value", get(b"A:"), X),
    served("an empty line before", b"\r\n" + get(), X),
    refused("two empty lines before", b"\r\n\r\n" + get()),
    refused("an LF before", b"\n" + get()),
    refused("a blank before the request", b" " + get()),
]

HOSTS = [
    refused("no host", b"GET /x HTTP/1.1\r\n\r\n"),
    refused("two hosts", get(b"Host: b")),
    refused("two equal hosts", get(b"Host: a")),
    refused("a host with a path", b"GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    refused("a host with a user", b"GET /x HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    refused("a list of hosts", b"GET /x HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    refused("an empty host", b"GET /x HTTP/1.1\r\nHost:\r\n\r\n"),
    refused("a host with a bad port", b"GET /x HTTP/1.1\r\nHost: a:8o\r\n\r\n"),
    refused("a target and two hosts", get(b"Host: b", target=b"http://a/x")),
    served("a host of numbers", b"GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", X),
    served("a target with its host", get(target=b"http://b:80/x"), X),
    last("no host in HTTP/1.0", b"GET /x HTTP/1.0\r\n\r\n", X),
]

REQUEST_LINES = [
    refused("two blanks before the target", get(target=b" /x")),
    refused("two blanks behind the target", get(target=b"/x ")),
    refused("a tab before the target", b"GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a blank in the target", get(target=b"/x y")),
    refused("a blank behind the version", get(version=b"HTTP/1.1 ")),
    refused("no version", b"GET /x\r\nHost: a\r\n\r\n"),
    refused("HTTP/0.9", get(version=b"HTTP/0.9")),
    refused("HTTP/1.2", get(version=b"HTTP/1.2")),
    refused("HTTP/2.0", get(version=b"HTTP/2.0")),
    refused("HTTP/9.9", get(version=b"HTTP/9.9")),
    refused("HTTP/1.10", get(version=b"HTTP/1.10")),
    refused("HTTP/01.1", get(version=b"HTTP/01.1")),
    refused("a version in small letters", get(version=b"http/1.1")),
    refused("another protocol's version", get(version=b"RTSP/1.0")),
    refused("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    refused("a fragment", get(target=b"/x#y")),
    refused("a relative target", get(target=b"x")),
    refused("a target of another scheme", get(target=b"ftp://a/x")),
    refused("a target with a user", get(target=b"http://u@a/x")),
    refused("a target without a host", get(target=b"http:///x")),
    refused("an asterisk for GET", get(target=b"*")),
    refused("a target with a control character", get(target=b"/x\x01")),
    refused("a target that is not ASCII", get(target=b"/x\xe9")),
    refused("CONNECT", b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("CONNECT to a path", b"CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a method with NUL", b"G\x00T /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a method with a colon", b"GET: /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a method without end", b"G" * 33 + b" /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    refused("a line over its limit", get(target=b"/" + b"x" * 8200)),
    refused("a field over its limit", get(b"A: " + b"x" * 8200)),
    refused("a head over its limit", get(*[b"A%d: %b" % (n, b"x" * 4000) for n in range(5)])),
    refused("a field too many", get(*[b"A: b"] * 64)),
    refused("a handshake of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    served("as many fields as may be", get(*[b"A: b"] * 63), X),
]

UPGRADES = [
    last("an upgrade", get(*UPGRADE), X),
    last("an upgrade with a request behind it", get(*UPGRADE) + HIDDEN, X),
    last("an upgrade to another protocol", get(b"Connection: Upgrade", b"Upgrade: h2c"), X),
    refused("an upgrade with a body", get(*UPGRADE, b"Content-Length: 2") + b"ab"),
    refused("an upgrade whose body is a request", get(*UPGRADE, b"Content-Length: 35") + HIDDEN),
    refused("an upgrade with chunks", get(*UPGRADE, TE) + b"0\r\n\r\n"),
    refused("an upgrade with chunks and a request", get(*UPGRADE, TE) + b"0\r\n\r\n" + HIDDEN),
    refused("an upgrade by POST with a body", post(*UPGRADE, b"Content-Length: 2", body=b"ab")),
    refused("an upgrade with both", get(*UPGRADE, TE, b"Content-Length: 5") + b"0\r\n\r\n"),
    last("a wrong version of WebSocket", get(*UPGRADE[:2], b"Sec-WebSocket-Version: 12"), X),
    served("Upgrade without its option", get(b"Upgrade: websocket"), X),
    last("close behind an answer", get(b"Connection: close") + HIDDEN, X),
    last("close in a list", get(b"Connection: keep-alive, Close") + HIDDEN, X),
    refused("another expectation", post(b"Expect: 200-ok", b"Content-Length: 2", body=b"ab")),
]

CASES: list[Case] = [*LENGTHS, *CODINGS, *CHUNKS, *LINES, *HOSTS, *REQUEST_LINES, *UPGRADES]
