"""How long to wait before the next try."""

from __future__ import annotations

from typing import Final

BASE_MS: Final = 500
CAP_MS: Final = 30_000
SHORTEST_HINT_MS: Final = 100
LONGEST_HINT_MS: Final = 300_000
_DOUBLINGS: Final = 16


def full_jitter_ms(
    failures: int, draw: float, *, base_ms: int = BASE_MS, cap_ms: int = CAP_MS
) -> int:
    """Spread the tries of many clients: random between 0 and a bound that doubles.

    Args:
        failures: how many tries failed before the one that just did.
        draw: a random number in 0..1.
        base_ms: the bound after the first failure.
        cap_ms: where the bound stops growing.
    """
    bound_ms = min(cap_ms, base_ms << min(failures, _DOUBLINGS))
    return int(draw * bound_ms)


def retry_delay_ms(
    hint_ms: int | None,
    failures: int,
    draw: float,
    *,
    base_ms: int = BASE_MS,
    cap_ms: int = CAP_MS,
) -> int:
    """Choose the wait: what the server asks for, within reason, else full jitter.

    A hint is held between ``SHORTEST_HINT_MS`` and ``LONGEST_HINT_MS``: a wrong header must neither
    silence a client nor make it hammer the server.
    """
    if hint_ms is None:
        return full_jitter_ms(failures, draw, base_ms=base_ms, cap_ms=cap_ms)
    return min(max(hint_ms, SHORTEST_HINT_MS), LONGEST_HINT_MS)


def spread_ms(interval_ms: int, draw: float) -> int:
    """Spread an interval by ±20 %, so that the timers of many clients drift apart.

    Args:
        interval_ms: the interval that the server asks for.
        draw: a random number in 0..1.
    """
    return int(interval_ms * (0.8 + 0.4 * draw))
