"""What must hold for an RTMP session whatever a server sends. Runs with or without a fuzzer.

| bytes of an input | what |
| --- | --- |
| 0 | 0x01: publishes; 0x06: how far it has come; 0x40: a script; 0x80: cut everywhere |
| 1, 2 | seed of the cuts |
| 3 … | the server's bytes; of a script: type, time / 16, length / 4, body of each message |
"""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Final

from sei.errors import BadRtmp
from sei.flv.tags import TagParser, file_header, write_tag
from sei.rtmp.chunks import MAX_HELD_BYTES, Message
from sei.rtmp.handshake import PACKET_BYTES
from sei.rtmp.session import Ended, Event, Session, Started, Tag
from tests.unit.sei.rtmp_samples import ADDRESS, RANDOM, STREAM, Cutter, Server, talk

PUBLISHES: Final = 0x01
SCRIPT: Final = 0x40
EVERYWHERE: Final = 0x80
FLOOD: Final = "a flood"
CUTS: Final = 6
HEADER_BYTES: Final = 18


def one_input(fed: bytes) -> None:
    """Check one input.

    Raises:
        AssertionError: a rule does not hold; any other error but ``BadRtmp`` breaks one too.
    """
    if len(fed) < 3:
        return
    flags, stream = fed[0], fed[3:]
    if flags & SCRIPT:
        stream = played(stream)
    whole = checked(flags, [stream])
    cuts = range(len(stream)) if flags & EVERYWHERE else random_cuts(fed[1:3], len(stream))
    edges = [0, *sorted(cuts), len(stream)]
    parts = checked(flags, [stream[a:b] for a, b in pairwise(edges)])
    if FLOOD in whole[2] + parts[2]:  # judged by the piece: how it is cut makes the difference
        return
    assert parts[1] == whole[1], f"cut: {parts}, whole: {whole}"
    # What stands before an error in the same piece is lost with it.
    kept = parts[0][: len(whole[0])] if whole[1] else parts[0]
    assert kept == whole[0], f"cut: {parts}, whole: {whole}"


def begun(flags: int) -> Session:
    """Make a session that has come as far as an input says."""
    purpose = "publish" if flags & PUBLISHES else "play"
    if flags >> 1 & 3 == 0:
        return Session(ADDRESS, purpose, RANDOM)
    silent_at = ("connect", "createStream", "nothing")[(flags >> 1 & 3) - 1]
    return talk(purpose, Server(silent_at)).session


def played(script: bytes) -> bytes:
    """Give the chunks of a script, so that bytes go to the messages."""
    cutter, chunks, at = Cutter(), [], 0
    while at + 3 <= len(script):
        kind, time_ms, size = script[at], script[at + 1] << 4, script[at + 2] << 2
        body = script[at + 3 : at + 3 + size]
        chunks += cutter.cut(3, Message(kind, time_ms, STREAM, body), 0)
        at += 3 + size
    return b"".join(chunks)


def random_cuts(seed: bytes, size: int) -> list[int]:
    """Choose where to cut a stream."""
    rng = random.Random(seed)
    return [rng.randint(0, size) for _ in range(CUTS)]


def checked(flags: int, fed: list[bytes]) -> tuple[list[Event], bool, str]:
    """Let a session receive pieces; give what it made of them, whether it gave up, and why."""
    session = begun(flags)
    events: list[Event] = []
    received = said = 0
    held_before = session.held_bytes
    for piece in fed:
        try:
            events += session.receive(piece)
        except BadRtmp as error:
            return settled(events), True, error.message
        received += len(piece)
        said += len(session.take_outgoing())
        assert session.held_bytes <= min(
            held_before + received, 1 + 2 * PACKET_BYTES + MAX_HELD_BYTES + HEADER_BYTES
        )
    assert said <= 8192 + 8 * received, "answers are in proportion to what came"
    return settled(events), False, ""


def settled(events: list[Event]) -> list[Event]:
    """Check events."""
    assert sum(isinstance(event, Started) for event in events) <= 1
    tags = [event for event in events if isinstance(event, Tag)]
    for event in events:
        if isinstance(event, Ended):
            assert str(event).isprintable()
            assert len(str(event)) < 300
    flv = file_header(has_audio=True, has_video=True) + b"".join(map(write_tag, tags))
    assert TagParser().feed(flv) == tags, "the tags make an FLV stream"
    return events
