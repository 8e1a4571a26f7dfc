"""Write the seed corpus of the RTMP session: ``python -m tests.fuzz.rtmp_corpus``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sei.flv.tags import Tag, write_tag
from sei.rtmp import amf0
from sei.rtmp.chunks import ChunkWriter, Message
from sei.rtmp.messages import control
from tests.fuzz.rtmp_target import EVERYWHERE, PUBLISHES, SCRIPT
from tests.unit.sei.rtmp_samples import METADATA, STREAM, Cutter, status

CORPUS: Final = Path(__file__).parent / "corpus" / "rtmp"
PICTURE: Final = b"\x27\x01\x00\x00\x00picture"
FRESH, SHAKEN, CONNECTED, STARTED = (bytes((step << 1, 1, 2)) for step in range(4))
CUT: Final = bytes((EVERYWHERE | 6, 0, 0))
SCRIPTED: Final = bytes((SCRIPT | 6, 0, 0))
PUBLISHED: Final = bytes((PUBLISHES | 6, 0, 0))


def seeds() -> Iterator[tuple[str, bytes]]:
    """Give each seed with its name."""
    connected = amf0.encode(
        "_result", 1, {"fmsVer": "F"}, {"code": "NetConnection.Connect.Success"}
    )
    created = amf0.encode("_result", 4, None, STREAM)
    picture = Message(9, 40, STREAM, PICTURE)
    sounds = [Message(8, time_ms, STREAM, b"\xaf\x01" + bytes(300)) for time_ms in (0, 23, 46, 69)]
    aggregate = b"".join(write_tag(Tag(9, time_ms, PICTURE)) for time_ms in (100, 140))
    yield "nothing", FRESH
    yield "version", FRESH + b"\x06"
    yield "shaken", SHAKEN + said(Message(20, 0, 0, connected), Message(20, 0, 0, created))
    yield "created", CONNECTED + said(Message(20, 0, 0, created)) + said(picture)
    yield "picture", STARTED + said(picture, Message(18, 0, STREAM, METADATA))
    yield "picture_cut", CUT + said(picture, picture)
    yield "controls", STARTED + said(control(5, 100), control(6, 100), control(3, 7), picture)
    yield "ping", STARTED + said(Message(4, 0, 0, b"\x00\x06\x00\x00\x00\x01"))
    yield "chunk_size", CUT + said(control(1, 5)) + forms(sounds[:1], (0,), 5)
    yield "forms", CUT + forms(sounds, (0, 1, 2, 3))
    yield "extended", STARTED + forms([sounds[0]._replace(timestamp_ms=1 << 31)], (0,))
    yield "abort", STARTED + Cutter().cut(5, sounds[0], 0)[0] + said(control(2, 5), picture)
    yield "aggregate", STARTED + said(Message(22, 1000, STREAM, aggregate))
    yield "ended", STARTED + said(status("NetStream.Play.UnpublishNotify"))
    yield "refused", PUBLISHED + said(status("NetStream.Publish.BadName", "error", "no\n"))
    yield "script", SCRIPTED + scripted(picture, Message(18, 0, 0, METADATA), picture)
    yield "script_command", SCRIPTED + scripted(status("NetStream.Play.Stop"))
    yield "script_aggregate", SCRIPTED + scripted(Message(22, 160, 0, aggregate))


def said(*messages: Message) -> bytes:
    return b"".join(part for message in messages for part in ChunkWriter().write(3, message))


def forms(messages: list[Message], in_forms: tuple[int, ...], chunk_bytes: int = 128) -> bytes:
    cutter = Cutter()
    pairs = zip(messages, in_forms, strict=True)
    return b"".join(c for message, form in pairs for c in cutter.cut(4, message, form, chunk_bytes))


def scripted(*messages: Message) -> bytes:
    """Write a script; bodies are filled up to a multiple of four."""
    parts = []
    for kind, time_ms, _, body in messages:
        filled = body + bytes(-len(body) % 4)
        parts.append(bytes((kind, time_ms >> 4, len(filled) >> 2)) + filled)
    return b"".join(parts)


def main() -> None:
    """Write every seed; the same bytes each time."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds():
        (CORPUS / name).write_bytes(seed)


if __name__ == "__main__":
    main()
