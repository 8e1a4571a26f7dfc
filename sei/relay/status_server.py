"""The listener for people and Prometheus: ``/``, ``/status.json``, ``/metrics``, ``/livez``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from aiohttp import web

from room.errors import CannotStart
from sei.relay.metrics import CONTENT_TYPE, write_metrics
from sei.relay.status import Status
from sei.relay.status_page import POLICY, write_page

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Server": "seatsync",
    "X-Content-Type-Options": "nosniff",
}
_CODES: Final = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
Look = Callable[[], Status]


@asynccontextmanager
async def serving_status(look: Look, listen: tuple[str, int]) -> AsyncIterator[int]:
    """Serve while the block runs; give the port.

    Raises:
        CannotStart: the address cannot be listened on.
    """
    app = web.Application(middlewares=[_problems])
    for path, content_type, write in (
        ("/", "text/html; charset=utf-8", lambda status: write_page(status).encode()),
        ("/status.json", "application/json", msgspec.json.encode),
        ("/metrics", CONTENT_TYPE, write_metrics),
    ):
        app.router.add_get(path, _answer(look, write, content_type))
    app.router.add_get("/livez", _livez)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, *listen).start()
        except OSError as error:
            host, port = listen
            raise CannotStart(f"cannot listen on {host}:{port}: {error.strerror}") from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _answer(
    look: Look, write: Callable[[Status], bytes], content_type: str
) -> Callable[[web.Request], Awaitable[web.Response]]:
    headers = {**_HEADERS, "Content-Type": content_type, "Content-Security-Policy": POLICY}

    async def answer(_request: web.Request) -> web.Response:
        # In a thread: the text for hundreds of streams takes longer than a state may be held up.
        body = await asyncio.to_thread(write, look())
        return web.Response(body=body, headers=headers)

    return answer


async def _livez(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"}, headers=_HEADERS)


@web.middleware
async def _problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer every refusal as problem+json (RFC 9457)."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        code = _CODES.get(error.status, "INVALID_ARGUMENT")
        problem = {"title": error.reason, "status": error.status, "code": code, "retryable": False}
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return web.json_response(
            problem,
            status=error.status,
            headers={**_HEADERS, **allow},
            content_type="application/problem+json",
        )
