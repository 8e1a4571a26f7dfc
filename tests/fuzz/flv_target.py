"""What must hold for any bytes that are to be FLV. Runs with or without a fuzzer.

| bytes of an input | what |
| --- | --- |
| 0 | size of the pieces in which the rest comes in |
| 1 … | the stream |
"""

from __future__ import annotations

from typing import Final

from room.position import Position
from sei.errors import BadFlv, BadMedia
from sei.flv.clock import TagClock
from sei.flv.live import LiveRewriter
from sei.flv.reader import FlvStateReader
from sei.flv.rewriter import FlvRewriter
from sei.flv.tags import TagParser
from sei.inputs.paced import TagTimes
from sei.insertion.cadence import Injection
from sei.wire.payload import encode

OURS: Final = encode("demo", Position(9, 3), 1003, b'{"room":"demo"}')
_HALF: Final = 1 << 31


def one_input(fed: bytes) -> None:
    """Check one input.

    Raises:
        AssertionError: a rule does not hold; any other error breaks one too.
    """
    if not fed:
        return
    step, content = fed[0] + 1, fed[1:]
    check_pieces(content, step)
    stripped = rewrite(content, "off", step)
    if stripped is None:
        return
    assert rewrite(content, "off", len(content) + 1) == stripped, "pieces make no difference"
    assert rewrite(stripped, "off", step) == stripped, "what is clean stays as it is"
    check_reader(stripped, step)
    injected = rewrite(stripped, "on", step)
    if injected is not None:
        again = rewrite(injected, "off", step) or b""
        # The size behind a tag, which nobody reads, may have been wrong; then it is right now.
        assert TagParser().feed(again) == TagParser().feed(stripped), "out without a trace"
    check_live(stripped, step)


def rewrite(content: bytes, injection: Injection, step: int) -> bytes | None:
    """Rewrite in pieces; None where the stream is refused."""
    rewriter = FlvRewriter(lambda _ms: OURS, injection)
    made = []
    try:
        for at in range(0, len(content), step):
            made.append(rewriter.rewrite(content[at : at + step]))
    except (BadFlv, BadMedia):
        return None
    assert rewriter.held_bytes <= len(content)
    return b"".join(made)


def check_reader(stripped: bytes, step: int) -> None:
    reader = FlvStateReader("demo")
    for at in range(0, len(stripped), step):
        assert reader.feed(stripped[at : at + step]) == []
    assert (reader.foreign, reader.broken) == (0, 0), "nothing of ours stays"


def check_live(stripped: bytes, step: int) -> None:
    live = LiveRewriter(lambda _ms: (), TagClock(), "off")
    tags = [
        tag for at in range(0, len(stripped), step) for tag in live.feed(stripped[at : at + step])
    ]
    parsed = TagParser().feed(stripped)
    assert [tag.kind for tag in tags] == [tag.kind for tag in parsed]
    assert [tag.encoded[11:-4] for tag in tags] == [tag.body for tag in parsed]
    last: dict[int, int] = {}
    has_begun = False
    for tag in tags:
        if not (tag.is_configuration or has_begun):
            has_begun, last = True, {}  # what went before bears the time 0, wherever the input is
        step_ms = (tag.timestamp_ms - last.get(tag.kind, tag.timestamp_ms)) % (2 * _HALF)
        assert step_ms < _HALF, "times of a kind never fall"
        last[tag.kind] = tag.timestamp_ms


def check_pieces(content: bytes, step: int) -> None:
    times = TagTimes()
    cut = [times.feed(content[at : at + step]) for at in range(0, len(content), step)]
    made = b"".join(piece.content for pieces in cut for piece in pieces)
    assert made + times.end().content == content
