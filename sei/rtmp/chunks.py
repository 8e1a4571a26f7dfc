"""The chunk stream of RTMP 1.0, 5.3: messages cut into chunks, several of them interleaved.

| form | header of a chunk, after 1 to 3 bytes of form and chunk stream id |
| --- | --- |
| 0 | timestamp 3, length 3, type 1, message stream id 4, little-endian |
| 1 | timestamp delta 3, length 3, type 1 |
| 2 | timestamp delta 3 |
| 3 | nothing: all as before; a message goes on, or a new one begins with the same delta |

A timestamp field of FF FF FF says that the true one follows the header in 4 bytes, in chunks of
form 3 too (5.3.1.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from sei.errors import BadRtmp

DEFAULT_CHUNK_BYTES: Final = 128
MAX_CHUNK_STREAMS: Final = 64
MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
MAX_HELD_BYTES: Final = 12 * 1024 * 1024
"""Of all unfinished messages together."""
MIN_BYTES_A_MESSAGE: Final = 8
FEW_MESSAGES: Final = 64
"""In one piece a message has so many bytes on the average, if there are more than a few. Silence in
small packets has 14, its pictures not counted; one byte a message would be work without end."""
SET_CHUNK_SIZE: Final = 1
ABORT: Final = 2
_EXTENDED: Final = 0xFFFFFF
_TIMES: Final = 1 << 32
_HEADER_BYTES: Final = (11, 7, 3, 0)
_TIME_BYTES: Final = 3


class Message(NamedTuple):
    """One message, whole."""

    kind: int
    """Message type id."""
    timestamp_ms: int
    """Modulo 2^32."""
    stream: int
    """Message stream id."""
    body: bytes


class _ChunkStream:
    """What the headers of one chunk stream are relative to, and its unfinished message."""

    __slots__ = (
        "body",
        "delta_ms",
        "is_extended",
        "is_within",
        "kind",
        "length",
        "stream",
        "timestamp_ms",
    )

    def __init__(self) -> None:
        self.timestamp_ms = 0
        self.delta_ms = 0
        self.is_extended = False
        self.length = 0
        self.kind = 0
        self.stream = 0
        self.body = bytearray()
        self.is_within = False
        """A message has begun and is not over."""


class ChunkReader:
    """Puts messages together, whatever the size of the pieces their bytes come in.

    Obeys Set Chunk Size and Abort itself (5.4.1, 5.4.2) and does not pass them on. Memory is
    bounded by ``MAX_HELD_BYTES`` and one header. After an error nothing may follow.
    """

    def __init__(self) -> None:
        self._chunk_bytes = DEFAULT_CHUNK_BYTES
        self._streams: Final[dict[int, _ChunkStream]] = {}
        self._unread = b""
        """A header that is not all there."""
        self._current: _ChunkStream | None = None
        """Whose chunk is not all there."""
        self._left_bytes = 0
        """Of the current chunk."""
        self._held_bytes = 0

    @property
    def held_bytes(self) -> int:
        """How much waits for the rest of its message."""
        return self._held_bytes + len(self._unread)

    def feed(self, chunk: bytes) -> list[Message]:
        """Take bytes; give the messages that they complete.

        Raises:
            BadRtmp: they do not follow the protocol, or a bound would be passed.
        """
        received = self._unread + chunk if self._unread else chunk
        messages = []
        left = FEW_MESSAGES + len(received) // MIN_BYTES_A_MESSAGE
        at = 0
        while True:
            stream = self._current
            if stream is None:
                begun = self._begin_chunk(received, at)
                if begun is None:
                    break
                stream, at = begun
            taken = received[at : at + self._left_bytes]
            at += len(taken)
            message = self._extend(stream, taken)
            if message is not None:
                messages.append(message)
            left -= not stream.is_within
            if left < 0:
                raise BadRtmp("a flood of messages with next to nothing in them")
            if self._left_bytes:
                self._current = stream
                break
            self._current = None
        self._unread = received[at:]
        return messages

    def _begin_chunk(self, received: bytes, at: int) -> tuple[_ChunkStream, int] | None:
        """Read a header; give whose it is and where its payload begins, once it is all there."""
        size = len(received) - at
        if size < 1:
            return None
        form, number = received[at] >> 6, received[at] & 0x3F
        basic_bytes = number + 2 if number < 2 else 1
        if number < 2 and size >= basic_bytes:
            number = 64 + int.from_bytes(received[at + 1 : at + basic_bytes], "little")
        header_bytes = basic_bytes + _HEADER_BYTES[form]
        if size < header_bytes:
            return None
        stream = self._chunk_stream(number, form)
        fields = received[at + basic_bytes : at + header_bytes]
        short_ms = int.from_bytes(fields[:_TIME_BYTES], "big")
        is_extended = short_ms == _EXTENDED if form < 3 else stream.is_extended
        time_bytes = 4 if is_extended else 0
        if size < header_bytes + time_bytes:
            return None
        begins = at + header_bytes + time_bytes
        if is_extended:
            short_ms = int.from_bytes(received[at + header_bytes : begins], "big")
        elif form == 3:
            short_ms = stream.delta_ms
        self._streams[number] = stream
        stream.is_extended = is_extended
        if not stream.is_within:
            _apply(stream, form, fields, short_ms)
            if stream.length > MAX_MESSAGE_BYTES:
                raise BadRtmp(f"a message of {stream.length} bytes")
            stream.is_within = True
        self._left_bytes = min(self._chunk_bytes, stream.length - len(stream.body))
        return stream, begins

    def _chunk_stream(self, number: int, form: int) -> _ChunkStream:
        """Find a chunk stream, or make one that is not kept yet."""
        stream = self._streams.get(number)
        if stream is None:
            # Some peers begin with form 1; 5.3.1.2.1 wants 0.
            if form > 1:
                raise BadRtmp(f"chunk stream {number} begins with a header of form {form}")
            if len(self._streams) >= MAX_CHUNK_STREAMS:
                raise BadRtmp(f"more than {MAX_CHUNK_STREAMS} chunk streams")
            return _ChunkStream()
        if stream.is_within and form != 3:
            raise BadRtmp("a message begins within another of its chunk stream")
        return stream

    def _extend(self, stream: _ChunkStream, taken: bytes) -> Message | None:
        """Add payload to a chunk; give its message when that is whole."""
        stream.body += taken
        self._left_bytes -= len(taken)
        self._held_bytes += len(taken)
        if self._held_bytes > MAX_HELD_BYTES:
            raise BadRtmp(f"unfinished messages of {self._held_bytes} bytes")
        if len(stream.body) < stream.length:
            return None
        body = bytes(stream.body)
        self._drop(stream)
        return self._obey(Message(stream.kind, stream.timestamp_ms, stream.stream, body))

    def _drop(self, stream: _ChunkStream) -> None:
        self._held_bytes -= len(stream.body)
        stream.body = bytearray()
        stream.is_within = False

    def _obey(self, message: Message) -> Message | None:
        if message.kind not in (SET_CHUNK_SIZE, ABORT):
            return message
        number = int.from_bytes(message.body[:4], "big")
        if len(message.body) < 4:
            raise BadRtmp(f"a control message of {len(message.body)} bytes")
        if message.kind == SET_CHUNK_SIZE:
            if not 1 <= number < 1 << 31:
                raise BadRtmp(f"a chunk size of {number} bytes")
            self._chunk_bytes = number
        elif (aborted := self._streams.get(number)) is not None:
            self._drop(aborted)
        return None


def _apply(stream: _ChunkStream, form: int, fields: bytes, time_ms: int) -> None:
    """Take over what the header of a new message says (5.3.1.2)."""
    stream.delta_ms = time_ms
    stream.timestamp_ms = time_ms if form == 0 else (stream.timestamp_ms + time_ms) % _TIMES
    if form < 2:
        stream.length = int.from_bytes(fields[3:6], "big")
        stream.kind = fields[6]
    if form == 0:
        stream.stream = int.from_bytes(fields[7:11], "little")


class ChunkWriter:
    """Cuts messages into chunks.

    A message begins with form 0: 4 to 8 bytes more than the shortest form, and a timestamp that no
    error before it can move.
    """

    def __init__(self) -> None:
        self.chunk_bytes = DEFAULT_CHUNK_BYTES
        """Of the messages to come; set it right after Set Chunk Size has been written."""

    def write(self, chunk_stream: int, message: Message) -> list[bytes]:
        """Write one message.

        Args:
            chunk_stream: 2 to 63.
            message: at most 16,777,215 bytes.
        """
        time_ms = message.timestamp_ms % _TIMES
        extended = time_ms.to_bytes(4, "big") if time_ms >= _EXTENDED else b""
        header = b"".join((
            bytes((chunk_stream,)),
            min(time_ms, _EXTENDED).to_bytes(3, "big"),
            len(message.body).to_bytes(3, "big"),
            bytes((message.kind,)),
            message.stream.to_bytes(4, "little"),
            extended,
        ))  # fmt: skip
        if len(message.body) <= self.chunk_bytes:
            return [header, message.body]
        return list(self._cut(header, bytes((0xC0 | chunk_stream,)) + extended, message.body))

    def _cut(self, first: bytes, further: bytes, body: bytes) -> Iterator[bytes]:
        for start in range(0, len(body), self.chunk_bytes):
            yield further if start else first
            yield body[start : start + self.chunk_bytes]
