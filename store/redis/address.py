"""Where the server is, and how connections to it behave; the only place that knows the password."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from store.port import StoreUnusable

CONNECT_TIMEOUT_S: Final = 0.5
_DEFAULT_PORT: Final = 6379
_DATABASE: Final = re.compile(r"/?|/[0-9]{1,4}", re.ASCII)


class Address:
    """``redis://[user:password@]host[:port][/db]``, ``rediss://`` for TLS; shown without password.

    Raises:
        StoreUnusable: it is none.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            settings: dict[str, Any] = dict(parse_url(url))
            host, port = parts.hostname, parts.port
        except ValueError:  # its text may quote the password
            raise StoreUnusable("not an address: redis://host:port/db is one") from None
        self.database: Final = int(settings.get("db", 0))
        place = parts.path if parts.scheme == "unix" else f"{host}:{port or _DEFAULT_PORT}"
        self._name: Final = f"{parts.scheme}://{place}/{self.database}"
        if parts.scheme != "unix" and not (host and _DATABASE.fullmatch(parts.path)):
            raise StoreUnusable(f"{self._name} is no address: redis://host:port/db is one")
        self._class: Final = settings.pop("connection_class", Connection)
        if parts.scheme != "unix":
            settings["socket_keepalive"] = True
        self._settings: Final = settings
        try:
            self.connection()
        except (TypeError, ValueError):
            raise StoreUnusable(f"{self._name}: an option after the ? is unknown") from None

    def __str__(self) -> str:
        return self._name

    def connection(self) -> AbstractConnection:
        """Make a connection, not connected yet.

        It never tries anything again by itself: the library's default sends a write once more when
        its reply was lost. Deadlines are the caller's, over whole exchanges, hence none a read.
        """
        connection: AbstractConnection = self._class(
            **{
                **self._settings,
                "socket_timeout": None,
                "socket_connect_timeout": CONNECT_TIMEOUT_S,
                "retry": Retry(NoBackoff(), 0),
                "retry_on_timeout": False,
                "retry_on_error": [],
                "health_check_interval": 0,
                "protocol": 2,
                "decode_responses": False,
                "client_name": "seatsync",
                "driver_info": None,
            }
        )
        return connection


async def connect(connection: AbstractConnection) -> None:
    """Connect and introduce ourselves, unless it is connected.

    Raises:
        RedisError, OSError: nobody there, or we are refused.
    """
    if not connection.is_connected:
        await connection.connect()  # type: ignore[no-untyped-call]  # redis-py left it bare
