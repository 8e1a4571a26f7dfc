"""A store with what belongs to it: the documents, the leases on seats, the way between nodes."""

from __future__ import annotations

from typing import NamedTuple

from store.bus import Bus
from store.leases import Leases
from store.port import Store


class Backend(NamedTuple):
    """What a gateway runs on; closing the store closes all three."""

    store: Store
    leases: Leases
    bus: Bus
