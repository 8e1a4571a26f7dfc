"""A head that comes in many pieces is looked at once, and judged as if it had come in one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.edge import reading
from gateway.edge.framing import FIRST_BYTES, MAX_HEAD_BYTES, may_become_head
from tests.unit.gateway_edge.edge_door_meeting import meet
from tests.unit.gateway_edge.edge_door_samples import Recorder, statuses
from tests.unit.gateway_edge.smuggling_corpus import get

START = b"GET /" + b"x" * FIRST_BYTES
PIECE = st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b" ", b"\t"]) | st.binary(max_size=4)


@example([START, b"\r", b"\n", b"a"])
@example([START, b"\r", b"a"])
@example([START, b"\n"])
@given(st.lists(PIECE, max_size=30).map(lambda pieces: [START, *pieces]))
def test_pieces_are_judged_as_the_whole_is(pieces: list[bytes]) -> None:
    held, checked = b"", 0
    for piece in pieces:
        held += piece
        is_good = may_become_head(held)
        assert may_become_head(held, checked) is is_good
        if not is_good:
            return
        checked = len(held)


def test_what_was_found_good_is_not_looked_at_again() -> None:
    held = START + b"\0" + START
    assert not may_become_head(held)
    assert may_become_head(held + b"a", len(held))
    assert not may_become_head(held + b"\0", len(held))
    assert not may_become_head(START.ljust(MAX_HEAD_BYTES + 1, b"a"), MAX_HEAD_BYTES)


async def test_door_has_each_byte_of_a_slow_head_checked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []

    def ask(held: bytes, checked: int = 0) -> bool:
        asked.append((len(held), checked))
        return may_become_head(held, checked)

    monkeypatch.setattr(reading, "may_become_head", ask)
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    for _ in range(2):
        asked.clear()
        head = get()
        for byte in head:
            door.data_received(bytes((byte,)))
        assert asked == [(count, count - 1) for count in range(1, len(head))]
    assert statuses(wire.sent) == [200, 200]
