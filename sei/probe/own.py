"""Read an output of our own as a player would, without an address or a network."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from sei.errors import SourceFailed
from sei.outputs.http import PlayerServer
from sei.outputs.outlet import Outlet
from sei.probe.fetch import Fetch, Fetched

HOST: Final = "own.invalid"
"""Stands for ourselves in addresses (RFC 6761 6.4: never that of anybody)."""
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
_PIECE_BYTES: Final = 64 * 1024


class OwnPlayers:
    """A players' server for one stream that the probe alone connects to.

    Args:
        name: of the stream.
        outlet: what it offers.
    """

    def __init__(self, name: str, outlet: Outlet) -> None:
        self._server: Final = PlayerServer({name: outlet}.get)

    @property
    def fetch(self) -> Fetch:
        """What fetches from it: the path of an address counts alone."""
        return self._fetch

    async def close(self) -> None:
        """Cut off whoever reads."""
        await self._server.close()

    @asynccontextmanager
    async def _fetch(self, url: str) -> AsyncIterator[Fetched]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            self._server.adopt(theirs)
            request = f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: {HOST}\r\n"
            writer.write(f"{request}Connection: close\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            status = _STATUS.match(head)
            if status is None or status[1] != b"200":
                said = head.partition(b"\r\n")[0].decode("ascii", "replace")
                raise SourceFailed(f"our own output answers {said}")
            yield Fetched(url, _pieces(reader))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise SourceFailed("our own output broke off") from error
        finally:
            writer.transport.abort()


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await reader.read(_PIECE_BYTES):
        yield piece
