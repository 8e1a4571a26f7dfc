"""Which stream goes to which worker, and what a new configuration changes. Pure.

As many workers as there are cores, if there are so many streams, and more where a worker would have
too many: one that is killed takes the fewest streams along, and an idle one costs some 30 MB. What
is placed is never moved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from sei.config import StreamConfig


def worker_count(streams: int, per_worker: int, cores: int) -> int:
    """Say how many workers so many streams want."""
    return max(math.ceil(streams / per_worker), min(cores, streams))


def spread(loads: Mapping[int, int], new: int, per_worker: int, workers: int) -> list[int]:
    """Choose a worker for each new stream: the one with the fewest, a further one where it helps.

    Args:
        loads: how many streams each worker has, by its number.
        new: how many are to be placed.
        per_worker: how many one may have.
        workers: how many there may be before every one is full.

    Returns:
        The number of a worker for each; those that are not in ``loads`` are to be made.
    """
    loads = dict(loads)
    chosen = []
    for _ in range(new):
        open_ones = [number for number, load in loads.items() if load < per_worker]
        if len(loads) < workers or not open_ones:
            number = next(n for n in count(1) if n not in loads)
        else:
            number = min(open_ones, key=lambda n: (loads[n], n))
        loads[number] = loads.get(number, 0) + 1
        chosen.append(number)
    return chosen


class Change(NamedTuple):
    """What a new configuration asks for; what is in none of these is not touched."""

    added: tuple[StreamConfig, ...]
    removed: tuple[str, ...]
    changed: tuple[StreamConfig, ...]


def compare(old: Iterable[StreamConfig], new: Sequence[StreamConfig]) -> Change:
    """Compare the streams of two configurations by their names."""
    before = {stream.name: stream for stream in old}
    names = {stream.name for stream in new}
    return Change(
        added=tuple(stream for stream in new if stream.name not in before),
        removed=tuple(name for name in before if name not in names),
        changed=tuple(s for s in new if s.name in before and before[s.name] != s),
    )
