"""In which order the pictures of a raw stream are shown: it says so nowhere but in its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av

from sei.errors import BadMedia

_OPTIONS: Final = {"protocol_whitelist": "file", "format_whitelist": "h264,hevc"}


def display_order(path: Path) -> list[int]:
    """List the pictures of a raw stream as they are shown, by their place in decoding order.

    This decodes them once. A picture that cannot be decoded, and the second of two fields, follows
    the one decoded before it.

    Raises:
        BadMedia: the file cannot be read.
    """
    order: list[int] = []
    count = 0
    try:
        with av.open(str(path.resolve()), "r", options=_OPTIONS) as container:
            for number, packet in enumerate(container.demux(container.streams.video[0])):
                if packet.size:
                    packet.pts = packet.dts = number
                    count = number + 1
                try:
                    frames = packet.decode()
                except av.InvalidDataError:
                    continue  # damaged: it has no place of its own and is shown when it is decoded
                order += [frame.pts for frame in frames if frame.pts is not None]
    except (av.FFmpegError, OSError) as error:
        why = error.strerror or type(error).__name__
        raise BadMedia(f"{path.name}: cannot be read: {why}") from error
    return filled(order, count)


def filled(order: Sequence[int], count: int) -> list[int]:
    """Complete an order of ``count`` pictures: one left out follows the one decoded before it."""
    rank = {number: place for place, number in enumerate(order)}
    latest = -1
    for number in range(count):
        latest = rank.setdefault(number, latest)
    return sorted(range(count), key=lambda number: (rank[number], number))
