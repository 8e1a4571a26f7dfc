"""Commands without following the room."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from seatsync.access import open_access
from seatsync.commands import CommandSender


@asynccontextmanager
async def sending(base_url: str, room: str, token: str | None) -> AsyncIterator[CommandSender]:
    """Give what sends commands to a room, for as long as the context is open.

    Raises:
        InvalidArgument: an argument cannot be used.
    """
    access = open_access(base_url, room, token)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield CommandSender(session, access, secrets.SystemRandom().random)
