"""How long an upstream's answer may be believed (RFC 9111 5.2.2, RFC 5861)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SHORTEST_S: Final = 1.0
LONGEST_S: Final = 60.0
REVALIDATE_S: Final = 4.0
"""As for polls of this gateway (PROTOCOL.md 4)."""
LONGEST_REVALIDATE_S: Final = 60.0
ERROR_S: Final = 86_400.0
"""Likewise: while its source is away, what is held is served; the bound and the default are one."""

_SECONDS: Final = re.compile(r'\s*([a-z-]+)\s*=\s*"?([0-9]{1,10})"?\s*', re.ASCII)


class Lifetime(NamedTuple):
    """Three spans; the second and third begin where the first ends."""

    fresh_s: float
    """It is the truth."""
    revalidate_s: float = REVALIDATE_S
    """It is given out while a new read is under way."""
    error_s: float = ERROR_S
    """It is given out if that read fails."""


def read_lifetime(cache_control: str, usual_s: float) -> Lifetime:
    """Read a ``Cache-Control`` field; what it does not say, or says wrongly, is as usual.

    Directives that would forbid a cache (``no-store``, ``no-cache``, ``private``) are passed over:
    this node was told to read on behalf of everybody.

    Args:
        cache_control: the field value, perhaps empty.
        usual_s: how long an answer is fresh that does not say.
    """
    said = _seconds(cache_control)
    age_s = said.get("max-age")
    return Lifetime(
        usual_s if age_s is None else min(max(SHORTEST_S, age_s), LONGEST_S),
        min(said.get("stale-while-revalidate", REVALIDATE_S), LONGEST_REVALIDATE_S),
        min(said.get("stale-if-error", ERROR_S), ERROR_S),
    )


def _seconds(cache_control: str) -> dict[str, float]:
    """Read the directives that have a number of seconds; the first of a name stands."""
    said: dict[str, float] = {}
    for directive in cache_control.lower().split(","):
        match = _SECONDS.fullmatch(directive)
        if match is not None:
            said.setdefault(match[1], float(match[2]))
    return said
