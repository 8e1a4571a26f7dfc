"""Repeated runs, taken in turns so that a busy moment of the machine hits both sides."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

RUNS = 5


class Row(NamedTuple):
    """One comparison: what was measured, beside what, and how they relate."""

    what: str
    ours: str
    beside: str
    theirs: str
    ratio: float
    raw: dict[str, list[float]]


def cpu_per_call(work: Callable[[], Any], calls: int) -> float:
    """Run something often; gives seconds of CPU a call."""
    before = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - before) / calls


def in_turns(
    ours: Callable[[], float], theirs: Callable[[], float], runs: int = RUNS
) -> dict[str, list[float]]:
    """Measure two sides in turns."""
    raw: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(runs):
        raw["ours"].append(ours())
        raw["theirs"].append(theirs())
    return raw


async def in_turns_async(
    ours: Callable[[], Awaitable[float]], theirs: Callable[[], Awaitable[float]]
) -> dict[str, list[float]]:
    """Measure two asynchronous sides in turns."""
    raw: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(RUNS):
        raw["ours"].append(await ours())
        raw["theirs"].append(await theirs())
    return raw


def row(what: str, beside: str, raw: dict[str, list[float]], show: Callable[[float], str]) -> Row:
    """Turn raw runs into medians and their ratio, ours over theirs."""
    ours, theirs = (statistics.median(raw[side]) for side in ("ours", "theirs"))
    return Row(what, show(ours), beside, show(theirs), ours / theirs, raw)


def microseconds(seconds: float) -> str:
    """Show a time a call."""
    return f"{seconds * 1e6:.2f} µs"


def per_second(rate: float) -> str:
    """Show a rate."""
    return f"{rate:,.0f}/s"
