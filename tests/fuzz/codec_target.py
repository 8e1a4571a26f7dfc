"""What must hold for one packet of a stream, whatever is in it. Runs with or without a fuzzer.

| bytes of an input | what |
| --- | --- |
| 0 | 0x01: HEVC; 0x06: lengths of 4, 3, 2 bytes, or start codes; 0x08: a message's body follows |
| 1 … | the packet, or the body |
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from room.position import Position
from sei.errors import BadPayload
from sei.wire.assembler import Assembler
from sei.wire.framing import Framing, framing_of, parameter_sets
from sei.wire.message import find_messages, message_unit, remove_messages
from sei.wire.nal import escape, insert_offset, splice, unescape, walk
from sei.wire.payload import MAX_SNAPSHOT_BYTES, decode, encode

HEVC: Final = 0x01
BODY: Final = 0x08
LENGTHS: Final = (4, 3, 2, None)
STATE: Final = '{"type":"snapshot","doc":"state","room":"demo","note":"é"}'.encode()
OURS: Final = encode("demo", Position(9, 3), 1003, STATE)[0]


def one_input(fed: bytes) -> None:
    """Check one input.

    Raises:
        AssertionError: a rule does not hold; any other error breaks one too.
    """
    if not fed:
        return
    flags, rest = fed[0], fed[1:]
    if flags & BODY:
        check_body(rest)
        return
    codec = "hevc" if flags & HEVC else "h264"
    check_packet(rest, Framing(codec, LENGTHS[flags >> 1 & 3]))
    framing_of(codec, rest)
    for unit in parameter_sets(codec, rest):
        assert unit in rest, "parameter sets are slices of their record"


def check_packet(packet: bytes, framing: Framing) -> None:
    spans = list(walk(packet, framing))
    assert all(a.end <= b.prefix for a, b in pairwise(spans)), "in order"
    found = find_messages(packet, framing)
    clean, removed = remove_messages(packet, framing)
    assert removed == len(found)
    assert (clean is packet) or removed, "what holds nothing of ours is not touched"
    assert find_messages(clean, framing) == [], "nothing of ours stays"
    at = insert_offset(clean, framing)
    if at is None:
        return
    made = splice(clean, at, framing, (message_unit(OURS, framing.codec),))
    assert find_messages(made, framing) == [OURS], "what goes in is found"
    assert remove_messages(made, framing) == (clean, 1), "and goes out without a trace"


def check_body(body: bytes) -> None:
    escaped = escape(body + b"\x80")
    assert b"\x00\x00\x00" not in escaped
    assert b"\x00\x00\x01" not in escaped
    assert unescape(escaped) == body + b"\x80"
    assembler = Assembler()
    try:
        message = decode(body)
        if message is None:
            return
        snapshot = assembler.offer(message)
    except BadPayload:
        return
    if snapshot is not None:
        assert message.crc_holds
        assert len(snapshot.body) <= MAX_SNAPSHOT_BYTES
        assert snapshot.position == message.position
