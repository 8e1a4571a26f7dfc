"""What an input is called: one string of the operator, read once. Pure.

| written | kind |
| --- | --- |
| `http://…`, `https://…` | `http`: FLV or MPEG-TS; `hls` where its path ends in `.m3u8` |
| `rtmp://host/app/name`, `rtmps://…` | `rtmp` |
| `udp://@239.1.1.1:1234`, `udp://:1234` | `udp`: MPEG-TS |
| `-` | `stdin` |
| `test:` | `test` |
| a path | `file` |

Everything else is refused. What stands before a colon counts as a scheme, so that no path is taken
for one of FFmpeg's many protocols later on; a file with a colon in its name is written `./a:b.flv`.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple
from urllib.parse import SplitResult

from sei.errors import BadMedia
from sei.policy import MAX_ADDRESS_CHARACTERS, check_http, split_address

AddressKind = Literal["http", "hls", "rtmp", "udp", "file", "stdin", "test"]
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}
_PLAYLIST: Final = (".m3u8", ".m3u")


class Address(NamedTuple):
    """An input's address, checked."""

    kind: AddressKind
    text: str
    """What to open: the whole URL, or the path of a file."""
    shown: str
    """The same for logs and people: without credentials and query."""
    host: str = ""
    port: int = 0
    path: str = ""
    """Of a URL, without its query; of a file, the path."""
    query: str = ""

    @property
    def is_flv(self) -> bool:
        """Whether it is FLV by its name alone."""
        return self.kind == "rtmp" or (
            self.kind in ("http", "file") and self.path.lower().endswith(".flv")
        )


def parse_address(text: str) -> Address:
    """Read an input's address.

    Raises:
        BadMedia: it is malformed, or of a protocol that is not taken.
    """
    if text == "-":
        return Address("stdin", text, "standard input")
    if text == "test:":
        return Address("test", text, text)
    head, colon, _ = text.partition(":")
    if not colon or "/" in head:
        return _file(text)
    scheme = head.lower()
    if scheme in ("http", "https"):
        return _http(text)
    if scheme in ("rtmp", "rtmps"):
        return _rtmp(text)
    if scheme == "udp":
        return _udp(text)
    raise BadMedia(
        f"{scheme[:20]!r} is no protocol of an input: there are http, https, rtmp, rtmps, "
        "udp, test:, - and the path of a file"
    )


def shown_url(parts: SplitResult) -> str:
    """Write a URL without what may be secret in it: credentials and query."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port is None else f":{parts.port}"
    query = "?…" if parts.query else ""
    return f"{parts.scheme}://{host}{port}{parts.path}{query}"


def _http(text: str) -> Address:
    parts = check_http(text)
    kind: AddressKind = "hls" if parts.path.lower().endswith(_PLAYLIST) else "http"
    return _of(kind, text, parts)


def _rtmp(text: str) -> Address:
    parts = split_address(text)
    if not parts.hostname:
        raise BadMedia("the address names no host")
    if not parts.path.strip("/"):
        raise BadMedia("an RTMP address is rtmp://host/application/name")
    return _of("rtmp", text, parts)


def _udp(text: str) -> Address:
    parts = split_address(text)
    if not parts.port:
        raise BadMedia("a UDP address is udp://host:port; it names no port")
    if parts.path not in ("", "/"):
        raise BadMedia("a UDP address has no path")
    return _of("udp", text, parts)


def _file(text: str) -> Address:
    if not text or "\x00" in text or len(text) > MAX_ADDRESS_CHARACTERS:
        raise BadMedia("the path of the input is empty, too long or has a zero byte")
    if text.lower().endswith(_PLAYLIST):
        raise BadMedia("a playlist on disk is no input: it may name anything; give its parts")
    return Address("file", text, text, path=text)


def _of(kind: AddressKind, text: str, parts: SplitResult) -> Address:
    return Address(
        kind,
        text,
        shown_url(parts),
        host=parts.hostname or "",
        port=parts.port or _DEFAULT_PORTS.get(parts.scheme, 0),
        path=parts.path,
        query=parts.query,
    )
