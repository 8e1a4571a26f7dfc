"""The other side of RTMP: chunks in every form, and a server that keeps to a script."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, write_tag
from sei.rtmp import amf0
from sei.rtmp.address import parse_rtmp
from sei.rtmp.chunks import DEFAULT_CHUNK_BYTES, ChunkReader, ChunkWriter, Message
from sei.rtmp.handshake import PACKET_BYTES, RANDOM_BYTES
from sei.rtmp.messages import COMMAND, DATA, control
from sei.rtmp.session import Ended, Event, Purpose, Session

ADDRESS = parse_rtmp("rtmp://127.0.0.1/live/demo?token=1")
RANDOM = bytes(range(256)) * 5 + bytes(RANDOM_BYTES - 1280)
S0 = b"\x03"
S1 = b"\x00\x00\x00\x07" + bytes(4) + b"\xaa" * RANDOM_BYTES
STREAM = 7
EXTENDED = 0xFFFFFF
TIMES = 1 << 32
METADATA = amf0.encode("onMetaData", amf0.EcmaArray({"videocodecid": 7.0}))
AVC_CONFIGURATION = b"\x17\x00\x00\x00\x00\x01\x64\x00\x0a\xff\xe1\x00\x00\x00"
AAC_CONFIGURATION = b"\xaf\x00\x12\x10"
Step = Literal["handshake", "connect", "createStream", "play", "publish", "nothing"]


class Cutter:
    """Writes chunks in the forms that it is told, where what came before allows them."""

    def __init__(self) -> None:
        self.last: dict[int, tuple[Message, int]] = {}

    def forms(self, number: int, message: Message) -> list[int]:
        """Give the forms in which a message may begin."""
        if number not in self.last:
            return [0]
        before, delta_ms = self.last[number]
        forms = [0]
        if before.stream == message.stream:
            forms.append(1)
            if (before.kind, len(before.body)) == (message.kind, len(message.body)):
                forms.append(2)
                if self.delta(before, message) == delta_ms:
                    forms.append(3)
        return forms

    def delta(self, before: Message, message: Message) -> int:
        return (message.timestamp_ms - before.timestamp_ms) % TIMES

    def cut(
        self, number: int, message: Message, form: int, chunk_bytes: int = DEFAULT_CHUNK_BYTES
    ) -> list[bytes]:
        """Write the chunks of a message."""
        before, _ = self.last.get(number, (message, 0))
        time_ms = message.timestamp_ms if form == 0 else self.delta(before, message)
        self.last[number] = (message, time_ms)
        extended = time_ms.to_bytes(4, "big") if time_ms >= EXTENDED else b""
        fields = min(time_ms, EXTENDED).to_bytes(3, "big")
        fields += len(message.body).to_bytes(3, "big") + bytes((message.kind,))
        fields += message.stream.to_bytes(4, "little")
        first = basic(form, number) + fields[: (11, 7, 3, 0)[form]] + extended
        body = message.body
        pieces = [body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes)] or [b""]
        further = basic(3, number) + extended
        return [first + pieces[0], *[further + piece for piece in pieces[1:]]]


def basic(form: int, number: int) -> bytes:
    if number < 64:
        return bytes((form << 6 | number,))
    if number < 64 + 256:
        return bytes((form << 6, number - 64))
    return bytes((form << 6 | 1,)) + (number - 64).to_bytes(2, "little")


def status(code: str, level: str = "status", description: str = "") -> Message:
    about: dict[str, amf0.Value] = {"level": level, "code": code, "description": description}
    return Message(COMMAND, 0, STREAM, amf0.encode("onStatus", 0, None, about))


class Server:
    """Answers a client as far as its script goes, and keeps what it was told.

    Args:
        silent_at: from this step on nothing is answered.
        refused_at: this step is refused.
    """

    def __init__(self, silent_at: Step = "nothing", refused_at: Step = "nothing") -> None:
        self.silent_at = silent_at
        self.refused_at = refused_at
        self.commands: list[list[amf0.Value]] = []
        self.media: list[Message] = []
        self.others: list[Message] = []
        self.reader = ChunkReader()
        self.writer = ChunkWriter()
        self._waiting = b""
        self._shook = 0

    def receive(self, chunk: bytes) -> bytes:
        """Take bytes of a client; give the answer."""
        self._waiting += chunk
        if self._shook == 0 and len(self._waiting) >= 1 + PACKET_BYTES:
            packet = self._waiting[1 : 1 + PACKET_BYTES]
            self._waiting = self._waiting[1 + PACKET_BYTES :]
            self._shook = 1
            answer = S0 + S1 + packet
            return answer[:2000] if self.silent_at == "handshake" else answer + self.receive(b"")
        if self._shook == 1 and len(self._waiting) >= PACKET_BYTES:
            assert self._waiting[:PACKET_BYTES] == S1
            self._waiting = self._waiting[PACKET_BYTES:]
            self._shook = 2
        if self._shook < 2:
            return b""
        chunk, self._waiting = self._waiting, b""
        return b"".join(self._answer(message) for message in self.reader.feed(chunk))

    def has_media(self, count: int) -> bool:
        """Tell whether so many messages of audio, video and data came."""
        return len(self.media) >= count

    def say(self, *messages: Message) -> bytes:
        """Write messages to the client."""
        return b"".join(part for message in messages for part in self.writer.write(3, message))

    def _answer(self, message: Message) -> bytes:
        if message.kind in (AUDIO, VIDEO, DATA):
            self.media.append(message)
        elif message.kind != COMMAND:
            self.others.append(message)
        else:
            command = amf0.decode(message.body)
            self.commands.append(command)
            return self._obey(command)
        return b""

    def _obey(self, command: list[amf0.Value]) -> bytes:
        name, transaction = command[0], command[1]
        if name == self.silent_at:
            self.silent_at = "nothing"
            self._obey = lambda command: b""  # type: ignore[method-assign]
            return b""
        if name == self.refused_at:
            return self._refuse(str(name), transaction)
        if name == "connect":
            about: dict[str, amf0.Value] = {"code": "NetConnection.Connect.Success"}
            result = amf0.encode("_result", transaction, {"fmsVer": "FMS/3,0,1,123"}, about)
            return self.say(control(5, 5_000_000), Message(COMMAND, 0, 0, result))
        if name == "createStream":
            return self.say(
                Message(COMMAND, 0, 0, amf0.encode("_result", transaction, None, STREAM))
            )
        if name == "play":
            return self.say(status("NetStream.Play.Reset"), status("NetStream.Play.Start"))
        if name == "publish":
            return self.say(status("NetStream.Publish.Start"))
        return b""

    def _refuse(self, name: str, transaction: amf0.Value) -> bytes:
        codes = {
            "connect": "NetConnection.Connect.Rejected",
            "play": "NetStream.Play.StreamNotFound",
            "publish": "NetStream.Publish.BadName",
        }
        if name in ("play", "publish"):
            return self.say(status(codes[name], "error", "no\nsuch\x00thing"))
        about: dict[str, amf0.Value] = {"level": "error", "code": codes.get(name, "")}
        return self.say(Message(COMMAND, 0, 0, amf0.encode("_error", transaction, None, about)))


class Talk(NamedTuple):
    """A session that has come as far as the script of its server."""

    session: Session
    server: Server
    events: list[Event]

    def hear(self, *messages: Message) -> list[Event]:
        """Let the client hear messages of the server, and the server what it says to them."""
        events = self.session.receive(self.server.say(*messages))
        self.server.receive(self.session.take_outgoing())
        return events


def talk(purpose: Purpose, server: Server | None = None) -> Talk:
    """Let a session and a server talk until neither has anything to say."""
    session = Session(ADDRESS, purpose, RANDOM)
    server = server or Server()
    events: list[Event] = []
    while said := session.take_outgoing():
        events += session.receive(server.receive(said))
        if any(isinstance(event, Ended) for event in events):
            break
    return Talk(session, server, events)


def stream_tag(
    kind: int, time_ms: int, body: bytes, *, configures: bool = False, keyframe: bool = False
) -> StreamTag:
    return StreamTag(kind, time_ms, configures, keyframe, write_tag(Tag(kind, time_ms, body)))


def picture(time_ms: int, *, keyframe: bool = False, size: int = 100) -> StreamTag:
    body = bytes((0x17 if keyframe else 0x27, 1, 0, 0, 0)) + time_ms.to_bytes(4, "big")
    return stream_tag(VIDEO, time_ms, body + bytes(size), keyframe=keyframe)


def configurations() -> list[StreamTag]:
    return [
        stream_tag(SCRIPT, 0, METADATA, configures=True),
        stream_tag(VIDEO, 0, AVC_CONFIGURATION, configures=True),
        stream_tag(AUDIO, 0, AAC_CONFIGURATION, configures=True),
    ]


def group(start_ms: int, pictures: int = 5, size: int = 100) -> list[StreamTag]:
    return [
        picture(start_ms + 40 * index, keyframe=index == 0, size=size) for index in range(pictures)
    ]


def pieces(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]
