"""Errors as ``application/problem+json`` (RFC 9457); what failed inside stays in the log."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from gateway.retry import hinted
from room import wire
from room.errors import SeatsyncError, Unavailable
from room.messages import problem

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PLAIN_HEADERS: Final = {"Server": "seatsync", "X-Content-Type-Options": "nosniff"}
"""What every answer has: no version to look up, and no guessing of its type."""


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an error."""

    type: str
    title: str
    status: int
    code: str
    retryable: bool
    retry_after_ms: int | msgspec.UnsetType = msgspec.UNSET
    epoch: int | msgspec.UnsetType = msgspec.UNSET
    version: int | msgspec.UnsetType = msgspec.UNSET


def problem_response(error: SeatsyncError) -> web.Response:
    """Turn an error into a response; where a retry may help it says when."""
    words = problem(hinted(error))
    details = ProblemDetails(
        type=f"urn:seatsync:error:{error.code}",
        title=words.message,
        status=error.travel.status,
        code=words.code,
        retryable=words.retryable,
        retry_after_ms=words.retry_after_ms,
        epoch=words.epoch,
        version=words.version,
    )
    response = web.Response(
        status=error.travel.status,
        body=wire.encode(details),
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store", **PLAIN_HEADERS},
    )
    if error.retry_after_ms is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after_ms / 1000))
    if error.travel.status == 426:
        response.headers["Upgrade"] = "websocket"
    if error.travel.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error in one form; what nobody expected is logged and told as unavailable."""
    try:
        return await handler(request)
    except SeatsyncError as error:
        return problem_response(error)
    except web.HTTPException as error:
        response = problem_response(_from_aiohttp(error))
        if isinstance(error, web.HTTPMethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return response
    except ConnectionError as error:
        log.debug("the peer is gone", extra={"cause": repr(error)})
        return web.Response(status=400)  # nobody reads it
    except Exception:
        log.exception("a handler failed", extra={"path": request.rel_url.raw_path[:200]})
        return problem_response(Unavailable("something went wrong here"))


_FROM_STATUS: Final = {
    404: ("NOT_FOUND", "there is nothing here"),
    405: ("METHOD_NOT_ALLOWED", "that method does nothing here"),
    413: ("TOO_LARGE", "the body is over 64 KB"),
}


def _from_aiohttp(error: web.HTTPException) -> SeatsyncError:
    code, message = _FROM_STATUS.get(error.status, ("INVALID_ARGUMENT", "the request is not valid"))
    return SeatsyncError(message, code=code)
