"""A reader whose gateway is gone believes the video by the keys that it has from before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.keys import KeyFile
from gateway.server import clock_ms
from room.reconcile import Verdict
from seatsync import Room, Update
from sei.flv.tags import VIDEO, Tag, file_header, write_tag
from sei.insertion.state import Encoder
from sei.wire.framing import Framing
from sei.wire.keys import public_part, write_key_set
from sei.wire.message import message_unit
from sei.wire.signature import Signer
from store.memory import MemoryStore
from tests.e2e.gateway.gateway_kit import PATIENCE_S, ROOM, running_node

RELAY = Signer(Ed25519PrivateKey.generate(), "relay")
FORGER = Signer(Ed25519PrivateKey.generate(), "relay")
STRANGER = Signer(Ed25519PrivateKey.generate(), "stranger")


class Video:
    """An FLV stream over HTTP; what is said goes to who watches and who comes later."""

    def __init__(self) -> None:
        self._said: list[bytes] = []
        self._more = asyncio.Condition()
        self._ends = False
        self.url = ""

    async def say(self, body: bytes, signer: Signer | None) -> None:
        messages = Encoder(ROOM, signer=signer).messages(body)
        units = [message_unit(message, "h264") for message in messages] + [b"\x65\x88"]
        content = b"\x17\x01\x00\x00\x00" + b"".join(map(Framing("h264", 4).frame, units))
        self._said.append(write_tag(Tag(VIDEO, 0, content)))
        async with self._more:
            self._more.notify_all()

    async def end(self) -> None:
        self._ends = True
        async with self._more:
            self._more.notify_all()

    def _is_more(self, done: int) -> bool:
        return self._ends or done < len(self._said)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "video/x-flv"})
        await response.prepare(request)
        await response.write(file_header(has_audio=False, has_video=True))
        done = 0
        while not self._ends:
            while done < len(self._said):
                await response.write(self._said[done])
                done += 1
            async with self._more:
                await self._more.wait_for(partial(self._is_more, done))
        return response


@asynccontextmanager
async def playing() -> AsyncIterator[Video]:
    video, app = Video(), web.Application()
    app.router.add_get("/live.flv", video.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        video.url = f"http://{host}:{port}/live.flv"
        yield video
    finally:
        await video.end()
        await runner.cleanup()


async def until(arrivals: AsyncIterator[Update], holds: Callable[[Update], bool]) -> Update:
    async with asyncio.timeout(PATIENCE_S):
        async for update in arrivals:
            if holds(update):
                return update
    raise AssertionError("the room was left")


def later(body: bytes, **changed: int) -> bytes:
    """The same state at another position."""
    return json.dumps(json.loads(body) | changed, separators=(",", ":")).encode()


async def test_a_signed_message_raises_the_epoch_while_the_gateway_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(write_key_set([RELAY.public]))
    settings = {"sei_keys": KeyFile(path, public_part), "poll_interval_ms": 100}
    async with AsyncExitStack() as stack:
        video = await stack.enter_async_context(playing())
        gateway = AsyncExitStack()
        stack.push_async_callback(gateway.aclose)
        node = await gateway.enter_async_context(running_node(MemoryStore(clock_ms), **settings))
        await node.live()
        room = await stack.enter_async_context(
            Room(
                node.url,
                ROOM,
                channels=("poll", "sei"),
                stream_url=video.url,
                draw=lambda: 0.01,
            )
        )
        arrivals = room.arrivals()
        polled = await until(arrivals, lambda update: update.channel == "poll")
        held, body = polled.snapshot.position, polled.snapshot.body
        async with asyncio.timeout(PATIENCE_S):
            while not len(room.sei_keys):  # noqa: ASYNC110 - the state of the client itself
                await asyncio.sleep(0)
        epoch = held.epoch + 1
        await gateway.aclose()

        await video.say(later(body, epoch=epoch), None)
        await video.say(later(body, epoch=epoch), STRANGER)
        await video.say(later(body, epoch=epoch), FORGER)
        await video.say(later(body, version=held.version + 1), None)
        await video.say(later(body, epoch=epoch), RELAY)
        told = []

        def last(update: Update) -> bool:
            if update.channel == "sei":
                told.append((update.verdict, update.signed))
            return update.signed

        shown = await until(arrivals, last)
        assert (shown.snapshot.position.epoch, shown.channel) == (epoch, "sei")
        assert told == [
            (Verdict.UNTRUSTED, False),
            (Verdict.UNTRUSTED, False),
            (Verdict.APPLIED, False),
            (Verdict.APPLIED, True),
        ]
        assert room.signatures == {"unsigned": 2, "unknown_key": 1, "invalid": 1, "valid": 1}
