"""Times for streams that carry none, or not all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from av.packet import Packet
from av.stream import Stream

_DEFAULT_RATE_HZ: Final = 25
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


def begun(packets: Iterator[Packet[Stream]]) -> Iterator[Packet[Stream]]:
    """Fill in decoding times that are missing at the beginning of a stream.

    They are counted back from the first one that is there, which is waited for; not for ever.
    """
    held: list[Packet[Stream]] = []
    open_streams: set[int] = set()
    for packet in packets:
        index = packet.stream_index
        if packet.size and packet.dts is None and len(held) < _MAX_HELD:
            open_streams.add(index)
        elif index in open_streams:
            open_streams.discard(index)
            _count_back([item for item in held if item.stream_index == index], packet)
        held.append(packet)
        if not open_streams or len(held) == _MAX_HELD:
            break
    yield from held
    yield from packets


def _count_back(held: list[Packet[Stream]], first: Packet[Stream]) -> None:
    dts = first.dts
    for packet in reversed(held) if dts is not None else ():
        dts -= max(1, packet.duration or 0)
        packet.dts = dts if packet.pts is None else min(dts, packet.pts)


def filled(order: Sequence[int], count: int) -> list[int]:
    """Complete an order of ``count`` pictures: one left out follows the one decoded before it."""
    rank = {number: place for place, number in enumerate(order)}
    latest = -1
    for number in range(count):
        latest = rank.setdefault(number, latest)
    return sorted(range(count), key=lambda number: (rank[number], number))
