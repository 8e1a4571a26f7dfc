"""Connect to a server and look at it before anything relies on it."""

from __future__ import annotations

import logging
from typing import Final

from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError

from room.errors import Unavailable
from store.backend import Backend
from store.port import Clock, StoreUnusable
from store.redis.address import Address
from store.redis.bus import RedisBus
from store.redis.leases import RedisLeases
from store.redis.link import Link
from store.redis.script import load_all
from store.redis.store import RedisStore

OLDEST_VERSION: Final = (7, 0)
"""Scripts say before they run whether they write: a full server refuses them whole."""
LARGEST_SKEW_MS: Final = 60_000

_log: Final = logging.getLogger(__name__)


async def open_redis(url: str, clock: Clock) -> Backend:
    """Connect, check the server, and give what a gateway runs on.

    Args:
        url: ``redis://[user:password@]host[:port][/db]``; ``rediss://`` for TLS.
        clock: of this node; only compared with the server's.

    Raises:
        StoreUnusable: no address, no server there, or one that would lose or mix up rooms.
    """
    address = Address(url)
    link = Link(address)
    try:
        await _check(address, link, clock)
    except BaseException:
        await link.close()
        raise
    return Backend(RedisStore(link), RedisLeases(link), RedisBus(address, link))


async def _check(address: Address, link: Link, clock: Clock) -> None:
    try:
        facts = _parsed(await link.call("INFO"))
        flaw = _flaw(facts)
        if flaw is not None:
            raise StoreUnusable(f"{address}: {flaw}")
        seconds, microseconds = await link.call("TIME")
        await load_all(link)
    except Unavailable as error:
        raise StoreUnusable(f"{address}: {_reason(error.__cause__ or error)}") from None
    skew_ms = int(seconds) * 1000 + int(microseconds) // 1000 - clock()
    if abs(skew_ms) > LARGEST_SKEW_MS:
        _log.warning("the store's clock is far from ours", extra={"ahead_ms": skew_ms})
    if facts.get("aof_enabled") != "1":
        _log.warning("the store keeps no log of writes: a crash of it loses acknowledged commands")


def _parsed(report: bytes) -> dict[str, str]:
    """Read the lines ``name:value`` of INFO."""
    lines = (line.partition(":") for line in report.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}


def _flaw(facts: dict[str, str]) -> str | None:
    """Say what is wrong with a server, and what to do about it."""
    version = facts.get("redis_version", "")
    numbers = tuple(int(part) for part in version.split(".") if part.isdecimal())
    if numbers < OLDEST_VERSION:
        return f"it is version {version or 'unknown'}; 7.0 or newer is needed"
    if facts.get("redis_mode") == "cluster":
        return "it is a node of a cluster; a single primary is needed"
    if facts.get("role") != "master":
        return "it is a replica; give the address of the primary"
    policy = facts.get("maxmemory_policy")
    if policy != "noeviction":
        return f"maxmemory-policy is {policy}, so rooms could vanish; set it to noeviction"
    return None


def _reason(error: BaseException) -> str:
    if isinstance(error, AuthenticationError | NoPermissionError):
        return "the server refuses the credentials, or what they may do"
    if isinstance(error, BusyLoadingError):
        return "it is still loading what it keeps; try again"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return "no answer from a Redis server there"
