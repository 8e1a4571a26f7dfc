"""What is no HTTP gets a problem of fixed text; nothing that a peer sent is echoed or logged."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.api.problems import problem_response
from room.errors import Malformed, Unavailable

log = logging.getLogger(__name__)


class PublicHandler(RequestHandler):
    """A connection whose parse errors say nothing of the software and repeat nothing."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read, or what broke before any handler was reached; close.

        The library's own answer holds the offending bytes and its version, its log line the bytes:
        a token on a broken line would be in both.

        Raises:
            ConnectionError: an answer was begun already.
        """
        if status < 500:
            log.debug("a request could not be read", extra={"cause": type(exc).__name__})
        else:
            log.error("a connection failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        error = Malformed("this is no HTTP request") if status < 500 else Unavailable("try again")
        response = problem_response(error)
        response.force_close()
        return response


class PublicServer(web.Server):
    """Makes a ``PublicHandler`` for each connection."""

    def __call__(self) -> RequestHandler:
        """Give the protocol of a new connection."""
        return PublicHandler(self, loop=self._loop, **self._kwargs)


class PublicRunner(web.AppRunner):
    """Runs an application on a ``PublicServer``."""

    async def _make_server(self) -> web.Server:
        # aiohttp has no public way to say which class answers parse errors.
        server = await super()._make_server()
        server.__class__ = PublicServer
        return server
