"""Long polls: one request after another, each answered by the next change."""

from __future__ import annotations

from loadtest.users.polling import PollingReader

WAIT_S = 20


class LongPoller(PollingReader):
    """Waits at the server for what is newer."""

    weight = 3
    kind = "GET"

    def live(self) -> None:
        """Ask again and again."""
        while True:
            self.poll("long-poll", self._query())
            self.failures = 0

    def _query(self) -> str:
        """Ask without waiting first: for the first state, and for a sign of life after a storm."""
        position = self.watch.position
        if position is None:
            return ""
        return f"?after={position}" if self.is_returning else f"?after={position}&wait={WAIT_S}"
