"""A reader of HTTP that forgives as many servers have: the tests of smuggling must catch it."""

from __future__ import annotations

import asyncio
import re

from tests.unit.gateway_edge.smuggling_corpus import Seen

_BLANK = re.compile(rb"\r?\n\r?\n")
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class LenientReader(asyncio.Protocol):
    """Takes bare LF for an end of line, and the first length before any coding."""

    def __init__(self, seen: list[Seen]) -> None:
        self._seen = seen
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while self._read_one():
            pass

    def _read_one(self) -> bool:
        self._held = self._held.lstrip(b"\r\n")
        match = _BLANK.search(self._held)
        if match is None:
            return False
        request, *lines = re.split(rb"\r?\n", self._held[: match.start()])
        behind = self._held[match.end() :]
        body, self._held = _split(lines, behind)
        words = request.split()
        self._seen.append(Seen(words[0].decode("latin-1"), words[1].decode("latin-1"), body))
        self._transport.write(_OK)  # type: ignore[attr-defined]  # of either loop's class
        if b"close" in b"".join(lines).lower():
            self._transport.close()
            return False
        return bool(self._held)


def _split(lines: list[bytes], behind: bytes) -> tuple[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        fields.setdefault(name.strip().lower(), value.strip())
    length = re.match(rb"\+?\d+", fields.get(b"content-length", b""))
    if length is not None:
        size = int(length[0])
        return behind[:size], behind[size:]
    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        body, _, rest = behind.partition(b"0\r\n\r\n")
        return body, rest
    return b"", behind
