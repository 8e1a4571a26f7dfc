"""Times for streams that carry none, or not all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import Final

from av.packet import Packet
from av.stream import Stream

_DEFAULT_RATE_HZ: Final = 25
_FASTEST_HZ: Final = 240
_MAX_HELD: Final = 256
_SHORTEST_S: Final = Fraction(1, 1000)


class RawClock:
    """Stamps packets by the frame rate, in decoding order.

    Args:
        order: all pictures as they are shown, by their place in decoding order; None where nobody
            asks when a picture is shown.
    """

    def __init__(self, order: Sequence[int] | None = None) -> None:
        self._rank: Final = {number: rank for rank, number in enumerate(order or ())}
        # The first picture to be shown may be decoded late: everything waits for the latest.
        self._delay: Final = max((number - rank for number, rank in self._rank.items()), default=0)
        self._number = 0
        self._ticks: int | None = None

    def stamp(self, packet: Packet[Stream]) -> None:
        """Give a packet its times."""
        if self._ticks is None:
            # The first is right even for single fields; the parser loses it on some streams later.
            least = max(1, int(_SHORTEST_S / packet.time_base))
            default = max(1, int(1 / (_DEFAULT_RATE_HZ * packet.time_base)))
            self._ticks = packet.duration or 0
            if self._ticks < least:
                self._ticks = default
        rank = self._rank.get(self._number, self._number - self._delay)
        packet.dts = self._number * self._ticks
        packet.pts = max(self._number, rank + self._delay) * self._ticks
        packet.duration = self._ticks
        self._number += 1


def begun(packets: Iterator[Packet[Stream]], indexes: Collection[int]) -> Iterator[Packet[Stream]]:
    """Fill in decoding times that are missing at the beginning of some streams, and durations.

    Times are counted back from the first one that is there, which is waited for; not for ever. A
    duration that is missing is the time since the picture before: without one MP4 would end before
    its last picture is shown.
    """
    held: list[Packet[Stream]] = []
    missing = set(indexes)
    for packet in packets:
        held.append(packet)
        index = packet.stream_index
        if index in missing and (packet.dts is not None or not packet.size):
            missing.discard(index)
            _count_back([item for item in held[:-1] if item.stream_index == index], packet)
        if not missing or len(held) == _MAX_HELD:
            break
    last: dict[int, int] = {}
    for packet in chain(held, packets):
        index, dts = packet.stream_index, packet.dts
        if index in indexes and dts is not None:
            if not packet.duration:
                packet.duration = max(0, dts - last.get(index, dts))
            last[index] = dts
        yield packet


def _count_back(held: list[Packet[Stream]], first: Packet[Stream]) -> None:
    dts = first.dts
    if dts is None:
        return
    for packet in reversed(held):
        dts -= max(1, packet.duration or _picture_ticks(packet.stream))
        packet.dts = dts if packet.pts is None else min(dts, packet.pts)


def _picture_ticks(stream: Stream) -> int:
    """Give the time from one picture to the next, as far as it is known."""
    rate_hz = getattr(stream, "average_rate", None)
    if not rate_hz or rate_hz > _FASTEST_HZ:
        rate_hz = _DEFAULT_RATE_HZ
    return int(1 / (rate_hz * (stream.time_base or _SHORTEST_S)))
