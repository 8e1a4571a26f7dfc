"""Which channels a caller should use now, best first (PROTOCOL.md 3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from cachetools import LRUCache

from gateway.config import Config
from gateway.tokens.bearer import Bearer
from room import wire
from room.errors import InvalidArgument
from room.messages import Plan, PlannedChannel

TTL_MS: Final = 60_000
SEI_FORMAT: Final = "flv"
"""The container that readers of the SEI channel take apart."""

REMEMBERED_PLANS: Final = 4096

_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII
)


def base_url(config: Config, scheme: str, host: str) -> str:
    """Say where this caller reaches the service, without a slash at the end.

    Where no public address is configured it is what the caller itself used; headers that a proxy
    may have set are not trusted, for anybody may set them.

    Args:
        config: of this gateway.
        scheme: by which the request came.
        host: its ``Host``.

    Raises:
        InvalidArgument: the ``Host`` is none.
    """
    if config.public_url is not None:
        return config.public_url
    if _HOST.fullmatch(host) is None:
        raise InvalidArgument("the Host header names no host")
    return f"{scheme}://{host}"


class Planner:
    """Plans by what this gateway was told at start.

    Args:
        config: of this gateway.
        pace: how often a reader should poll from now on, in ms; None: as configured.
    """

    def __init__(self, config: Config, pace: Callable[[], int] | None = None) -> None:
        self._config = config
        self._pace = pace or (lambda: config.poll_interval_ms)
        self._encoded: LRUCache[tuple[str, str, bool, int], bytes] = LRUCache(REMEMBERED_PLANS)

    def plan(self, room: str, bearer: Bearer, base: str) -> Plan:
        """Say which channels a caller should use in a room.

        Args:
            room: a checked room id.
            bearer: who asks; push is first for whoever has a token, since they may sit, and for
                others only where that is configured.
            base: where this caller reaches the service, without a slash at the end.
        """
        return self._plan(room, base, self._is_pushed(bearer), self._pace())

    def encoded(self, room: str, bearer: Bearer, base: str) -> bytes:
        """Give the bytes of ``plan``, which is made once for all to whom it says the same."""
        key = (room, base, self._is_pushed(bearer), self._pace())
        encoded = self._encoded.get(key)
        if encoded is None:
            encoded = self._encoded[key] = wire.encode(self._plan(*key))
        return encoded

    def _is_pushed(self, bearer: Bearer) -> bool:
        return bearer.actor is not None or self._config.anonymous_push

    def _plan(self, room: str, base: str, pushed: bool, interval_ms: int) -> Plan:
        home = f"{base}/v1/rooms/{room}"
        push = (
            PlannedChannel(channel="ws", url=_socket_url(f"{home}/push")),
            PlannedChannel(channel="sse", url=f"{home}/events"),
        )
        poll = PlannedChannel(channel="poll", url=f"{home}/state", interval_ms=interval_ms)
        channels = (*(push if pushed else ()), poll, *self._sei(room))
        return Plan(channels=channels, ttl_ms=TTL_MS)

    def _sei(self, room: str) -> tuple[PlannedChannel, ...]:
        """Give the first stream that can be read for its state, if there is one."""
        for stream in self._config.streams:
            if stream.format == SEI_FORMAT:
                return (PlannedChannel(channel="sei", url=stream.url_of(room)),)
        return ()


def _socket_url(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws"))
