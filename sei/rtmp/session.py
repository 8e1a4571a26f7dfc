"""One connection to an RTMP server, as a client that plays or publishes one stream. Pure.

```
handshake → connect → createStream → play ───────────────→ tags come
                    → releaseStream, FCPublish, createStream → publish → tags go
```
Bytes go in by ``receive``, events come out; what is to be sent is fetched by ``take_outgoing``.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from sei.errors import BadRtmp
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag
from sei.rtmp import amf0, commands, messages
from sei.rtmp.address import RtmpAddress
from sei.rtmp.chunks import SET_CHUNK_SIZE, ChunkReader, ChunkWriter, Message
from sei.rtmp.commands import Answer, Status
from sei.rtmp.handshake import Handshake

Purpose = Literal["play", "publish"]
OUR_CHUNK_BYTES: Final = 60_000
"""A frame is as a rule one chunk; SRS takes at most 65,536."""
WINDOW_BYTES: Final = 2_500_000
BUFFER_MS: Final = 1000
_MAX_SAID_CHARACTERS: Final = 120
_CONTROL: Final = 2
_COMMANDS: Final = 3
_CHUNK_STREAMS: Final = {AUDIO: 4, SCRIPT: 5, VIDEO: 6}
_ENDINGS: Final = frozenset({
    "NetStream.Play.Stop",
    "NetStream.Play.Complete",
    "NetStream.Play.UnpublishNotify",
})  # fmt: skip
_STARTS: Final = {"play": "NetStream.Play.Start", "publish": "NetStream.Publish.Start"}


class Started(NamedTuple):
    """The server plays, or takes, the stream."""


class Ended(NamedTuple):
    """The server says that this is over."""

    code: str
    is_refusal: bool
    """Not the regular end of a stream."""
    description: str = ""

    def __str__(self) -> str:
        """Tell it in a sentence."""
        says = f" ({self.description})" if self.description else ""
        return f"the server says {self.code or 'no'}{says}"


Event = Tag | Started | Ended


class Session:
    """The client's side of one connection.

    Args:
        address: where the stream is, or goes to.
        purpose: what for.
        random: 1,528 random bytes for the handshake.
    """

    def __init__(self, address: RtmpAddress, purpose: Purpose, random: bytes) -> None:
        self._address: Final = address
        self._purpose: Final = purpose
        self._handshake: Final = Handshake(random)
        self._shook = False
        self._reader: Final = ChunkReader()
        self._writer: Final = ChunkWriter()
        self._outgoing: Final[list[bytes]] = []
        self._stream: int | None = None
        self._window_bytes = WINDOW_BYTES
        """After how many bytes the server wants to hear of them."""
        self._announced_bytes = 0
        self._received_bytes = 0
        self._acknowledged_bytes = 0
        self.step = "the handshake"
        """What the server has to answer next, for a message of failure."""
        self.is_started = False

    @property
    def held_bytes(self) -> int:
        """How much of what came is kept for later."""
        return self._handshake.held_bytes + self._reader.held_bytes

    def take_outgoing(self) -> bytes:
        """Give what is to be sent now."""
        if self._handshake.outgoing:
            self._outgoing.insert(0, self._handshake.outgoing)
            self._handshake.outgoing = b""
        taken = b"".join(self._outgoing)
        self._outgoing.clear()
        return taken

    def receive(self, chunk: bytes) -> list[Event]:
        """Take bytes of the server; give what they mean.

        Raises:
            BadRtmp: they break the protocol; nothing may follow, and what stood before the error
                in the same piece is lost.
        """
        if not self._shook:
            behind = self._handshake.feed(chunk)
            if behind is None:
                return []
            self._shook = True
            self.step = "connect"
            self._send(
                _COMMANDS, commands.connect(self._address, publishes=self._purpose == "publish")
            )
            chunk = behind
        self._received_bytes += len(chunk)
        events = [event for message in self._reader.feed(chunk) for event in self._read(message)]
        self._acknowledge()
        return events

    def send_tag(self, kind: int, timestamp_ms: int, body: bytes) -> None:
        """Queue a tag; only once started to publish."""
        if self._stream is None or not self.is_started or self._purpose != "publish":
            raise ValueError("nothing is being published")
        self._send(_CHUNK_STREAMS[kind], messages.from_tag(kind, timestamp_ms, self._stream, body))

    def finish(self) -> None:
        """Queue the words that end a publication in order."""
        if self._stream is None or self._purpose != "publish":
            return
        name, number = self._address.key, self._stream
        self._send(_COMMANDS, _named("FCUnpublish", commands.FC_UNPUBLISH, name))
        self._send(
            _COMMANDS, commands.command("deleteStream", commands.DELETE_STREAM, None, number)
        )

    def _send(self, chunk_stream: int, message: Message) -> None:
        self._outgoing.extend(self._writer.write(chunk_stream, message))

    def _acknowledge(self) -> None:
        """Say how much came, once a window (5.4.3); at most once for each piece received."""
        if self._received_bytes - self._acknowledged_bytes >= self._window_bytes:
            self._acknowledged_bytes = self._received_bytes
            number = self._received_bytes % (1 << 32)
            self._send(_CONTROL, messages.control(messages.ACKNOWLEDGEMENT, number))

    def _read(self, message: Message) -> list[Event]:
        kind = message.kind
        if kind in (messages.COMMAND, messages.AMF3_COMMAND):
            return self._answered(commands.read_command(message))
        if kind == messages.AGGREGATE:
            return [e for part in messages.split_aggregate(message) for e in self._media(part)]
        if kind == messages.USER_CONTROL:
            return self._user_control(message.body)
        if kind == messages.WINDOW_ACKNOWLEDGEMENT_SIZE:
            self._window_bytes = max(1, messages.number_of(message))
            return []
        if kind == messages.SET_PEER_BANDWIDTH:
            self._announce_window(messages.number_of(message))
            return []
        return self._media(message)

    def _announce_window(self, window_bytes: int) -> None:
        """Answer Set Peer Bandwidth (5.4.5) with our window, where it has changed."""
        if window_bytes != self._announced_bytes:
            self._announced_bytes = window_bytes
            kind = messages.WINDOW_ACKNOWLEDGEMENT_SIZE
            self._send(_CONTROL, messages.control(kind, window_bytes))

    def _user_control(self, body: bytes) -> list[Event]:
        if len(body) < 2:
            raise BadRtmp(f"a user control message of {len(body)} bytes")
        event, payload = int.from_bytes(body[:2], "big"), body[2:6]
        if event == messages.PING_REQUEST:
            answer = messages.user_control(messages.PING_RESPONSE, payload)
            self._send(_CONTROL, answer)
        elif event == messages.STREAM_EOF and self.is_started and self._purpose == "play":
            return [Ended("StreamEOF", is_refusal=False)]
        return []

    def _media(self, message: Message) -> list[Event]:
        if self._purpose != "play" or self._stream is None:
            return []
        tag = messages.to_tag(message)
        if tag is None:
            return []
        if tag.kind == SCRIPT and amf0.first_string(tag.body)[0] == "onPlayStatus":
            status = commands.status_of(amf0.decode(tag.body)[-1])
            return self._told(status)
        return [*self._start(), tag]

    def _start(self) -> list[Event]:
        if self.is_started:
            return []
        self.is_started = True
        return [Started()]

    def _answered(self, answer: Answer) -> list[Event]:
        if answer.name == "_error" and answer.transaction in (
            commands.CONNECT,
            commands.CREATE_STREAM,
        ):
            return [self._over(answer.status, is_refusal=True)]
        if answer.name == "_result" and answer.transaction == commands.CONNECT:
            self._connected()
        elif answer.name == "_result" and answer.transaction == commands.CREATE_STREAM:
            self._created(answer)
        elif answer.name == "onStatus":
            return self._told(answer.status)
        elif answer.name == "close":
            return [Ended("close", is_refusal=True)]
        return []

    def _connected(self) -> None:
        if self.step != "connect":
            raise BadRtmp("a second answer to connect")
        self.step = "createStream"
        if self._purpose == "publish":
            self._send(_CONTROL, messages.control(SET_CHUNK_SIZE, OUR_CHUNK_BYTES))
            self._writer.chunk_bytes = OUR_CHUNK_BYTES
            key = self._address.key
            self._send(_COMMANDS, _named("releaseStream", commands.RELEASE_STREAM, key))
            self._send(_COMMANDS, _named("FCPublish", commands.FC_PUBLISH, key))
        else:
            self._announce_window(WINDOW_BYTES)
        self._send(_COMMANDS, commands.command("createStream", commands.CREATE_STREAM, None))

    def _created(self, answer: Answer) -> None:
        number = answer.values[-1] if answer.values else None
        if self.step != "createStream":
            raise BadRtmp("an answer to createStream, which was not asked")
        if not isinstance(number, float) or not 0 <= number < 1 << 32:
            raise BadRtmp("createStream gave no stream")
        self._stream, self.step = int(number), self._purpose
        if self._purpose == "publish":
            asked = commands.command(
                "publish", 0, None, self._address.key, "live", stream=self._stream
            )
            self._send(_COMMANDS, asked)
            return
        # Without a start, a live stream is played if there is one (7.2.2.1).
        self._send(
            _COMMANDS, commands.command("play", 0, None, self._address.key, stream=self._stream)
        )
        buffer = self._stream.to_bytes(4, "big") + BUFFER_MS.to_bytes(4, "big")
        self._send(_CONTROL, messages.user_control(messages.SET_BUFFER_LENGTH, buffer))

    def _told(self, status: Status) -> list[Event]:
        """Take a status; many of them change nothing."""
        if status.code == _STARTS[self._purpose] and self._stream is not None:
            return self._start()
        if status.level == "error":
            return [self._over(status, is_refusal=True)]
        if status.code in _ENDINGS and self._purpose == "play":
            return [self._over(status, is_refusal=False)]
        return []

    def _over(self, status: Status, *, is_refusal: bool) -> Ended:
        """Pass on what the server says, without what it repeats of the key."""
        code, description = (
            self._address.without_secrets(text)[:_MAX_SAID_CHARACTERS]
            for text in (status.code, status.description)
        )
        return Ended(code, is_refusal, description)


def _named(name: str, transaction: int, key: str) -> Message:
    return commands.command(name, transaction, None, key)
