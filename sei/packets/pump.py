"""From an open input to the outputs, packet by packet, in the engine's thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from sei.config import Injection
from sei.counts import Counts
from sei.inputs.pacer import Pacer
from sei.insertion.supply import SupplyBox
from sei.packets.clock import StreamClock
from sei.packets.forms import Forms
from sei.packets.intake import Intake, Placed
from sei.packets.layout import US_PER_S, VIDEO_TRACK, Output
from sei.packets.opening import Feed, packets_of
from sei.packets.rawtime import RawClock

_log: Final = logging.getLogger(__name__)


class Pump:
    """Moves the packets of one life of an input after the other.

    Args:
        name: of the stream, for logs.
        outputs: take every packet that has a place.
        supply: what is to go in.
        inject: when it does.
        counts: of the stream.
        stop: ends a life within one packet.
        now: seconds that never run back.
    """

    def __init__(
        self,
        name: str,
        outputs: Sequence[Output],
        supply: SupplyBox,
        inject: Injection,
        counts: Counts,
        stop: threading.Event,
        now: Callable[[], float],
    ) -> None:
        self._name: Final = name
        self.outputs: Final = outputs
        self.supply: Final = supply
        self.inject: Final = inject
        self.counts: Final = counts
        self.stop: Final = stop
        self.now: Final = now
        self._clock: Final = StreamClock()
        self._left_out: tuple[str, ...] = ()
        self.pictures = 0
        """How many went on."""
        self.boxed: Final = any(not output.wants_in_band for output in outputs)
        self.in_band: Final = any(output.wants_in_band for output in outputs)

    def run(
        self,
        feed: Feed,
        *,
        pacer: Pacer | None = None,
        order: Sequence[int] | None = None,
        check: Callable[[], None] = lambda: None,
        observes: bool = False,
    ) -> None:
        """Run until the input is over or all is to stop.

        Args:
            feed: the open input.
            pacer: holds packets back until their time; None for an input with a pace of its own.
            order: of a raw stream's pictures, as they are shown.
            check: asked before each packet; raises where the input has to be opened anew.
            observes: whether delays are counted here, because no output does.

        Raises:
            BadMedia: encrypted, or without a picture.
            SourceFailed: another life may be better.
        """
        intake = Intake(feed, self._clock, self.counts, self.now)
        self.counts.codec = feed.codec
        self._tell(feed.left_out)
        life = _Life(self, intake, pacer, observes=observes)
        clock = RawClock(order) if feed.is_raw else None
        for packet in packets_of(feed):
            check()
            if clock is not None and packet.size:
                clock.stamp(packet)
            if not life.move(intake.take(packet)):
                return
        life.move(intake.drain())

    def _tell(self, left_out: tuple[str, ...]) -> None:
        """Say which tracks go no further, where that is news."""
        if left_out and left_out != self._left_out:
            _log.warning("tracks left out", extra={"stream": self._name, "tracks": left_out})
        self._left_out = left_out


class _Life:
    """What lasts as long as the input does."""

    def __init__(self, pump: Pump, intake: Intake, pacer: Pacer | None, *, observes: bool) -> None:
        self._pump: Final = pump
        self._intake: Final = intake
        self._pacer: Final = pacer
        self._observes: Final = observes
        self._forms: Forms | None = None

    def move(self, packets: list[Placed]) -> bool:
        """Give packets to the outputs, each at its time; tell whether to go on."""
        for placed in packets:
            if not self._wait(placed.times.dts_us / US_PER_S):
                return False
            self._give(placed)
        return not self._pump.stop.is_set()

    def _wait(self, stream_s: float) -> bool:
        stop, now = self._pump.stop, self._pump.now()
        if self._pacer is None:
            return not stop.is_set()
        delay_s = self._pacer.due_s(stream_s, now) - now
        return not (stop.wait(delay_s) if delay_s > 0 else stop.is_set())

    def _give(self, placed: Placed) -> None:
        pump = self._pump
        if self._forms is None:
            self._forms = Forms(
                self._intake,
                pump.supply,
                pump.inject,
                pump.counts,
                boxed=pump.boxed,
                in_band=pump.in_band,
            )
        item = self._forms.item(placed, pump.now())
        if item is None:
            return
        layout = self._intake.layout
        for output in pump.outputs:
            output.write(item, layout)
        if item.track == VIDEO_TRACK:
            pump.pictures += 1
            if self._observes:
                pump.counts.observe_delay((pump.now() - item.read_s) * 1000)
