"""What upstreams answer, for the log and the metrics."""

from __future__ import annotations

import logging

from gateway.upstream.counts import Counts
from gateway.upstream.faults import UpstreamFault
from poller.breaker import Circuit

log = logging.getLogger(__name__)


class Account:
    """Counts every read, and writes down what is news: not each of many alike."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def on_read(self, key: tuple[str, str], outcome: str) -> None:
        """A read ended."""
        self._counts.count_read(key[1], outcome)

    def on_fault(
        self, key: tuple[str, str], fault: UpstreamFault, before: UpstreamFault | None
    ) -> None:
        """A read failed, perhaps as the one before; an open circuit has its own line."""
        self._counts.count_read(key[1], fault.reason)
        if fault.reason == "open" or (before is not None and before.reason == fault.reason):
            return
        facts = {"room": key[0], "doc": key[1], "reason": fault.reason, "detail": fault.detail}
        cause = {} if fault.__cause__ is None else {"cause": repr(fault.__cause__)}
        log.warning("an upstream's document can't be read", extra={**facts, **cause})

    def on_circuit(self, doc: str, circuit: Circuit) -> None:
        """An upstream is left alone, or tried, or well again."""
        level = logging.WARNING if circuit is Circuit.OPEN else logging.INFO
        log.log(level, "an upstream's circuit", extra={"doc": doc, "circuit": circuit.value})
