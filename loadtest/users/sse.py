"""Reads by Server-Sent Events."""

from __future__ import annotations

from loadtest.refusal import Refused, read_bye
from loadtest.users.reader import Reader
from loadtest.users.streams import open_stream
from seatsync.sources.event_stream import EventStreamParser

SILENCE_S = 40
"""A comment comes every 15 s."""
MAX_EVENT_BYTES = 1024 * 1024


class EventReader(Reader):
    """Holds one event stream; comes back with ``Last-Event-ID``."""

    weight = 3
    kind = "SSE"

    def live(self) -> None:
        """Connect and read until the stream ends."""
        position = self.watch.position
        headers = {} if position is None else {"Last-Event-ID": f"state:{position}"}
        url = f"{self.host}/v1/rooms/{self.room}/events"
        parser = EventStreamParser(max_event_bytes=MAX_EVENT_BYTES)
        with open_stream(self.kind, url, headers, SILENCE_S) as chunks:
            for chunk in chunks:
                self.arrived()
                for event in parser.feed(chunk):
                    self._hear(event.event, event.data.encode())

    def _hear(self, event: str, body: bytes) -> None:
        if event == "snapshot":
            self.watch.take("sse", body)
        elif event == "bye":
            raise Refused(read_bye(body))
