"""What comes from the server and from other nodes: read whole, or refused with one error."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import exceptions
from redis.exceptions import (
    BusyLoadingError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

from room.documents import Requests, State
from room.errors import Unavailable, Unreadable
from room.position import LARGEST, Position
from room.snapshot import Stored
from store.bus import Notice, Voices
from store.port import CommandKey
from store.redis import messages, replies
from store.redis.opening import _flaw
from store.redis.refusals import refusal_of

FIELDS = [b"5", b"7", b"9", b'{"owner_id":"alice"}', b"1", b"0", b"{}"]
SOUND = {
    "redis_version": "7.0.15",
    "redis_mode": "standalone",
    "role": "master",
    "maxmemory_policy": "noeviction",
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def test_room_is_read_from_its_fields() -> None:
    assert replies.read_room("demo", FIELDS) == Stored(
        "demo", State("alice"), Position(5, 7), 9, Requests(), 1, 0
    )


@given(st.integers(0, 6), st.none() | st.binary(max_size=12) | st.just(b"%d" % (LARGEST + 1)))
def test_room_with_any_field_spoilt_is_read_or_unreadable(index: int, spoilt: bytes | None) -> None:
    fields = [*FIELDS[:index], spoilt, *FIELDS[index + 1 :]]
    try:
        stored = replies.read_room("demo", fields)
    except Unreadable:
        return
    assert max(stored.position) <= LARGEST
    assert isinstance(stored.state, State)


@given(st.lists(st.none() | st.binary(max_size=8), min_size=5, max_size=5))
def test_document_of_any_fields_is_read_or_unreadable(fields: list[bytes | None]) -> None:
    try:
        document = replies.read_document("demo", "x-score", fields)
    except Unreadable:
        return
    assert document.data == fields[3]


@given(st.binary(max_size=40))
def test_receipt_of_any_bytes_is_read_or_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        replies.read_receipts([CommandKey("alice", "c1")], [body])


@given(TEXTS, TEXTS)
def test_notice_comes_back_as_it_was(room: str, doc: str) -> None:
    decoded = messages.decode(messages.encode_notice(Notice(room, doc)))
    assert decoded == messages.Changed(room, doc)


@given(TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=4))
def test_voices_come_back_as_they_were(
    sender: str, node: str, room: str, user_ids: list[str]
) -> None:
    body = messages.encode_voices(sender, Voices(node, room, tuple(user_ids)))
    assert messages.decode(body) == messages.Speaking(sender, node, room, tuple(user_ids))


@given(st.binary(max_size=60))
def test_message_of_any_bytes_raises_only_its_own_error(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        messages.decode(body)


@pytest.mark.parametrize(
    ("error", "message", "kind"),
    [
        (ResponseError("WRONGTYPE Operation against a key"), "can't be read", Unreadable),
        (ResponseError("UNREADABLE epoch"), "can't be read", Unreadable),
        (ResponseError("BUSY Redis is busy running a script"), "refuses", Unavailable),
        (ResponseError("NOREPLICAS Not enough good replicas"), "refuses", Unavailable),
        (OutOfMemoryError("command not allowed"), "full", Unavailable),
        (ReadOnlyError("You can't write against a read only replica"), "primary", Unavailable),
        (MasterDownError("Link with MASTER is down"), "primary", Unavailable),
        (BusyLoadingError("Redis is loading"), "starting", Unavailable),
        (
            exceptions.ConnectionError("Error 111 connecting to secret.host:6379"),
            "reached",
            Unavailable,
        ),
        (TimeoutError("secret.host"), "reached", Unavailable),
    ],
)
def test_every_failure_has_a_sentence_of_its_own_and_names_no_host(
    error: Exception, message: str, kind: type[Unavailable]
) -> None:
    refusal = refusal_of(error)
    assert type(refusal) is kind
    assert message in refusal.message
    assert "secret" not in refusal.message
    assert refusal.__cause__ is error


def test_sound_server_has_no_flaw() -> None:
    assert _flaw(SOUND) is None


@pytest.mark.parametrize("version", ["", "6.2.14", "5.0.3", "odd"])
def test_server_that_is_too_old_is_named_by_its_version(version: str) -> None:
    flaw = _flaw({**SOUND, "redis_version": version})
    assert flaw is not None
    assert "7.0 or newer" in flaw


@pytest.mark.parametrize("version", ["7.0.0", "7.2.4", "8.0.1", "10.0"])
def test_newer_servers_are_taken(version: str) -> None:
    assert _flaw({**SOUND, "redis_version": version}) is None


@pytest.mark.parametrize("policy", [None, "allkeys-lru", "volatile-lru"])
def test_policy_that_may_evict_is_a_flaw(policy: str | None) -> None:
    facts = {name: value for name, value in SOUND.items() if name != "maxmemory_policy"}
    assert _flaw(facts if policy is None else {**facts, "maxmemory_policy": policy}) is not None
