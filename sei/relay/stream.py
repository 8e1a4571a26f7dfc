"""One stream in a worker: its input, its engine, its outputs, and what happens when they fail."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import Final, Literal

from room.errors import SeatsyncError
from sei.backoff import Backoff
from sei.config import StreamConfig
from sei.counts import Counts
from sei.errors import BadFlv, BadMedia, SourceFailed
from sei.flv.engine import FlvEngine
from sei.inputs.address import parse_address
from sei.inputs.held_back import HeldBack
from sei.inputs.sources import make_source
from sei.insertion.supply import SupplyBox
from sei.outputs.address import parse_outputs
from sei.outputs.outlet import Outlet
from sei.outputs.shelf import Shelf
from sei.packets.engine import EngineHung, PacketEngine
from sei.ration import Ration
from sei.relay.engines import choose_engine
from sei.relay.relayed import WorkerSpoilt
from sei.relay.sinks import Sinks
from sei.relay.watching import Watching

_log: Final = logging.getLogger(__name__)
FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 15.0
STALL_S: Final = 12.0
"""A live input that brings no picture for so long is given up; its source has a shorter time-out of
its own for a silent line. After a quarter of that it counts as stalled."""
_LOOKS: Final = 4
_FIRST_LOOKS: Final = 3 * _LOOKS
REFUSED_RETRY_S: Final = 30.0
"""After what no attempt should mend: the publisher may have changed the stream meanwhile."""
_LIVE: Final = frozenset({"http", "hls", "rtmp", "udp"})


class RelayedStream:
    """One input, one engine, any outputs (``sei.relay.relayed.Relayed``).

    A live input is tried again for as long as it takes; one that can be read to its end is over
    then, or has failed.

    Args:
        config: of the stream.
        box: the newest messages of its room.
        counts: added to; outlives the stream.
        stall_s: how long a live input may bring no picture.

    Raises:
        BadMedia: an address is malformed, or the engine cannot do what is asked.
    """

    def __init__(
        self, config: StreamConfig, box: SupplyBox, counts: Counts, *, stall_s: float = STALL_S
    ) -> None:
        self._stall_s: Final = stall_s
        self._config: Final = config
        self._box: Final = box
        self._counts: Final = counts
        self._address: Final = parse_address(config.input)
        self._is_live: Final = self._address.kind in _LIVE
        self._backoff: Final = Backoff(FIRST_RETRY_S, LAST_RETRY_S)
        self._stopping: Final = asyncio.Event()
        self._live_since_s: float | None = None
        """When the first picture of this life was seen, for the backoff; None before that."""
        outputs = parse_outputs(config.outputs)
        self._sinks: Final = Sinks(outputs, counts)
        self._shelf: Final = Shelf() if any(one.kind == "hls" for one in outputs) else None
        forms = frozenset(one.format for one in outputs if one.kind == "players")
        self.outlet: Final = Outlet(self._sinks.live, forms, self._shelf)
        self._engine: Final = self._make_engine()

    async def run(self) -> None:
        """Relay until the input is over for good, or until ``stop``.

        Raises:
            SeatsyncError: no attempt can help.
            WorkerSpoilt: a thread hangs; the worker must end.
        """
        try:
            async with AsyncExitStack() as exits:
                exits.push_async_callback(self._sinks.close)
                self._sinks.start()
                if isinstance(self._engine, PacketEngine):
                    exits.push_async_callback(self._engine.close)
                await exits.enter_async_context(
                    Watching(self._config, self._counts, self._box, self.outlet)
                )
                await self._live_or_stop()
        except EngineHung as error:
            raise WorkerSpoilt(error.message) from error

    async def stop(self) -> None:
        """End the stream in order; ``run`` then returns."""
        self._stopping.set()

    def count(self) -> None:
        """Bring the counts up to date."""
        self._sinks.count()

    async def _live_or_stop(self) -> None:
        living = asyncio.create_task(self._live_on(), name=f"input of {self._config.name}")
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((living, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            living.cancel()
            stopping.cancel()
            await asyncio.wait((living, stopping))
        if not living.cancelled():
            living.result()

    async def _live_on(self) -> None:
        """Run one life of the input after the other."""
        while True:
            try:
                await self._live_once()
            except (SourceFailed, BadFlv, BadMedia) as error:
                failure: SeatsyncError = error
            else:
                if not self._is_live:
                    return
                failure = SourceFailed("the input ended")
            if not self._is_live:
                raise failure
            await self._pause(failure, self._lived_s())

    async def _live_once(self) -> None:
        """Run one life of the input, for as long as pictures come."""
        self._live_since_s = None
        life = asyncio.create_task(self._engine.run_once(), name=f"life of {self._config.name}")
        try:
            if self._is_live:
                await self._watch(life)
            await life
        finally:
            life.cancel()
            await asyncio.wait((life,))
            hung = None if life.cancelled() else life.exception()
            if isinstance(hung, EngineHung):  # worse than why the life was given up
                raise hung

    def _lived_s(self) -> float:
        """Say for how long pictures came; to connect, or to wait for the first, is not living."""
        return 0.0 if self._live_since_s is None else time.monotonic() - self._live_since_s

    async def _watch(self, life: asyncio.Task[None]) -> None:
        """Look whether pictures come, until the life is over; say when they stop.

        Raises:
            SourceFailed: none came for the stall time-out.
        """
        counts, missed = self._counts, 0
        while missed < (_FIRST_LOOKS if self._live_since_s is None else _LOOKS):
            pictures = counts.video_packets
            await asyncio.wait((life,), timeout=self._stall_s / _LOOKS)
            came = counts.video_packets != pictures
            if came and self._live_since_s is None:
                self._live_since_s = time.monotonic()
            if life.done():
                return
            missed = 0 if came else missed + 1
            if counts.input_state in ("live", "stalled"):
                counts.input_state = "live" if came else "stalled"
        silent_s = missed * self._stall_s / _LOOKS
        raise SourceFailed(f"no picture came for {silent_s:.0f} s")

    async def _pause(self, failure: SeatsyncError, lived_s: float) -> None:
        """Say why the input is gone, and wait; outputs and players stay."""
        is_refused = isinstance(failure, BadMedia)
        wait_s = REFUSED_RETRY_S if is_refused else self._backoff.next_s(lived_s)
        state: Literal["failed", "waiting"] = "failed" if is_refused else "waiting"
        counts = self._counts
        is_known = (counts.error_code, counts.error) == (failure.code, failure.message)
        counts.input_state, counts.error_code, counts.error = state, failure.code, failure.message
        self._sinks.break_off()
        _log.log(
            logging.DEBUG if is_known else logging.WARNING,
            "an input broke off",
            extra={
                "stream": self._config.name,
                "input": self._address.shown,
                "code": failure.code,
                "reason": failure.message,
                "again_s": round(wait_s, 1),
            },
        )
        await asyncio.sleep(wait_s)
        counts.input_state = "connecting"
        counts.reconnects += 1

    def _make_engine(self) -> FlvEngine | PacketEngine:
        """Make the engine; an input that can wait is held back to what files can take."""
        config, box, counts, sinks = self._config, self._box, self._counts, self._sinks
        counts.engine = choose_engine(config)
        source = make_source(config, self._address)
        can_wait = self._address.kind == "stdin" or (
            self._address.kind == "file" and not config.paced
        )
        if counts.engine == "flv":
            if source is None:
                raise BadMedia(f"the flv engine cannot read {self._address.shown}")
            if can_wait:
                source = HeldBack(source, sinks.drained)
            ration = Ration() if self._is_live else None
            return FlvEngine(source, box, sinks.every, counts, inject=config.inject, ration=ration)
        if self._address.kind == "file":
            source = None  # PyAV reads it itself, and seeks in it
        drained = sinks.drained if can_wait else None
        return PacketEngine(config, source, box, sinks.every, self._shelf, counts, drained=drained)
