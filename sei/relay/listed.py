"""What a supervisor remembers of each stream and of each worker's place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from sei.config import StreamConfig
from sei.relay.restarts import Restarts
from sei.relay.tally import Tally
from sei.relay.words import Ended


@dataclass(slots=True, eq=False)
class Listed:
    """A stream of the configuration and what became of it."""

    config: StreamConfig
    place: int = 0
    tally: Tally = field(default_factory=Tally)
    phase: Literal["on", "stopping", "over"] = "on"
    successor: StreamConfig | None = None
    """What it runs as once it has stopped; None: it is gone then."""
    over: Ended | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the first picture."""


@dataclass(slots=True, eq=False)
class Place:
    """Where a worker works; outlives the processes that fill it."""

    number: int
    policy: Restarts
    names: set[str] = field(default_factory=set)
    restarts: int = 0
    hangs: int = 0
    retry: asyncio.TimerHandle | None = None
