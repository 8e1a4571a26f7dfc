"""The room page: a fixed set of files, read at start; no path of a request reaches the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from aiohttp import web

CONTENT_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
FOLDERS: Final = ("page", "client")

_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class File(NamedTuple):
    """One file of the page, ready to send."""

    body: bytes
    content_type: str
    etag: str


def routes() -> list[web.RouteDef]:
    """Give a route for each file of ``web/page`` and ``web/client``, and ``/`` for the page."""
    files = _read_files(resources.files("web"))
    paths = {"/": files["/page/index.html"], **files}
    return [web.get(path, _sender(file)) for path, file in paths.items()]


def _read_files(top: Traversable) -> dict[str, File]:
    files: dict[str, File] = {}
    for folder in FOLDERS:
        for entry in (top / folder).iterdir():
            content_type = CONTENT_TYPES.get(entry.name.rpartition(".")[2])
            if content_type is not None:
                body = entry.read_bytes()
                etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                files[f"/{folder}/{entry.name}"] = File(body, content_type, etag)
    return files


def _sender(file: File) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def send(request: web.Request) -> web.Response:
        headers = {**_HEADERS, "ETag": file.etag, "Content-Type": file.content_type}
        if request.headers.get("If-None-Match") == file.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, headers=headers)

    return send
