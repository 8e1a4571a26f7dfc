"""Engine two in a test: inputs of bytes, a sink of tags, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.packet import Packet
from av.stream import Stream
from sei_files import STATE

from sei.config import Injection, StreamConfig
from sei.counts import Counts
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import VIDEO, file_header
from sei.insertion.state import Encoder
from sei.insertion.supply import Supply, SupplyBox
from sei.outputs.shelf import Shelf
from sei.packets.engine import PacketEngine
from sei.source import ByteSource, ContainerName, Opened

BOUND_S = 20
"""How long a test waits for what must come."""


@dataclass
class Lives:
    """An input whose every life gives some bytes and then ends, or stays silent."""

    container: ContainerName
    lives: list[bytes]
    chunk_bytes: int = 1316
    stays: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        yield Opened(self.container, self._chunks(self.lives.pop(0)))

    async def _chunks(self, content: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(content), self.chunk_bytes):
            yield content[at : at + self.chunk_bytes]
        if self.stays:
            await asyncio.Event().wait()


@dataclass
class Sink:
    tags: list[StreamTag] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, tags: Sequence[StreamTag]) -> None:
        self.tags += tags
        self.came.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not holds():
                self.came.clear()
                await self.came.wait()

    @property
    def pictures(self) -> list[StreamTag]:
        return [tag for tag in self.tags if tag.kind == VIDEO and not tag.is_configuration]

    def save(self, path: Path) -> Path:
        header = file_header(has_audio=True, has_video=True)
        path.write_bytes(header + b"".join(tag.encoded for tag in self.tags))
        return path


@dataclass
class Rig:
    engine: PacketEngine
    sink: Sink
    shelf: Shelf
    counts: Counts
    box: SupplyBox

    async def live(self, lives: int = 1) -> None:
        for _ in range(lives):
            await asyncio.wait_for(self.engine.run_once(), BOUND_S)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Run a life in the background until something holds, then cancel it."""
        running = asyncio.create_task(self.engine.run_once())
        waiting = asyncio.create_task(self.sink.until(holds))
        try:
            await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            await waiting
        finally:
            waiting.cancel()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@asynccontextmanager
async def rig(
    source: ByteSource | Path | str,
    outputs: tuple[str, ...] = ("flv",),
    *,
    paced: bool = False,
    loop: bool = False,
    state: bool = True,
    redirects: tuple[str, ...] = (),
    inject: Injection = "on",
) -> AsyncIterator[Rig]:
    """Make an engine; its outputs are finished when the block ends."""
    is_text = isinstance(source, Path | str)
    config = StreamConfig(
        name="demo",
        room="demo",
        input=str(source) if is_text else "-",
        outputs=outputs,
        paced=paced,
        loop=loop,
        redirects=redirects,
        inject=inject,
    )
    box = SupplyBox()
    if state:
        box.newest = Supply(9, 1, Encoder("demo").messages(STATE))
    sink, shelf, counts = Sink(), Shelf(), Counts()
    sinks = [sink] if "flv" in outputs else []
    given = None if isinstance(source, Path | str) else source
    engine = PacketEngine(config, given, box, sinks, shelf, counts)
    try:
        yield Rig(engine, sink, shelf, counts, box)
    finally:
        await engine.close()
        await asyncio.sleep(0)  # the loop takes what the close handed over


Change = Callable[["Packet[Stream]", int], "Packet[Stream] | None"]


def remuxed(
    source: Path,
    target: Path,
    change: Change = lambda packet, _number: packet,
    *,
    shift_s: float = 0,
    options: dict[str, str] | None = None,
    without: str = "",
) -> bytes:
    """Copy a file with PyAV, each packet as ``change`` has it, and give the bytes."""
    chosen = {"max_interleave_delta": "200000", **(options or {})}
    with (
        av.open(str(source)) as container,
        av.open(str(target), "w", container_options=chosen) as output,
    ):
        added = {
            stream.index: output.add_stream_from_template(stream, opaque=True)
            for stream in container.streams
            if stream.type != without
        }
        for number, packet in enumerate(container.demux(*(container.streams[i] for i in added))):
            if packet.size == 0:
                continue
            made = change(packet, number)
            if made is None:
                continue
            shift = round(shift_s / made.time_base)
            made.stream = added[packet.stream.index]
            made.dts, made.pts = (made.dts or 0) + shift, (made.pts or 0) + shift
            output.mux_one(made)
    return target.read_bytes()
