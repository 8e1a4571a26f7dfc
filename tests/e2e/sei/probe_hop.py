"""A hop between the relay and its players that can be told to do harm."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from sei.flv.tags import TagParser, file_header, read_video, write_tag
from sei.wire.framing import Framing
from sei.wire.message import remove_messages


class Hop:
    """A CDN that passes a stream on, and takes our messages out while it is told to."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.strips = False
        self.files: dict[str, bytes] = {}
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.files:
            return web.Response(body=self.files[request.path])
        if request.path == "/away.flv":
            raise web.HTTPFound("http://elsewhere.example/live.flv")
        if request.path != "/live.flv":
            raise web.HTTPNotFound
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(file_header(has_audio=True, has_video=True))
        parser = TagParser()
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.origin) as origin,
        ):
            async for chunk in origin.content.iter_any():
                for tag in parser.feed(chunk):
                    video = read_video(tag)
                    if self.strips and video is not None and video.part == "access_unit":
                        kept, _ = remove_messages(video.content, Framing(video.codec, 4))
                        head = tag.body[: len(tag.body) - len(video.content)]
                        await answer.write(write_tag(tag._replace(body=head + kept)))
                    else:
                        await answer.write(write_tag(tag))
        return answer


@asynccontextmanager
async def hop(origin: str = "") -> AsyncIterator[Hop]:
    """Serve what an address gives at ``/live.flv``; the address may be set later."""
    made = Hop(origin)
    app = web.Application()
    app.router.add_get("/{path:.*}", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        made.url = f"http://{host}:{port}"
        yield made
    finally:
        await runner.cleanup()
