"""Read HTTP answers with suspicion: bounds, refusals, and errors of the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import msgspec

from room import wire
from room.errors import SeatsyncError
from room.position import Position
from seatsync.errors import SourceEnded

PROBLEM_TYPE: Final = "application/problem+json"
_MAX_PROBLEM_BYTES: Final = 64 * 1024
_MAX_SECONDS: Final = 1_000_000


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """An error as the gateway words it (RFC 9457, PROTOCOL.md 3)."""

    code: str
    retryable: bool = False
    retry_after_ms: int | None = None
    title: str | None = None
    detail: str | None = None
    message: str | None = None
    epoch: int | None = None
    version: int | None = None

    @property
    def sentence(self) -> str:
        """What it says to a person."""
        return self.message or self.detail or self.title or self.code

    @property
    def position(self) -> Position | None:
        """Where ``state`` stood, where the gateway said so."""
        if self.epoch is None or self.version is None:
            return None
        return Position(self.epoch, self.version)


_PROBLEM: Final = msgspec.json.Decoder(ProblemBody)


async def read_bounded(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """Read a body, inflated, of at most so many bytes.

    Raises:
        SourceEnded: it is larger.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > max_bytes:
            raise SourceEnded(f"the answer is larger than {max_bytes} bytes")
    return bytes(body)


async def read_problem(response: aiohttp.ClientResponse) -> ProblemBody | None:
    """Read the gateway's own error; None where somebody else answered."""
    if response.content_type != PROBLEM_TYPE:
        return None
    body = await read_bounded(response, _MAX_PROBLEM_BYTES)
    try:
        return wire.read(_PROBLEM, body)
    except SeatsyncError:
        return None  # of that type by name only: judged by its status alone


async def refusal(response: aiohttp.ClientResponse) -> SourceEnded:
    """Say what an answer other than the one hoped for means.

    Only the gateway itself, by a problem document, can end a channel for good: a proxy that answers
    404 may be another one in a minute.
    """
    problem = await read_problem(response)
    hint_ms = hinted_ms(response.headers)
    if problem is None:
        return SourceEnded(f"HTTP status {response.status}", retry_after_ms=hint_ms)
    return SourceEnded(
        f"{problem.code}: {problem.sentence}",
        permanent=not problem.retryable,
        retry_after_ms=hint_ms if problem.retry_after_ms is None else problem.retry_after_ms,
        code=problem.code,
    )


def hinted_ms(headers: Mapping[str, str]) -> int | None:
    """Read ``Retry-After`` of an answer that came just now."""
    value = headers.get("Retry-After")
    return None if value is None else retry_after_ms(value, datetime.now(UTC))


def retry_after_ms(value: str, now: datetime) -> int | None:
    """Read a ``Retry-After`` field: seconds or a date (RFC 9110 10.2.3).

    Returns:
        The wait, not below 0; None where the value is neither.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:16]), _MAX_SECONDS) * 1000
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)  # "-0000": the standard's way to say UTC
    return max(0, int((date - now).total_seconds() * 1000))


@contextmanager
def network_errors_end_the_source() -> Iterator[None]:
    """Turn every error of the network, and of HTTP, into ``SourceEnded``.

    The foreign error is not chained: it holds the request's headers, and with them the token.

    Raises:
        SourceEnded: one of them arose inside.
    """
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        raise _refused_handshake(error) from None
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        raise SourceEnded(describe(error)) from None


def describe(error: aiohttp.ClientError | OSError) -> str:
    """Name an error of the network without its request."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect: {error.strerror or type(error.os_error).__name__}"
    return f"connection lost ({type(error).__name__})"


def _refused_handshake(error: aiohttp.WSServerHandshakeError) -> SourceEnded:
    headers: Mapping[str, str] = error.headers or {}
    by_gateway = headers.get("Content-Type", "").startswith(PROBLEM_TYPE)
    return SourceEnded(
        f"the upgrade was refused with HTTP status {error.status}",
        permanent=by_gateway and error.status in _FINAL,
        retry_after_ms=hinted_ms(headers),
        code=_FINAL.get(error.status, "UNAVAILABLE") if by_gateway else "UNAVAILABLE",
    )


_FINAL: Final[dict[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "ROOM_NOT_FOUND",
    426: "UPGRADE_REQUIRED",
}
"""Statuses that the gateway itself, asked the same again, would answer again."""
