"""A gateway as a running server: it listens, says when it is ready, and leaves in order."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from gateway.app import LIMITS, metrics_app, public_app
from gateway.config import BACKLOG, RETRY_SPREAD_MS, Address, Config
from gateway.edge.date import DateLine
from gateway.edge.front import front
from gateway.edge.listener import CannotListen, bind, listening
from gateway.gateway import Gateway, assemble
from store.backend import Backend

__all__ = ["CannotListen", "Running", "clock_ms", "random_id", "serving"]

log = logging.getLogger(__name__)

CLEANUP_S = 1.0
SETTLE_S = 1.0
"""For what was accepted and is on its way to the store after the connections have left."""


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
        metrics_address = await _listen(stack, metrics_app(gateway), config.metrics_listen)
        behind = await _run(stack, public_app(gateway), **LIMITS)
        house = front(gateway, behind, DateLine(gateway.clock_ms))
        address = await stack.enter_async_context(listening(house, config.listen))
        stack.push_async_callback(_drain, gateway)
        log.info("serving", extra={"listen": str(address), "metrics": str(metrics_address)})
        yield Running(gateway, address, metrics_address)


async def _run(
    stack: AsyncExitStack, app: web.Application, **limits: Any
) -> Callable[[], asyncio.Protocol]:
    """Run an application that listens nowhere; gives what makes its connections."""
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=CLEANUP_S, **limits)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    if runner.server is None:
        raise AssertionError("a runner that was set up has a server")
    return runner.server


async def _listen(stack: AsyncExitStack, app: web.Application, address: Address) -> Address:
    make = await _run(stack, app, access_log=None)
    listener = bind(address)
    server = await asyncio.get_running_loop().create_server(make, sock=listener, backlog=BACKLOG)
    stack.callback(server.close)
    return Address(address.host, listener.getsockname()[1])


async def _drain(gateway: Gateway) -> None:
    log.info("draining", extra={"connections": len(gateway.connections)})
    gateway.waiting.release_all()
    await gateway.connections.drain(
        gateway.config.drain_s,
        RETRY_SPREAD_MS,
        random.Random(),  # noqa: S311 - spread
    )
