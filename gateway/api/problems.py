"""Errors of aiohttp's handlers, in the one form that all errors have."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from gateway.problems import CONTENT_TYPE, PLAIN_HEADERS, ProblemDetails, describe
from room.errors import SeatsyncError, Unavailable

__all__ = ["PLAIN_HEADERS", "ProblemDetails", "problem_response", "problems"]

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def problem_response(error: SeatsyncError) -> web.Response:
    """Turn an error into a response; where a retry may help it says when."""
    status, headers, body = describe(error)
    return web.Response(status=status, body=body, content_type=CONTENT_TYPE, headers=headers)


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
