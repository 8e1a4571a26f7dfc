"""A stream with messages inside, as tags; a server of it; players that read what it gives."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
import uvloop

from sei.files.inject import inject
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import (
    SCRIPT,
    Tag,
    TagParser,
    file_header,
    is_configuration,
    read_video,
    write_tag,
)
from sei.outputs.fanout import LiveStream
from sei.outputs.http import PlayerServer
from sei.outputs.outlet import Outlet
from sei.outputs.shelf import Shelf

PATIENCE_S = 30.0


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on asyncio's event loop, and on uvloop."""

    @functools.wraps(test)
    def run(*, new_loop: Callable[[], asyncio.AbstractEventLoop], **arguments: Any) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(test(**arguments))

    signature = inspect.signature(test)
    loop = inspect.Parameter("new_loop", inspect.Parameter.KEYWORD_ONLY)
    parameters = [*signature.parameters.values(), loop]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # pytest reads it
    loops = [asyncio.new_event_loop, uvloop.new_event_loop]
    return pytest.mark.parametrize("new_loop", loops, ids=["asyncio", "uvloop"])(run)


def stream_tag(tag: Tag) -> StreamTag:
    video = read_video(tag)
    return StreamTag(
        tag.kind,
        tag.timestamp_ms,
        tag.kind == SCRIPT or is_configuration(tag),
        video is not None and video.is_keyframe and video.part == "access_unit",
        write_tag(tag),
    )


def tags_of(path: Path) -> list[StreamTag]:
    return [stream_tag(tag) for tag in TagParser().feed(path.read_bytes())]


def state(version: int) -> bytes:
    head = {"type": "snapshot", "doc": "state", "schema": 1, "view": "anonymous", "room": "demo"}
    rest = {"epoch": 9, "version": version, "ts": 1000 + version, "note": "Ünïcode"}
    return json.dumps(head | rest, ensure_ascii=False).encode()


def encode_source(
    path: Path, *, seconds: float = 2, codec: str = "libx264", size: str = "160x96", group: int = 12
) -> Path:
    """Make a stream with B-frames and sound."""
    options = {"preset": "ultrafast", "threads": "1", "g": str(group), "bf": "2"}
    if codec == "libx265":
        options = {
            "preset": "ultrafast",
            "x265-params": f"log-level=none:keyint={group}:open-gop=0",
        }
    width, height = map(int, size.split("x"))
    with av.open(str(path), "w") as output:
        video = output.add_stream(codec, 25, options)
        video.width, video.height = width, height
        audio = output.add_stream("aac", 44_100)
        picture = f"testsrc2=size={size}:rate=25:duration={seconds},format=yuv420p"
        with av.open(picture, format="lavfi") as source:
            for frame in source.decode(video=0):
                frame.pict_type = av.video.frame.PictureType.NONE
                output.mux(video.encode(frame))
        output.mux(video.encode(None))
        with av.open(f"sine=duration={seconds}:sample_rate=44100", format="lavfi") as source:
            for sound in source.decode(audio=0):
                output.mux(audio.encode(sound))
        output.mux(audio.encode(None))
    return path


def injected_flv(folder: Path, **options: Any) -> Path:
    """Make an FLV file with a new state every 200 ms inside."""
    source, made = folder / "source.mp4", folder / "made.flv"
    encode_source(source, **options)
    inject(source, made, lambda time_s: state(int(time_s * 5)))
    return without_early_sound(made)


def without_early_sound(path: Path) -> Path:
    """Drop sound before the first keyframe: players begin with that."""
    tags = tags_of(path)
    first = next(at for at, tag in enumerate(tags) if tag.is_keyframe)
    kept = [tag for at, tag in enumerate(tags) if at >= first or tag.is_configuration]
    header = file_header(has_audio=True, has_video=True)
    path.write_bytes(header + b"".join(tag.encoded for tag in kept))
    return path


@dataclass
class Stage:
    """A server and its streams."""

    streams: dict[str, Outlet] = field(default_factory=dict)
    server: PlayerServer = field(init=False)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, name: str = "demo", live: LiveStream | None = None) -> LiveStream:
        live = live or LiveStream()
        self.streams[name] = Outlet(live, frozenset({"flv", "mp4"}), Shelf())
        return live

    async def handed_in(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect as through a supervisor."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            streams = await asyncio.open_connection(*listener.getsockname())
            accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
        self.server.adopt(accepted)
        return streams


@asynccontextmanager
async def staged(**options: float) -> AsyncIterator[Stage]:
    stage = Stage()
    stage.server = PlayerServer(stage.streams.get, **options)
    async with stage.server.listening("127.0.0.1", 0) as port:
        stage.port = port
        try:
            yield stage
        finally:
            await stage.server.close()


async def download(url: str) -> bytes:
    """Read a stream to its end."""
    async with (
        asyncio.timeout(PATIENCE_S),
        aiohttp.ClientSession() as session,
        session.get(url) as response,
    ):
        assert response.status == 200
        return await response.read()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something to become true, within a bound."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - it changes in another part of the loop
            await asyncio.sleep(0.005)


async def play(
    live: LiveStream, tags: Sequence[StreamTag], *, pace: float = 1.0, batch: int = 1
) -> None:
    """Publish tags at their times."""
    loop = asyncio.get_running_loop()
    start_s, first_ms = loop.time(), tags[0].timestamp_ms
    for at in range(0, len(tags), batch):
        due_s = start_s + (tags[at].timestamp_ms - first_ms) / 1000 / pace
        if due_s > loop.time():
            await asyncio.sleep(due_s - loop.time())
        live.publish(tags[at : at + batch])


def later(tags: Iterable[StreamTag], by_ms: int) -> list[StreamTag]:
    """Move tags to another time."""
    moved = []
    for tag in tags:
        body = tag.encoded[11:-4]
        moved.append(stream_tag(Tag(tag.kind, tag.timestamp_ms + by_ms, body)))
    return moved


def publish_each(live: LiveStream, tags: Iterable[StreamTag]) -> None:
    """Publish tags one by one, as a live input gives them."""
    for tag in tags:
        live.publish([tag])
