"""Which pages may use the API: origins compared as browsers serialise them (RFC 6454 6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from room.errors import InvalidArgument

ANY: Final = "*"
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def serialise(text: str) -> str:
    """Write an origin as a browser would: lower case, and no port where it is the default.

    Raises:
        InvalidArgument: it is no origin of a web page.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise InvalidArgument(f"{text!r} is no origin") from None
    scheme, host = parts.scheme, parts.hostname
    beyond = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if scheme not in DEFAULT_PORTS or not host or not host.isascii() or beyond:
        raise InvalidArgument(f"{text!r} is no origin: SCHEME://HOST or SCHEME://HOST:PORT")
    shown = f"[{host}]" if ":" in host else host
    if port in (None, DEFAULT_PORTS[scheme]):
        return f"{scheme}://{shown}"
    return f"{scheme}://{shown}:{port}"


class Origins:
    """The pages that are let in: those of the list, and this server's own.

    Args:
        allowed: serialised, or ``*``.
        public_url: where clients reach this service, if that is known.
    """

    def __init__(self, allowed: Iterable[str], public_url: str | None) -> None:
        self._allowed = frozenset(allowed)
        self._own = None if public_url is None else _origin_of(public_url)

    def admits(self, origin: str, host: str, scheme: str) -> bool:
        """Tell whether a page may come here.

        Args:
            origin: the ``Origin`` of its request, which must be of the very form that browsers
                send: no other case, no default port.
            host: the ``Host`` of the request; empty where there is none.
            scheme: by which it came to this server.
        """
        return (
            origin in self._allowed
            or ANY in self._allowed
            or origin == self._own
            or origin in self._of_host(host, scheme)
        )

    def _of_host(self, host: str, scheme: str) -> tuple[str, ...]:
        """Give what this server's own pages would call themselves.

        Without a public address both schemes count: TLS may end at a proxy, and then the request
        comes by another scheme than the page.
        """
        schemes = tuple(DEFAULT_PORTS) if self._own is None else (scheme,)
        return _of(host, schemes)


@lru_cache(maxsize=256)
def _of(host: str, schemes: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(serialise(f"{name}://{host}") for name in schemes)
    except InvalidArgument:
        return ()


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return serialise(f"{parts.scheme}://{parts.netloc}")
