"""An HTTP input: HTTP-FLV, MPEG-TS, or whatever else one long answer holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

import aiohttp
from yarl import URL

from sei.errors import BadMedia, SourceFailed
from sei.inputs.address import Address, shown_url
from sei.inputs.container import container_of
from sei.inputs.head import read_head, with_head
from sei.inputs.policy import MAX_REDIRECTS, check_http, check_redirect
from sei.inputs.source import Opened

CONNECT_TIMEOUT_S: Final = 5.0
STALL_TIMEOUT_S: Final = 10.0
_READ_AHEAD_BYTES: Final = 64 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "seatsync"}


class HttpSource:
    """An input over HTTP or HTTPS.

    At most twice 64 KiB are read ahead of who takes the chunks; then the peer has to wait.

    Args:
        address: of kind ``http``.
        redirects: hosts to which it may send us on, beside its own.
        connect_timeout_s: for the connection, TLS included.
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
        self._stall_timeout_s: Final = stall_timeout_s
        self._timeout: Final = aiohttp.ClientTimeout(
            total=None, sock_connect=connect_timeout_s, connect=None, sock_read=stall_timeout_s
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Connect, follow redirects as far as they are allowed, and look at the first bytes.

        Raises:
            SourceFailed: it does not answer, or not with a stream; another attempt may help.
            BadMedia: the address, a redirect or the container is refused.
        """
        check_http(self._url)
        async with aiohttp.ClientSession(
            timeout=self._timeout,
            headers=_HEADERS,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_READ_AHEAD_BYTES,
        ) as session:
            answer = await self._answer(session)
            try:
                async with aclosing(self._chunks(answer)) as chunks:
                    head = await read_head(chunks)
                    container = container_of(head, answer.headers.get("Content-Type", ""))
                    yield Opened(container, with_head(head, chunks))
            finally:
                answer.close()

    async def _answer(self, session: aiohttp.ClientSession) -> aiohttp.ClientResponse:
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._get(session, url)
            if answer.status not in _REDIRECTS:
                return _checked(answer)
            answer.close()
            url = check_redirect(url, answer.headers.get("Location", ""), self._redirects)
        raise BadMedia(f"the input sends us on more than {MAX_REDIRECTS} times")

    async def _get(self, session: aiohttp.ClientSession, url: str) -> aiohttp.ClientResponse:
        shown = shown_url(check_http(url))
        try:
            return await session.get(URL(url, encoded=True), allow_redirects=False)
        except aiohttp.InvalidURL as error:
            raise BadMedia(f"{shown} is no address") from error
        except TimeoutError as error:
            raise SourceFailed(f"{shown} does not answer in time") from error
        except aiohttp.ClientConnectorError as error:
            reason = error.os_error.strerror or type(error).__name__
            raise SourceFailed(f"{shown} cannot be reached: {reason}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SourceFailed(f"{shown} gives no answer: {type(error).__name__}") from error

    async def _chunks(self, answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in answer.content.iter_any():
                yield chunk
        except TimeoutError as error:
            raise SourceFailed(f"the input is silent for {self._stall_timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SourceFailed(f"the input broke off: {type(error).__name__}") from error


def _checked(answer: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
    if answer.status != 200:
        answer.close()
        raise SourceFailed(f"the input answers with status {answer.status}")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        answer.close()
        raise SourceFailed("the input answers with a compressed stream")
    return answer
