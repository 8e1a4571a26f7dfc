"""One GET of an upstream with aiohttp, bounded in size and in time."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

import aiohttp
from yarl import URL

from gateway.config import MAX_BODY_BYTES
from gateway.upstream.answers import ResponseHead, check_head
from gateway.upstream.faults import UpstreamFault

CONNECTIONS_PER_HOST: Final = 128
"""Twice what the rounds use, so that they never keep a poller waiting for a connection."""
CHUNK_BYTES: Final = 16 * 1024
FIELDS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "seatsync",
}


class Received(NamedTuple):
    """A response that is of use."""

    head: ResponseHead
    body: bytes


class Fetcher:
    """The connections to all upstreams; opened at the first use, so that it may be made anywhere.

    No redirect is followed, no cookie kept, no proxy or password taken from the environment, and
    nothing is decompressed.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def get(self, url: str, etag: str | None, within_s: float) -> Received:
        """Fetch a document.

        Args:
            url: percent-encoded.
            etag: of what is held.
            within_s: for everything, from the wait for a connection to the last byte.

        Raises:
            UpstreamFault: there is no answer, or none of use.
        """
        try:
            async with asyncio.timeout(within_s):
                return await self._get(url, etag)
        except TimeoutError as error:
            raise UpstreamFault("slow") from error
        except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
            raise UpstreamFault("broken") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamFault("unreachable") from error

    async def close(self) -> None:
        """Let go of the connections; what is asked later is not answered."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    async def _get(self, url: str, etag: str | None) -> Received:
        fields = {} if etag is None else {"If-None-Match": etag}
        async with self._open().get(
            URL(url, encoded=True), headers=fields, allow_redirects=False
        ) as response:
            head = ResponseHead(
                response.status,
                *(
                    ", ".join(response.headers.getall(name, ()))
                    for name in ("Content-Type", "Content-Encoding", "ETag", "Cache-Control")
                ),
            )
            if not check_head(head, conditional=etag is not None):
                return Received(head, b"")
            return Received(head, await _read(response))  # a rest of it closes the connection

    def _open(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise UpstreamFault("unreachable")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, limit_per_host=CONNECTIONS_PER_HOST),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=FIELDS,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                auto_decompress=False,
                trust_env=False,
                read_bufsize=CHUNK_BYTES,
            )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read a body as far as it may go."""
    if (response.content_length or 0) > MAX_BODY_BYTES:
        raise UpstreamFault("too_large")
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise UpstreamFault("too_large")
    return bytes(body)
