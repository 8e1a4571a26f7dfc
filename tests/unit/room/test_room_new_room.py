from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.commands import NewRoom, read_new_room
from room.errors import InvalidArgument, Malformed


@pytest.mark.parametrize("body", [b"", b" \r\n", b"{}", b'{"seat_count":null,"colour":"red"}'])
def test_room_that_says_nothing_gets_the_defaults(body: bytes) -> None:
    assert read_new_room(body) == NewRoom("voice", None, "free", None)


def test_room_reads_with_its_configuration() -> None:
    body = b'{"kind":"video","seat_count":50,"seat_mode":"invite","owner_id":"a.b"}'
    assert read_new_room(body) == NewRoom("video", 50, "invite", "a.b")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'{"kind":"radio"}',
        b'{"kind":null}',
        b'{"seat_count":0}',
        b'{"seat_count":51}',
        b'{"seat_mode":"closed"}',
        b'{"owner_id":""}',
        b'{"owner_id":"a b"}',
    ],
)
def test_room_of_the_wrong_shape_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        read_new_room(body)


@given(st.binary())
def test_arbitrary_bytes_for_a_room_raise_only_the_two_errors(body: bytes) -> None:
    try:
        read_new_room(body)
    except (Malformed, InvalidArgument):
        return
