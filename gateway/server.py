"""A gateway as a running server: it listens, says when it is ready, and leaves in order."""

from __future__ import annotations

import logging
import random
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from gateway.api.broken import PublicRunner
from gateway.app import LIMITS, metrics_app, public_app
from gateway.config import BACKLOG, RETRY_SPREAD_MS, Address, Config
from gateway.gateway import Gateway, assemble
from room.errors import CannotStart
from store.backend import Backend

log = logging.getLogger(__name__)

CLEANUP_S = 1.0
SETTLE_S = 1.0
"""For what was accepted and is on its way to the store after the connections have left."""


class CannotListen(CannotStart):
    """An address can't be listened on; the message says which and why."""


class Running(NamedTuple):
    """A server that is up."""

    gateway: Gateway
    address: Address
    metrics_address: Address


def clock_ms() -> int:
    """Wall clock in ms since 1970."""
    return time.time_ns() // 1_000_000


def random_id() -> str:
    """A fresh id of 96 random bits."""
    return secrets.token_hex(12)


@asynccontextmanager
async def serving(config: Config, backend: Backend) -> AsyncIterator[Running]:
    """Run a gateway on a backend for as long as the context is open, then drain it.

    On the way out the node says it is not ready, tells every connection when to come back, and
    carries through what it has accepted. The store is closed last.

    Raises:
        CannotListen: an address is taken or not this machine's.
    """
    async with AsyncExitStack() as stack:
        stack.push_async_callback(backend.store.close)
        gateway = assemble(
            config, backend, clock_ms=clock_ms, monotonic_s=time.monotonic, new_id=random_id
        )
        stack.callback(gateway.audit.close)
        stack.push_async_callback(gateway.tasks.settle, SETTLE_S)
        stack.callback(gateway.tasks.spawn(gateway.run()).cancel)
        metrics_address = await _listen(
            stack, metrics_app(gateway), config.metrics_listen, access_log=None
        )
        address = await _listen(stack, public_app(gateway), config.listen, **LIMITS)
        stack.push_async_callback(_drain, gateway)
        log.info("serving", extra={"listen": str(address), "metrics": str(metrics_address)})
        yield Running(gateway, address, metrics_address)


async def _listen(
    stack: AsyncExitStack, app: web.Application, address: Address, **limits: Any
) -> Address:
    runner = PublicRunner(app, handle_signals=False, shutdown_timeout=CLEANUP_S, **limits)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    listener = _bind(address)
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    return Address(address.host, listener.getsockname()[1])


def _bind(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen on {address}: {error.strerror}") from error
    return listener


async def _drain(gateway: Gateway) -> None:
    log.info("draining", extra={"connections": len(gateway.connections)})
    gateway.waiting.release_all()
    await gateway.connections.drain(
        gateway.config.drain_s,
        RETRY_SPREAD_MS,
        random.Random(),  # noqa: S311 - spread
    )
