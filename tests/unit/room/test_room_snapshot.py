from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from room_samples import waiting

from room.documents import Cooldown, Participation, Person, Requests, Seat, Session, State
from room.errors import InvalidArgument, Malformed, SeatsyncError
from room.position import LARGEST, Position
from room.snapshot import (
    SCHEMA,
    Edition,
    Encoded,
    External,
    Snapshot,
    Stored,
    StoredDocument,
    encode_state,
    read_head,
)
from room.views import VIEWS, View

GOLDEN = Path(__file__).parents[2] / "vectors" / "snapshots"

ROOMS = {
    "no-session": Stored("demo", State("alice"), Position(1_732_146_400_123, 1), 1_732_146_400_123),
    "open-seats": Stored(
        "room_2-B",
        State(
            "alice",
            kind="video",
            admins=("bob",),
            seat_mode="apply",
            session=Session("s_2", "video", 1_732_146_400_123),
            seats=(Seat(), Seat(locked=True), Seat(audio_locked=True), Seat(), Seat()),
            muted_users=("carol",),
            cooldowns=(Cooldown("dave", 1_732_150_060_123),),
        ),
        Position(0, LARGEST),
        0,
    ),
    "seated": Stored(
        "demo",
        State(
            "alice",
            admins=("bob",),
            seat_mode="invite",
            session=Session("s_3", "voice", 1_732_146_400_123),
            seats=(
                Seat(
                    occupant=Participation(
                        "p_1",
                        Person("alice", "Alice", "face/9a1b"),
                        1_732_146_400_123,
                        mic_on=True,
                    )
                ),
                Seat(
                    locked=True,
                    audio_locked=True,
                    occupant=Participation(
                        "p_2",
                        Person("bob", '"\\\n\x01</\u2028é', ""),
                        1_732_146_401_000,
                        link="lost",
                    ),
                ),
                Seat(
                    occupant=Participation(
                        "p_3",
                        Person("carol:1@x.y", "\U0001f600\u4e2d\u6587", "face/\u00fc"),
                        0,
                        mic_on=True,
                        link="weak",
                    )
                ),
                Seat(locked=True),
            ),
            muted_users=("carol:1@x.y",),
        ),
        Position(1_732_146_400_123, 1287),
        1_732_150_000_123,
    ),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ROOMS)
def test_bytes_of_the_schema_are_frozen(name: str, view: View) -> None:
    golden = (GOLDEN / f"state.{name}.{view}.schema-{SCHEMA}.json").read_bytes()
    assert encode_state(ROOMS[name], view).body == golden


def test_every_golden_file_is_compared() -> None:
    names = {f"state.{name}.{view}.schema-{SCHEMA}.json" for name in ROOMS for view in VIEWS}
    assert {path.name for path in GOLDEN.glob("state.*.json")} == names


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ROOMS)
def test_equal_rooms_give_equal_bytes_digest_and_gzip(name: str, view: View) -> None:
    one, other = (encode_state(ROOMS[name], view) for _ in range(2))
    assert one.body == other.body
    assert one.digest == other.digest == hashlib.sha256(one.body).digest()
    assert one.gzipped == other.gzipped
    assert gzip.decompress(one.gzipped) == one.body


def test_gzip_form_names_no_time_and_no_file() -> None:
    gzipped = encode_state(ROOMS["seated"], "member").gzipped
    assert gzipped[:4] == b"\x1f\x8b\x08\x00"  # RFC 1952 2.3: no FNAME, no FCOMMENT
    assert gzipped[4:8] == bytes(4)  # MTIME 0


def test_repr_digest_is_a_structured_byte_sequence() -> None:
    snapshot = encode_state(ROOMS["seated"], "anonymous")
    encoded = base64.b64encode(hashlib.sha256(snapshot.body).digest()).decode()
    assert snapshot.repr_digest == f"sha-256=:{encoded}:"


def test_derived_forms_are_computed_once() -> None:
    snapshot = encode_state(ROOMS["seated"], "member")
    for name in ("digest", "repr_digest", "gzipped"):
        assert getattr(snapshot, name) is getattr(snapshot, name)


def _quoted(item: Encoded) -> bytes:
    return b"<" + item.body + b">"


def _doubled(item: Encoded) -> bytes:
    return 2 * item.body


def test_each_form_is_made_once_and_kept_apart() -> None:
    said = Encoded(b"a")
    assert said.form(_quoted) == b"<a>"
    assert said.form(_quoted) is said.form(_quoted)
    assert said.form(_doubled) == b"aa"
    assert said.form(_quoted) == b"<a>"


def test_edition_encodes_each_view_once() -> None:
    edition = Edition(ROOMS["seated"])
    assert (edition.room, edition.doc, edition.position) == (
        "demo",
        "state",
        Position(1_732_146_400_123, 1287),
    )
    assert edition.view("member") is edition.view("member")
    assert edition.view("anonymous") is edition.view("anonymous")
    assert edition.view("member").view == "member"
    assert edition.view("anonymous").body == encode_state(ROOMS["seated"], "anonymous").body


@pytest.mark.parametrize("view", VIEWS)
def test_snapshot_from_the_wire_is_the_one_that_was_sent(view: View) -> None:
    sent = encode_state(ROOMS["seated"], view)
    got = Snapshot(read_head(sent.body), sent.body)
    for name in ("room", "doc", "view", "position", "ts_ms", "body", "digest"):
        assert getattr(got, name) == getattr(sent, name)


def head(**changes: object) -> bytes:
    fields = json.loads(encode_state(ROOMS["seated"], "member").body)
    fields.update(changes)
    return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()


def test_unknown_fields_of_a_later_release_are_ignored() -> None:
    assert read_head(head(later={"a": [1]}, schema=2)).schema == 2


@pytest.mark.parametrize("number", [0, LARGEST])
def test_position_may_reach_its_bounds(number: int) -> None:
    assert read_head(head(epoch=number, version=number)).position == Position(number, number)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "welcome"},
        {"type": ...},
        {"type": 1},
        {"doc": ...},
        {"doc": 1},
        {"schema": "1"},
        {"schema": ...},
        {"view": "owner"},
        {"view": ...},
        {"room": None},
        {"epoch": -1},
        {"epoch": LARGEST + 1},
        {"epoch": 2**70},
        {"epoch": "1"},
        {"epoch": 1.5},
        {"epoch": ...},
        {"version": -1},
        {"version": LARGEST + 1},
        {"version": ...},
        {"ts": ...},
    ],
    ids=str,
)
def test_what_is_no_snapshot_is_invalid(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        read_head(head(**changes))


@pytest.mark.parametrize("body", [b"", b"snapshot", b'{"type":"snapshot"', head() + b"x"])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_head(body)


def test_snapshot_outside_utf_8_is_malformed() -> None:
    body = encode_state(ROOMS["seated"], "member").body
    with pytest.raises(Malformed):
        read_head(body.replace(b"Alice", b"Ali\xff\xfe"))


@given(st.binary())
def test_arbitrary_bytes_raise_only_the_two_errors(body: bytes) -> None:
    with pytest.raises((Malformed, InvalidArgument)):
        read_head(body)


SEATED_BODY = encode_state(ROOMS["seated"], "member").body


@given(st.integers(0, len(SEATED_BODY) - 1), st.integers(0, 255))
def test_snapshot_with_one_byte_changed_reads_or_raises_the_two_errors(at: int, byte: int) -> None:
    body = SEATED_BODY[:at] + bytes([byte]) + SEATED_BODY[at + 1 :]
    try:
        known = read_head(body)
    except (Malformed, InvalidArgument):
        return
    assert 0 <= min(known.position) <= max(known.position) <= LARGEST


def test_revision_orders_everything_that_a_room_went_through() -> None:
    stored = Stored("demo", State("alice"), Position(7, 3), 1, requests_version=9)
    assert stored.revision == Edition(stored).revision == (7, 3, 9)
    assert stored.requests_position == Position(7, 9)
    later = msgspec.structs.replace(stored, requests_version=10)
    assert stored.revision < later.revision
    assert later.revision < msgspec.structs.replace(later, position=Position(8, 1)).revision


def test_edition_gives_the_documents_of_the_room_and_no_other() -> None:
    edition = Edition(ROOMS["seated"])
    assert edition.document("state") is edition
    assert edition.document("requests") is edition.requests
    for doc in ("play", "x-scores"):
        with pytest.raises(SeatsyncError) as caught:
            edition.document(doc)
        assert caught.value.code == "DOC_NOT_FOUND"


def test_edition_names_who_is_seated() -> None:
    assert Edition(ROOMS["seated"]).seated_users == {"alice", "bob", "carol:1@x.y"}
    assert Edition(ROOMS["open-seats"]).seated_users == frozenset()


def test_document_of_a_service_is_a_room_document_of_one_view() -> None:
    stored = StoredDocument("demo", "x-a", Position(7, 2), 5, b'{"n":1.0}', b"f")
    document = External(stored)
    assert (document.room, document.doc, document.key) == ("demo", "x-a", ("demo", "x-a"))
    assert document.position == document.revision == Position(7, 2)
    assert document.document("x-a") is document
    snapshot = document.view("member")
    assert (snapshot.view, snapshot.ts_ms) == ("anonymous", 5)
    assert snapshot.body.endswith(b'"ts":5,"data":{"n":1.0}}')


def test_requests_list_the_oldest_hundred_and_count_all() -> None:
    items = tuple(waiting("apply" if n % 2 else "invite", f"u{n}") for n in range(150))
    stored = Stored("demo", State("alice"), Position(1, 1), 1, Requests(items))
    shown = json.loads(Edition(stored).requests.view("member").body)
    assert [item["user"]["user_id"] for item in shown["items"]] == [f"u{n}" for n in range(100)]
    assert shown["total"] == 150


@pytest.mark.parametrize("part", ["epoch", "version", "requests_version"])
def test_room_stands_at_its_own_revision_alone(part: str) -> None:
    stored = Stored("demo", State("alice"), Position(7, 3), 1, requests_version=5)
    assert stored.stands_at(stored.revision)
    assert not stored.stands_at(stored.revision._replace(**{part: 9}))
