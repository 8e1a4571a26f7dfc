"""What all push connections of one delivery path share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.limits import Limits
from gateway.loop.wheel import Wheel
from gateway.metrics.channels import Tally
from gateway.push.connections import Connections
from store.port import Clock


class Spawn(Protocol):
    """Starts a task, owns it, and hears of an error that nobody waits for."""

    def __call__(self, work: Coroutine[Any, Any, None]) -> Any:
        """Start it."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """One delivery path of a node.

    Attributes:
        name: ``ws`` or ``sse``.
        tick_s: how often a connection is looked after.
        no_progress_s: how long a socket may take nothing.
    """

    name: str
    wheel: Wheel
    connections: Connections
    limits: Limits
    spawn: Spawn
    clock_ms: Clock
    monotonic_s: Callable[[], float]
    tick_s: float
    no_progress_s: float
    jitter: Callable[[], float] = lambda: 1.0
    """A factor in 0..1 for the first tick, so that those who came together are not due together."""
    tally: Tally = field(default_factory=Tally)
