"""Names of keys: no two things share one, and all of a room stand in its slot."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.errors import InvalidArgument
from store.leases import Seated
from store.port import CommandKey
from store.redis.keys import (
    SHARDS,
    ack_key,
    document_key,
    documents_key,
    lease_member,
    online_key,
    room_key,
    seat_key,
    shard_of,
)

NASTY = st.text(st.sampled_from("ab:{}/%1é\U0001f600\r\n \x00"), min_size=1, max_size=6)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | NASTY


def slot_tag(key: str) -> str | None:
    """The part of a key that its slot depends on (Redis Cluster specification)."""
    match = re.search(r"\{([^}]*)\}", key)
    return match[1] if match and match[1] else None


@given(NAMES, NAMES, NAMES, NAMES)
def test_all_keys_of_a_room_share_its_hash_tag(
    room: str, actor_id: str, cmd_id: str, doc: str
) -> None:
    keys = [room_key(room), ack_key(room, CommandKey(actor_id, cmd_id)), document_key(room, doc)]
    tags = {slot_tag(key) for key in [*keys, documents_key(room), online_key(room)]}
    assert len(tags) == 1
    assert tags != {None}


@given(st.lists(st.tuples(NAMES, NAMES, NAMES), unique=True, min_size=2, max_size=8))
def test_no_two_commands_share_a_key(commands: list[tuple[str, str, str]]) -> None:
    keys = {ack_key(room, CommandKey(actor_id, cmd_id)) for room, actor_id, cmd_id in commands}
    assert len(keys) == len(commands)


@given(st.lists(st.tuples(NAMES, NAMES), unique=True, min_size=2, max_size=8))
def test_no_two_of_anything_else_share_a_name(pairs: list[tuple[str, str]]) -> None:
    assert len({lease_member(Seated(*pair)) for pair in pairs}) == len(pairs)
    rooms = {room for room, _ in pairs}
    for name in (room_key, documents_key, online_key, seat_key):
        assert len({name(room) for room in rooms}) == len(rooms)
    assert len({document_key(*pair) for pair in pairs}) == len(pairs)


@given(NAMES)
def test_every_room_has_a_shard(room: str) -> None:
    assert 0 <= shard_of(room) < SHARDS


def test_shard_is_the_one_that_other_nodes_compute() -> None:
    assert [shard_of(room) for room in ("demo", "a", "room1")] == [32, 3, 42]


def test_names_that_the_gateway_admits_are_readable_in_keys() -> None:
    assert room_key("De-mo_7") == "seatsync:{De-mo_7}:room"
    assert ack_key("demo", CommandKey("alice", "c1")) == "seatsync:{demo}:ack:5:alice:c1"
    assert document_key("demo", "x-score") == "seatsync:{demo}:x:x-score"
    assert seat_key("alice") == "seatsync:seat:{alice}"


def test_half_a_surrogate_pair_is_an_invalid_argument() -> None:
    with pytest.raises(InvalidArgument):
        room_key("\ud83d")
