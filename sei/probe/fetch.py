"""Fetch what a CDN serves, under the policy of inputs: no other scheme, no other host."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NamedTuple

import aiohttp

from sei.errors import BadMedia, SourceFailed
from sei.policy import MAX_REDIRECTS, REDIRECTS, check_http, check_redirect

_TIMEOUT: Final = aiohttp.ClientTimeout(connect=10.0, sock_read=10.0)


class Fetched(NamedTuple):
    """An answer."""

    url: str
    """Where it came from in the end; what it names is relative to that."""
    chunks: AsyncIterator[bytes]


Fetch = Callable[[str], AbstractAsyncContextManager[Fetched]]
"""Gives what is at an address; raises ``SourceFailed`` or ``BadMedia``, also in the midst."""


def fetch_over_http(session: aiohttp.ClientSession, allowed_hosts: Sequence[str] = ()) -> Fetch:
    """Make what fetches over HTTP.

    Args:
        session: to connect by.
        allowed_hosts: to which the address may redirect beside its own.
    """

    @asynccontextmanager
    async def fetch(url: str) -> AsyncIterator[Fetched]:
        check_http(url)
        for _ in range(MAX_REDIRECTS + 1):
            try:
                async with session.get(url, allow_redirects=False, timeout=_TIMEOUT) as response:
                    if response.status == 200:
                        yield Fetched(url, _chunks(response))
                        return
                    url = _next(url, response, allowed_hosts)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise SourceFailed(f"no answer: {_described(error)}") from None
        raise BadMedia("the address redirects too often")

    return fetch


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise SourceFailed(f"the answer broke off: {_described(error)}") from None


def _next(url: str, response: aiohttp.ClientResponse, allowed_hosts: Sequence[str]) -> str:
    location = response.headers.get("Location")
    if response.status not in REDIRECTS or location is None:
        raise SourceFailed(f"HTTP status {response.status}")
    return check_redirect(url, location, allowed_hosts)


def _described(error: Exception) -> str:
    """Name an error of the network without its request, which may hold a secret."""
    if isinstance(error, TimeoutError):
        return "not in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.errno or 0  # negative where the name is not known
        return os.strerror(number).lower() if number > 0 else "the host is not known"
    return type(error).__name__
