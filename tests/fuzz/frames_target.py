"""What must hold for a frame reader whatever a stranger sends. Runs with or without a fuzzer.

| bytes of an input | what |
| --- | --- |
| 0 | 0x01: compression agreed; 0x0E: which limit; 0x40: a script; 0x80: cut everywhere |
| 1, 2 | seed of the cuts |
| 3 … | the client's bytes; of a script: first byte, length, payload of each frame, masked here |
"""

from __future__ import annotations

import random
from typing import Final

from gateway.push.deflate import inflate
from gateway.push.frames import CloseFrame, FrameError, FrameReader, Text
from tests.unit.gateway_push.frame_samples import Outcome, client_frame, outcome, pieces

AGREED: Final = 0x01
SCRIPT: Final = 0x40
EVERYWHERE: Final = 0x80
LIMITS: Final = (16384, 0, 1, 125, 126, 200, 1000, 70_000)
CODES: Final = frozenset((1002, 1003, 1007, 1008, 1009))
CUTS: Final = 6


def one_input(fed: bytes) -> None:
    """Check one input.

    Raises:
        AssertionError: a rule does not hold; any other error but ``FrameError`` breaks one too.
    """
    if len(fed) < 3:
        return
    flags, stream = fed[0], fed[3:]
    if flags & SCRIPT:
        stream = played(stream)
    whole = checked(flags, [stream])
    cuts = range(len(stream)) if flags & EVERYWHERE else random_cuts(fed[1:3], len(stream))
    parts = checked(flags, pieces(stream, cuts))
    assert parts == whole, f"cut: {parts}, whole: {whole}"


def limit_of(flags: int) -> int:
    """Give the longest message that an input's reader takes."""
    return LIMITS[flags >> 1 & 7]


def played(script: bytes) -> bytes:
    """Give the frames of a script: masks and lengths that fit, so that bytes go to the rules."""
    frames = []
    at = 0
    while at + 2 <= len(script):
        first, length = script[at], script[at + 1]
        payload = script[at + 2 : at + 2 + length]
        frames.append(client_frame(first & 0x0F, payload, flags=first & 0xF0))
        at += 2 + length
    return b"".join(frames)


def random_cuts(seed: bytes, size: int) -> list[int]:
    """Choose where to cut a stream."""
    rng = random.Random(seed)
    return [rng.randint(0, size) for _ in range(CUTS)]


def checked(flags: int, fed: list[bytes]) -> Outcome:
    """Read pieces, and check what came out and what is left inside."""
    reader = FrameReader(limit_of(flags), inflate if flags & AGREED else None)
    events, code = outcome(reader, fed)
    for event in events:
        if isinstance(event, Text):
            assert len(event.payload) <= limit_of(flags)
            event.payload.decode()
        else:
            assert len(event[-1] or b"") <= 125
    assert code is None or code in CODES
    assert reader.held_bytes == 0 or not reader.is_idle
    if code is not None or (events and isinstance(events[-1], CloseFrame)):
        check_ended(reader, code)
    return events, code


def check_ended(reader: FrameReader, code: int | None) -> None:
    """Check that nothing counts any more."""
    assert not reader.is_idle
    try:
        assert reader.feed(client_frame(1, b"late")) == []
    except FrameError as error:
        assert error.code == code  # noqa: PT017 - the target runs without pytest too
    else:
        assert code is None
    assert reader.held_bytes == 0
