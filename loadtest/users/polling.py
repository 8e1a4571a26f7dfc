"""One poll, as every kind of reader sends it."""

from __future__ import annotations

from loadtest.refusal import Refused, read_problem
from loadtest.staleness import Road
from loadtest.users.reader import NoAnswer, Reader

FIRST_PACE_MS = 3000


class PollingReader(Reader):
    """Knows how to poll, and how often the server wants it."""

    abstract = True

    def on_start(self) -> None:
        """Hold no tag yet."""
        super().on_start()
        self.tag = ""
        self.pace_ms = FIRST_PACE_MS

    def poll(self, road: Road, query: str = "") -> None:
        """Ask once for what is newer than what is held.

        Args:
            road: what its entries are called.
            query: for a long poll; else ``If-None-Match`` is sent.

        Raises:
            Refused: the server did not answer with state.
            NoAnswer: there was none.
        """
        headers = {"If-None-Match": self.tag} if self.tag and not query else {}
        path = f"/v1/rooms/{self.room}/state{query}"
        with self.client.get(path, headers=headers, name=road, catch_response=True) as response:
            status = response.status_code
            if status:
                response.success()  # a refusal has an entry of its own
        if not status:
            raise NoAnswer
        if status not in (200, 204, 304):
            raise Refused(read_problem(status, response.headers, response.content))
        self.arrived()
        self.pace_ms = int(response.headers.get("Seatsync-Poll-Ms") or self.pace_ms)
        if status == 200:
            self.tag = response.headers.get("ETag") or ""
            self.watch.take(road, response.content)
