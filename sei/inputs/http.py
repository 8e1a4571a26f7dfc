"""An HTTP input: HTTP-FLV, MPEG-TS, or whatever else one long answer holds."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import cache
from typing import Final
from urllib.parse import SplitResult, quote, unquote

from sei.errors import BadMedia, SourceFailed
from sei.inputs.address import Address, shown_url
from sei.inputs.container import container_of
from sei.inputs.head import read_head, with_head
from sei.inputs.http_answer import HttpAnswer
from sei.policy import MAX_REDIRECTS, REDIRECTS, check_http, check_redirect
from sei.source import Opened

CONNECT_TIMEOUT_S: Final = 5.0
STALL_TIMEOUT_S: Final = 10.0
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_KEPT: Final = "%/:=&?~#+!$,;'@()*[]|"


class HttpSource:
    """An input over HTTP or HTTPS.

    What is read ahead of who takes the chunks is bounded; then the peer has to wait.

    Args:
        address: of kind ``http``.
        redirects: hosts to which it may send us on, beside its own.
        connect_timeout_s: for the connection, names and TLS included.
        stall_timeout_s: the longest silence, that before the answer included.
    """

    def __init__(
        self,
        address: Address,
        *,
        redirects: Sequence[str] = (),
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        stall_timeout_s: float = STALL_TIMEOUT_S,
    ) -> None:
        self._url: Final = address.text
        self._redirects: Final = tuple(redirects)
        self._connect_timeout_s: Final = connect_timeout_s
        self._stall_timeout_s: Final = stall_timeout_s

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Connect, follow redirects as far as they are allowed, and look at the first bytes.

        Raises:
            SourceFailed: it does not answer, or not with a stream; another attempt may help.
            BadMedia: the address, a redirect or the container is refused.
        """
        answer = await self._answer()
        try:
            async with aclosing(answer.chunks()) as chunks:
                head = await read_head(chunks)
                container = container_of(head, answer.headers.get("content-type", ""))
                yield Opened(container, with_head(head, chunks))
        finally:
            answer.close()

    async def _answer(self) -> HttpAnswer:
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._get(check_http(url))
            if answer.status not in REDIRECTS:
                return _checked(answer)
            answer.close()
            url = check_redirect(url, answer.headers.get("location", ""), self._redirects)
        raise BadMedia(f"the input sends us on more than {MAX_REDIRECTS} times")

    async def _get(self, url: SplitResult) -> HttpAnswer:
        answer = HttpAnswer(_request(url), self._stall_timeout_s)
        try:
            await self._connect(url, answer)
            await answer.head()
        except BaseException:
            answer.close()
            raise
        return answer

    async def _connect(self, url: SplitResult, answer: HttpAnswer) -> None:
        shown = shown_url(url)
        tls = _tls() if url.scheme == "https" else None
        port = url.port or _DEFAULT_PORTS[url.scheme]
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: answer, url.hostname or "", port, ssl=tls
                )
        except TimeoutError as error:
            raise SourceFailed(f"{shown} cannot be reached in time") from error
        except UnicodeError as error:
            raise BadMedia(f"{shown} names no host") from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SourceFailed(f"{shown} cannot be reached: {reason}") from error


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _request(url: SplitResult) -> bytes:
    """Write the request; what must not stand in it was refused with the address."""
    target = quote(url.path or "/", safe=_KEPT)
    if url.query:
        target += "?" + quote(url.query, safe=_KEPT)
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {_host(url)}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        "User-Agent: seatsync",
    ]
    if url.username is not None:
        name, password = unquote(url.username), unquote(url.password or "")
        lines.append(
            f"Authorization: Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"
        )
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def _host(url: SplitResult) -> str:
    name = url.hostname or ""
    try:
        host = f"[{name}]" if ":" in name else name.encode("idna").decode()
    except UnicodeError as error:
        raise BadMedia("the address names no host") from error
    default = url.port in (None, _DEFAULT_PORTS[url.scheme])
    return host if default else f"{host}:{url.port}"


def _checked(answer: HttpAnswer) -> HttpAnswer:
    if answer.status != 200:
        answer.close()
        raise SourceFailed(f"the input answers with status {answer.status}")
    if answer.headers.get("content-encoding", "identity") != "identity":
        answer.close()
        raise SourceFailed("the input answers with a compressed stream")
    return answer
