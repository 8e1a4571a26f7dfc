from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_strategies import any_bytes, framings, insert, packets

from sei.wire.framing import Framing
from sei.wire.glance import plain_check
from sei.wire.message import find_messages, message_unit
from sei.wire.nal import insert_offset, is_vcl, walk
from sei.wire.search import _by_python, search_for


@given(st.data(), framings)
def test_a_message_of_ours_is_never_overlooked(data: st.DataObject, framing: Framing) -> None:
    packet = data.draw(packets(framing))
    forged = insert(packet, framing, [message_unit(b"forged", framing.codec)])
    if find_messages(forged, framing):
        assert not plain_check(framing)(forged, len(forged))


@given(any_bytes, framings)
def test_of_any_bytes_only_those_with_a_picture_and_nothing_of_ours_pass(
    packet: bytes, framing: Framing
) -> None:
    if plain_check(framing)(packet, len(packet)):
        assert insert_offset(packet, framing) is not None
        assert find_messages(packet, framing) == []


@given(any_bytes)
def test_the_first_picture_is_found_where_a_walk_finds_it(packet: bytes) -> None:
    framing = Framing("h264")
    walked = (span.prefix for span in walk(packet, framing) if is_vcl(span, "h264"))
    assert insert_offset(packet, framing) == next(walked, None)


class Held:
    """Bytes that lie at an address, as those of PyAV's packets."""

    def __init__(self, content: bytes) -> None:
        import ctypes

        self._buffer = ctypes.create_string_buffer(content, len(content))
        self.buffer_ptr = ctypes.addressof(self._buffer)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000])
def test_both_searches_find_the_same(size: int) -> None:
    needle = bytes(range(16, 32))
    by_libc, by_python = search_for(needle), _by_python(needle)
    for content in (b"x" * size, needle + b"x" * size, b"x" * size + needle, needle[:-1] * 3):
        expected = needle in content
        assert by_python(content, len(content)) is expected
        assert by_libc(content, len(content)) is expected
        assert by_libc(Held(content), len(content)) is expected  # type: ignore[arg-type]  # its shape
