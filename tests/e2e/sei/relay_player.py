"""A relay that runs within a test, what feeds it, and a player that reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import av

from sei.flv.reader import FlvStateReader, Sighting
from sei.flv.tags import VIDEO, Tag, TagParser, is_configuration, read_video
from sei.relay.relay import run_relay

LOOPBACK = ("127.0.0.1", 0)


@dataclass(frozen=True)
class Snapshot:
    body: bytes


def snapshot(version: int, **changed: object) -> Snapshot:
    head = {"type": "snapshot", "doc": "state", "schema": 1, "view": "anonymous", "room": "demo"}
    rest = {"epoch": 9, "version": version, "ts": 1000 + version, "note": "Ünïcode"}
    return Snapshot(json.dumps(head | rest | changed, ensure_ascii=False).encode())


@dataclass
class States:
    """Snapshots by hand; iterating ends at None."""

    queue: asyncio.Queue[Snapshot | None] = field(default_factory=asyncio.Queue)

    def put(self, *snapshots: Snapshot | None) -> States:
        for item in snapshots:
            self.queue.put_nowait(item)
        return self

    async def __aiter__(self) -> AsyncIterator[Snapshot]:
        while (item := await self.queue.get()) is not None:
            yield item


@asynccontextmanager
async def relay(states: States, media: Path | None = None) -> AsyncIterator[str]:
    """Run a relay; give the address of its stream."""
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        run_relay("demo", aiter(states), listen=LOOPBACK, media=media, on_ready=ready.set_result)
    )
    try:
        await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        yield f"http://127.0.0.1:{ready.result()}"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def playing(address: str) -> AsyncIterator[AsyncIterator[bytes]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{address}/live/demo.flv") as response,
    ):
        assert response.status == 200
        yield response.content.iter_any()


async def sightings(chunks: AsyncIterator[bytes]) -> AsyncIterator[Sighting]:
    reader = FlvStateReader("demo")
    async for chunk in chunks:
        for sighting in reader.feed(chunk):
            yield sighting
    assert reader.foreign == reader.broken == 0


async def tags_until(chunks: AsyncIterator[bytes], end_ms: int) -> list[Tag]:
    """Read tags until one is this much later than the first picture."""
    parser = TagParser()
    tags: list[Tag] = []
    start_ms: int | None = None
    async for chunk in chunks:
        for tag in parser.feed(chunk):
            tags.append(tag)
            if tag.kind == VIDEO and not is_configuration(tag):
                start_ms = tag.timestamp_ms if start_ms is None else start_ms
                if tag.timestamp_ms - start_ms >= end_ms:
                    return tags
    raise AssertionError("the stream ended")


def pictures(tags: list[Tag]) -> list[Tag]:
    return [tag for tag in tags if tag.kind == VIDEO and not is_configuration(tag)]


def is_keyframe(tag: Tag) -> bool:
    video = read_video(tag)
    return video is not None and video.is_keyframe


def encode_file(path: Path, *, codec: str = "libx264", width: int = 160) -> Path:
    options = {"preset": "ultrafast", "g": "6"}
    if codec == "libx265":
        options["x265-params"] = "log-level=none"
    with av.open(str(path), "w") as output:
        video = output.add_stream(codec, 25, options)
        video.width, video.height = width, 96
        with av.open(f"testsrc2=size={width}x96:rate=25:duration=0.48", format="lavfi") as s:
            for frame in s.decode(video=0):
                frame.pict_type = av.video.frame.PictureType.NONE
                output.mux(video.encode(frame.reformat(format="yuv420p")))
        output.mux(video.encode(None))
    return path


async def run(states: States, media: Path | None = None, port: int = 0, room: str = "demo") -> None:
    await run_relay(
        room,
        aiter(states),
        listen=("127.0.0.1", port),
        media=media,
        on_ready=lambda _port: None,
    )
