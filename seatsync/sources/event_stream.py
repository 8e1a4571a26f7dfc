"""Read a stream of Server-Sent Events (WHATWG HTML 9.2.6); no I/O."""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

from room.errors import SeatsyncError

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_DIGITS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


class EventTooLarge(SeatsyncError):
    """An event, or a line, is larger than the reader takes."""

    code = "TOO_LARGE"


class ServerEvent(NamedTuple):
    """One event."""

    event: str
    """Its type; ``message`` where the stream names none."""
    data: str
    last_event_id: str


class EventStreamParser:
    """Takes the bytes of one response in chunks of any size.

    What is unfinished when the stream ends is dropped, as the standard asks.
    """

    def __init__(self, *, max_event_bytes: int) -> None:
        self._max_event_bytes: Final = max_event_bytes
        self._line = bytearray()
        self._after_cr = False
        self._at_start = True
        self._event = ""
        self._data: list[str] = []
        self._data_bytes = 0
        self.last_event_id = ""
        """The newest id; outlives the events."""
        self.retry_ms: int | None = None
        """How long the server wants a client to wait before it comes back."""

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next bytes and give the events that they complete.

        Raises:
            EventTooLarge: a line or an event passes the limit; the stream is of no use any more.
        """
        if not chunk:
            return []
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        *ended, rest = _LINE_END.split(chunk)
        self._after_cr = chunk.endswith(b"\r")
        events = []
        for part in ended:
            self._extend(part)
            line = bytes(self._line)
            self._line.clear()
            event = self._take_line(line)
            if event is not None:
                events.append(event)
        self._extend(rest)
        return events

    def _extend(self, part: bytes) -> None:
        self._line += part
        if len(self._line) + self._data_bytes > self._max_event_bytes:
            raise EventTooLarge(f"an event is larger than {self._max_event_bytes} bytes")

    def _take_line(self, line: bytes) -> ServerEvent | None:
        if self._at_start:
            line = line.removeprefix(codecs.BOM_UTF8)
            self._at_start = False
        if not line:
            return self._dispatch()
        name, _, value = line.decode(errors="replace").partition(":")
        self._take_field(name, value.removeprefix(" "), len(line))
        return None

    def _take_field(self, name: str, value: str, line_bytes: int) -> None:
        match name:
            case "data":
                self._data.append(value)
                self._data_bytes += line_bytes
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self.last_event_id = value
            case "retry" if _DIGITS.fullmatch(value):
                self.retry_ms = int(value)
            case _:
                pass  # a comment has an empty name; other fields are ignored

    def _dispatch(self) -> ServerEvent | None:
        event, data = self._event, self._data
        self._event, self._data, self._data_bytes = "", [], 0
        if not data:
            return None
        return ServerEvent(event or "message", "\n".join(data), self.last_event_id)
