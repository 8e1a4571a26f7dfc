"""Engine two: any input to any output, by PyAV in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import av

from room.errors import SeatsyncError
from sei.config import StreamConfig
from sei.counts import Counts
from sei.errors import BadMedia, SourceFailed
from sei.flv.stream_tag import TagSink
from sei.inputs.address import Address, parse_address
from sei.inputs.pacer import Pacer
from sei.insertion.supply import SupplyBox
from sei.outputs.address import parse_output
from sei.outputs.shelf import Shelf
from sei.packets.flv_join import FlvJoin
from sei.packets.flv_kinds import FlvKinds
from sei.packets.handover import Handover
from sei.packets.heap import keep_heap_small
from sei.packets.hls_input import HlsInput
from sei.packets.layout import Output
from sei.packets.opening import (
    Readable,
    StreamsChanged,
    open_bytes,
    open_file,
    open_playlist,
    reason,
)
from sei.packets.order import display_order
from sei.packets.outputs import Outputs
from sei.packets.picture import TestPicture
from sei.packets.pipe import BytePipe, live_ration
from sei.packets.pump import Pump
from sei.source import ByteSource, Opened

END_S: Final = 5.0
"""How long a thread may take to end."""


class EngineHung(SeatsyncError):
    """The engine's thread did not end; nothing but the end of the process will end it."""


class PacketEngine:
    """Runs one life of an input after the other into the same outputs.

    Args:
        config: of the stream.
        source: the input's bytes; None where PyAV opens it itself: HLS, ``test:``, and files.
        supply: the newest messages of the room.
        sinks: of FLV tags.
        shelf: where HLS in memory goes; None without it.
        counts: of the stream; added to.
        drained: waits until the sinks have room; None: they always have.
        now: seconds that never run back.
    """

    def __init__(
        self,
        config: StreamConfig,
        source: ByteSource | None,
        supply: SupplyBox,
        sinks: Sequence[TagSink],
        shelf: Shelf | None,
        counts: Counts,
        *,
        drained: Callable[[], Awaitable[None]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config: Final = config
        self._source: Final = source
        self._supply: Final = supply
        self._sinks: Final = tuple(sinks)
        self._shelf: Final = shelf
        self._counts: Final = counts
        self._drained: Final = drained
        self._now: Final = now
        self._address: Final = parse_address(config.input)
        self._stop: Final = threading.Event()
        self._outputs: list[Output] = []
        self._handover: Handover | None = None
        self._pump: Pump | None = None
        self._knows_of_late_sound = False
        counts.engine = "av"
        keep_heap_small()

    async def run_once(self) -> None:
        """Run one life of the input; returns where it ends.

        Cancelling ends the thread; outputs stay as they are for the next life.

        Raises:
            SourceFailed: the input broke off, stalled or has to be opened anew.
            BadMedia: no other life will be better.
            InvalidArgument: an output cannot be made.
            EngineHung: the thread did not end in time, and the process should.
        """
        self._stop.clear()
        pump = self._ready_pump()
        if self._source is not None:
            async with self._source.open() as opened:
                await self._run_bytes(pump, opened)
        elif self._address.kind == "hls":
            stop = self._stop
            async with HlsInput(self._address.text, self._config.redirects, stop).open() as hls:
                await self._in_thread(lambda: self._playlist(pump, hls), hls.wake)
        elif self._address.kind == "test":
            await self._in_thread(lambda: self._picture(pump))
        elif self._address.kind == "file":
            await self._in_thread(lambda: self._file(pump, self._address))
        else:
            raise BadMedia(f"{self._address.shown} is not opened by this engine itself")

    async def close(self) -> None:
        """Finish the outputs, within 5 s: files readable, playlists ended."""
        self._stop.set()
        closing = [asyncio.to_thread(output.close) for output in self._outputs]
        self._outputs = []
        await asyncio.gather(*closing)
        if self._handover is not None:
            self._handover.close()

    def _ready_pump(self) -> Pump:
        if self._pump is not None:
            return self._pump
        config, counts = self._config, self._counts
        waits = self._address.kind == "file" and not config.paced
        outputs = Outputs(config, counts, self._stop, waits=waits)
        if self._sinks:
            self._handover = Handover(
                self._sinks, counts, outputs.backlog(), drained=self._drained, now=self._now
            )
            self._outputs.append(outputs.tags(self._handover))
        for name in config.outputs:
            if not parse_output(name).takes_tags:
                self._outputs.append(outputs.other(name, self._shelf))
        self._pump = Pump(
            config.name,
            self._outputs,
            self._supply,
            config.inject,
            counts,
            self._stop,
            self._now,
        )
        return self._pump

    async def _run_bytes(self, pump: Pump, opened: Opened) -> None:
        is_live = self._address.kind in ("http", "rtmp", "udp")
        pipe = BytePipe(ration=live_ration() if is_live else None)
        filling = asyncio.create_task(_fill(pipe, opened), name="packets input")
        try:
            await self._in_thread(lambda: self._bytes(pump, pipe, opened), pipe.abandon)
        finally:
            filling.cancel()
            await asyncio.wait([filling])
        if not filling.cancelled() and (error := filling.exception()) is not None:
            raise error

    async def _in_thread(
        self, work: Callable[[], None], wake: Callable[[], None] = lambda: None
    ) -> None:
        """Run a life in a thread that is over, or given up, when this returns or is cancelled."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def run() -> None:
            error: Exception | None = None
            try:
                work()
            except Exception as raised:  # noqa: BLE001 - handed on to who waits
                error = raised
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, done, error)

        # A demuxer that hangs must not keep the process alive.
        name = f"packets {self._config.name}"
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        try:
            await asyncio.shield(done)
        finally:
            self._stop.set()
            wake()
            await self._wait_for_end(done, thread)

    async def _wait_for_end(self, done: asyncio.Future[None], thread: threading.Thread) -> None:
        await asyncio.wait([done], timeout=END_S)
        if not done.done():
            raise EngineHung(f"the thread of {self._config.name} does not end")
        thread.join()  # it has nothing left to do
        if not done.cancelled():
            done.exception()  # what it says at the end of a cancelled stream is nobody's loss

    def _bytes(self, pump: Pump, pipe: BytePipe, opened: Opened) -> None:
        kinds: FlvKinds | None = None
        source: Readable = pipe
        before = pump.pictures
        try:
            if opened.container in ("flv", "unknown"):
                source = kinds = self._joined(pipe)
            with open_bytes(source, opened.container) as feed:
                has_sound = any(stream.type == "audio" for stream in feed.container.streams)

                def check() -> None:
                    if kinds is not None:
                        self._check(kinds, has_sound=has_sound)

                pump.run(feed, check=check, observes=not self._sinks)
        except (SourceFailed, av.FFmpegError) as error:
            if pipe.failure is not None:  # it is why the demuxer had no more
                raise pipe.failure from None
            if not (isinstance(error, StreamsChanged) and pipe.is_over):
                raise _failed(error) from error
        if pipe.failure is not None:
            raise pipe.failure
        if pump.pictures == before and not self._stop.is_set():
            raise SourceFailed("the input ended before a picture came")

    def _joined(self, pipe: BytePipe) -> FlvKinds:
        """Have an input that may be FLV begin with a picture."""
        join = FlvJoin(expects_sound=self._knows_of_late_sound)
        head = join.read_from(pipe, self._now)
        self._counts.dropped += join.dropped
        return FlvKinds(head, pipe)

    def _check(self, kinds: FlvKinds, *, has_sound: bool) -> None:
        if len(kinds.video_codecs) > 1:
            raise SourceFailed("the video's codec changed; the input is opened anew")
        if kinds.has_sound and not has_sound and not self._knows_of_late_sound:
            self._knows_of_late_sound = True
            raise SourceFailed("the sound began late; the input is opened anew")

    def _playlist(self, pump: Pump, hls: HlsInput) -> None:
        pacer = Pacer() if self._config.paced else None
        try:
            with open_playlist(hls.url, hls.io_open) as feed:
                pump.run(feed, pacer=pacer, observes=not self._sinks)
        except (SourceFailed, av.FFmpegError) as error:
            if hls.failure is not None:
                raise hls.failure from None
            raise _failed(error) from error
        if hls.failure is not None:
            raise hls.failure

    def _picture(self, pump: Pump) -> None:
        picture = TestPicture()
        try:
            with open_bytes(picture, "flv") as feed:
                pump.run(feed, pacer=Pacer(), observes=not self._sinks)
        finally:
            picture.close()

    def _file(self, pump: Pump, address: Address) -> None:
        path = Path(address.path)
        pacer = Pacer() if self._config.paced else None
        order = None
        while not self._stop.is_set():
            before = pump.pictures
            try:
                with open_file(path) as feed, suppress(StreamsChanged):
                    if feed.is_raw and order is None:
                        order = display_order(path)
                    pump.run(feed, pacer=pacer, order=order, observes=not self._sinks)
            except av.FFmpegError as error:
                raise BadMedia(f"{path.name}: cannot be read: {reason(error)}") from error
            if pump.pictures == before and not self._stop.is_set():
                raise BadMedia(f"{path.name}: holds no pictures")
            if not self._config.loop:
                return


def _failed(error: Exception) -> SourceFailed:
    if isinstance(error, SourceFailed):
        return error
    return SourceFailed(f"the input broke off: {reason(error)}")


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


async def _fill(pipe: BytePipe, opened: Opened) -> None:
    try:
        async for chunk in opened.chunks:
            await pipe.put(chunk)
    except SeatsyncError as error:
        pipe.end(error)
    finally:
        pipe.end()
