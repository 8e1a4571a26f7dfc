"""The bytes of every document in every view, frozen.

A release that would change one of these files changes what readers hold, hash and compare. Such a
release raises ``SCHEMA`` in ``room/snapshot.py`` and adds files named for the new number; the files
of the old number go with the code that could still write it. A file is never edited.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from room_samples import NOW_MS, STARTED_MS

from room.documents import (
    Ban,
    Cooldown,
    EndedRequest,
    Participation,
    Person,
    Requests,
    Seat,
    SeatRequest,
    Session,
    State,
)
from room.position import Position
from room.snapshot import SCHEMA, Edition, External, Published, Stored, StoredDocument
from room.views import View

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"

ALICE = Person("alice", "Alice", "face/9a1b")
BOB = Person("bob@example.org", '"Bób"\\\u2028\U0001f600', "")
CAROL = Person("carol", "Carol", "face/7c")

FULL = Edition(
    Stored(
        room="demo-1",
        state=State(
            owner_id="alice",
            kind="video",
            seat_count=7,
            room_seat_mode="invite",
            seat_mode="apply",
            admins=(BOB.user_id,),
            session=Session("s_1", "voice", STARTED_MS),
            seats=(
                Seat(occupant=Participation("p_1", ALICE, STARTED_MS + 1, mic_on=True)),
                Seat(
                    locked=True,
                    audio_locked=True,
                    occupant=Participation("p_2", BOB, STARTED_MS + 2, link="lost"),
                ),
                Seat(occupant=Participation("p_3", CAROL, STARTED_MS + 3, link="weak")),
                Seat(),
                Seat(locked=True, audio_locked=True),
            ),
            muted_users=("carol", "elsewhere"),
            cooldowns=(Cooldown("kicked", NOW_MS + 1),),
            bans=(Ban("banned"), Ban("banned-2", NOW_MS + 2)),
        ),
        position=Position(1_732_146_400_123, 1287),
        ts_ms=NOW_MS,
        requests=Requests(
            items=(
                SeatRequest(
                    "r_1", "apply", Person("dave", "Dave", ""), "dave", NOW_MS, NOW_MS + 60_000, 3
                ),
                SeatRequest(
                    "r_2", "invite", Person("erin", "erin", ""), "alice", NOW_MS, NOW_MS + 30_000
                ),
            ),
            ended=(
                EndedRequest(
                    SeatRequest("r_0", "apply", CAROL, "carol", 1, 2), "accepted", NOW_MS - 1
                ),
            ),
        ),
        requests_version=41,
        requests_ts_ms=NOW_MS + 5,
    )
)
EMPTY = Edition(Stored("demo", State("alice"), Position(1_732_146_400_123, 1), NOW_MS))
SCORES = External(
    StoredDocument(
        room="demo",
        doc="x-scores",
        position=Position(1_732_146_400_123, 5),
        ts_ms=NOW_MS,
        data='{"b":3.0,"a":[1e2,12345678901234567890,"\\u00e9é"],"":{}}'.encode(),
        fingerprint=b"",
    )
)

FROZEN: dict[str, tuple[Published, View]] = {
    "state-anonymous-1": (FULL, "anonymous"),
    "state-member-1": (FULL, "member"),
    "state-empty-anonymous-1": (EMPTY, "anonymous"),
    "state-empty-member-1": (EMPTY, "member"),
    "requests-member-1": (FULL.requests, "member"),
    "requests-empty-member-1": (EMPTY.requests, "member"),
    "x-anonymous-1": (SCORES, "anonymous"),
}


@pytest.mark.parametrize("name", FROZEN)
def test_bytes_are_those_of_the_golden_file(name: str) -> None:
    document, view = FROZEN[name]
    snapshot = document.view(view)
    assert snapshot.body == (GOLDEN / f"{name}.json").read_bytes()
    shown = json.loads(snapshot.body)
    assert name.endswith(f"-{shown['view']}-{shown['schema']}")
    assert name.startswith(shown["doc"].split("-")[0])


def test_every_golden_file_is_compared_and_is_of_the_schema_in_force() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.json" for name in FROZEN}
    assert all(name.endswith(f"-{SCHEMA}") for name in FROZEN)


@pytest.mark.parametrize("document", [FULL.requests, EMPTY.requests, SCORES])
def test_document_of_one_view_gives_everybody_the_same_snapshot(document: Published) -> None:
    assert document.view("anonymous") is document.view("member")
