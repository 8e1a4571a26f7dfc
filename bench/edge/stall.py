"""How long the server's loop was kept from its timers, as it says itself on ``/metrics``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

METRIC = "seatsync_loop_stall_seconds"
_BUCKET = re.compile(rf'{METRIC}_bucket{{le="([^"]+)"}}')


def stall_p99_s(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Give the 99th percentile between two readings, as far as buckets tell; NaN: not measured."""
    bounds = {name: float(found[1]) for name in after if (found := _BUCKET.fullmatch(name))}
    below = [(le, after[name] - before.get(name, 0)) for name, le in bounds.items()]
    below.sort()
    if not below or below[-1][1] == 0:
        return math.nan
    rank, floor, counted = 0.99 * below[-1][1], 0.0, 0.0
    for bound, count in below:
        if count >= rank and math.isinf(bound):
            return floor  # beyond the last bound: at least so long
        if count >= rank:
            return floor + (bound - floor) * (rank - counted) / (count - counted)
        floor, counted = bound, count
    return floor
