"""A relay that runs within a test, what feeds it, and a player that reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import av

from sei.config import StreamConfig
from sei.counts import Counts
from sei.flv.reader import FlvStateReader, Sighting
from sei.flv.tags import VIDEO, Tag, TagParser, is_configuration, read_video
from sei.insertion.supply import Supply, SupplyBox
from sei.outputs.http import PlayerServer
from sei.relay.states import RoomStates
from sei.relay.stream import RelayedStream
from sei.relay.words import State


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
async def relay(
    states: States, media: Path | None = None, counts: Counts | None = None
) -> AsyncIterator[str]:
    """Run one stream as a worker does, with players; give the address of its server."""
    counts = counts or Counts()
    address = "test:" if media is None else str(media)
    config = StreamConfig(name="demo", room="demo", input=address, loop=True)
    box, known = SupplyBox(), RoomStates()
    known.subscribe("demo", config.max_message_bytes, lambda state: supply(box, state))
    stream = RelayedStream(config, box, counts)
    following = asyncio.create_task(follow(states, known))
    running = asyncio.create_task(stream.run())
    players = PlayerServer(lambda name: stream.outlet if name == "demo" else None)
    try:
        async with players.listening("127.0.0.1", 0) as port:
            yield f"http://127.0.0.1:{port}"
            await stream.stop()
            await running
    finally:
        following.cancel()
        running.cancel()
        await asyncio.wait((following, running))
        await players.close()


def supply(box: SupplyBox, state: State) -> None:
    box.newest = Supply(state.epoch, state.version, state.messages)


async def follow(states: States, known: RoomStates) -> None:
    async for item in states:
        known.offer(item)


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


async def run(media: Path) -> None:
    """Run one stream until it is over."""
    config = StreamConfig(name="demo", room="demo", input=str(media), loop=True)
    await RelayedStream(config, SupplyBox(), Counts()).run()
