from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from room_samples import NOW_MS, idle_room

from room.documents import Cooldown, Participation, Person, Seat, Session, State
from room.position import Position
from room.snapshot import Stored, encode_state
from room.views import VIEWS, View, mask, project

HEAD = ("type", "doc", "schema", "view", "room", "epoch", "version", "ts")
BODY = ("session", "seat_mode", "owner_seat", "seats")
SESSION = ("session_id", "kind", "status", "owner_id", "started_at")
EMPTY_SEAT = ("index", "status", "locked", "audio_locked")
OCCUPIED_SEAT = (*EMPTY_SEAT, "participation_id", "user", "mic_on", "muted", "link", "since")
USER = ("user_id", "nickname", "avatar", "role")
FOR_MEMBERS = {"owner_id", "participation_id", "since", "user_id", "avatar", "role"}

PRIVATE = State(
    owner_id="qOWNERq",
    kind="video",
    seat_count=49_494,
    admins=("qADMINq", "qFARADMINq"),
    session=Session("s_1", "voice", 1_111),
    seats=(
        Seat(occupant=Participation("qPART0q", Person("qOWNERq", "OqNICK0q", "qAV0q"), 771_771)),
        Seat(
            locked=True,
            audio_locked=True,
            occupant=Participation(
                "qPART1q",
                Person("qADMINq", "AqNICK1q", "qAV1q"),
                772_772,
                mic_on=True,
                link="lost",
            ),
        ),
        Seat(occupant=Participation("qPART2q", Person("qMUTEDq", "", "qAV2q"), 773_773)),
        Seat(locked=True),
    ),
    muted_users=("qFARMUTEDq", "qMUTEDq"),
    cooldowns=(Cooldown("qKICKEDq", 774_774),),
)
STORED = Stored("demo", PRIVATE, Position(5, 6), 7)


def shown(view: View, stored: Stored = STORED) -> dict[str, Any]:
    document = json.loads(encode_state(stored, view).body)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    "secret",
    [
        b"qOWNERq",
        b"qADMINq",
        b"qFARADMINq",
        b"qMUTEDq",
        b"qFARMUTEDq",
        b"qKICKEDq",
        b"qPART",
        b"qNICK",
        b"qAV",
        b"771771",
        b"772772",
        b"773773",
        b"774774",
        b"49494",
        b"role",
        b"admin",
        b"video",
    ],
)
def test_anonymous_bytes_hold_no_private_fact(secret: bytes) -> None:
    assert secret in msgspec.json.encode(PRIVATE) + b" role admin"
    assert secret not in encode_state(STORED, "anonymous").body


@pytest.mark.parametrize("secret", [b"qFARADMINq", b"qFARMUTEDq", b"qKICKEDq", b"774774", b"49494"])
def test_member_bytes_hold_nothing_that_is_not_about_the_seated(secret: bytes) -> None:
    assert secret not in encode_state(STORED, "member").body


def test_member_view_is_exactly_this() -> None:
    assert shown("member") == {
        "type": "snapshot",
        "doc": "state",
        "schema": 1,
        "view": "member",
        "room": "demo",
        "epoch": 5,
        "version": 6,
        "ts": 7,
        "session": {
            "session_id": "s_1",
            "kind": "voice",
            "status": "live",
            "owner_id": "qOWNERq",
            "started_at": 1_111,
        },
        "seat_mode": "free",
        "owner_seat": 0,
        "seats": [
            {
                "index": 0,
                "status": "occupied",
                "locked": False,
                "audio_locked": False,
                "participation_id": "qPART0q",
                "user": {
                    "user_id": "qOWNERq",
                    "nickname": "OqNICK0q",
                    "avatar": "qAV0q",
                    "role": "owner",
                },
                "mic_on": False,
                "muted": False,
                "link": "ok",
                "since": 771_771,
            },
            {
                "index": 1,
                "status": "occupied",
                "locked": True,
                "audio_locked": True,
                "participation_id": "qPART1q",
                "user": {
                    "user_id": "qADMINq",
                    "nickname": "AqNICK1q",
                    "avatar": "qAV1q",
                    "role": "admin",
                },
                "mic_on": True,
                "muted": False,
                "link": "lost",
                "since": 772_772,
            },
            {
                "index": 2,
                "status": "occupied",
                "locked": False,
                "audio_locked": False,
                "participation_id": "qPART2q",
                "user": {
                    "user_id": "qMUTEDq",
                    "nickname": "",
                    "avatar": "qAV2q",
                    "role": "member",
                },
                "mic_on": False,
                "muted": True,
                "link": "ok",
                "since": 773_773,
            },
            {"index": 3, "status": "empty", "locked": True, "audio_locked": False},
        ],
    }


def test_anonymous_view_is_the_member_view_less_the_fields_for_members() -> None:
    expected = shown("member")
    expected["view"] = "anonymous"
    del expected["session"]["owner_id"]
    for seat in expected["seats"]:
        for field in ("participation_id", "since"):
            seat.pop(field, None)
    for seat, nickname in zip(expected["seats"], ["O*", "A*", "*"], strict=False):
        seat["user"] = {"nickname": nickname}
    assert shown("anonymous") == expected


@pytest.mark.parametrize("view", VIEWS)
def test_keys_stand_in_the_order_of_the_protocol(view: View) -> None:
    document = shown(view)

    def visible(fields: tuple[str, ...]) -> list[str]:
        return [name for name in fields if view == "member" or name not in FOR_MEMBERS]

    assert list(document) == [*HEAD, *BODY]
    assert list(document["session"]) == visible(SESSION)
    for seat in document["seats"]:
        occupied = seat["status"] == "occupied"
        assert list(seat) == visible(OCCUPIED_SEAT if occupied else EMPTY_SEAT)
        if occupied:
            assert list(seat["user"]) == visible(USER)


@pytest.mark.parametrize("view", VIEWS)
def test_room_without_a_session_shows_null_and_no_seats(view: View) -> None:
    state = idle_room(cooldowns=(Cooldown("x", NOW_MS),), seat_mode="apply", seat_count=9)
    document = shown(view, Stored("demo", state, Position(1, 1), 2))
    assert document["session"] is None
    assert document["seats"] == []
    assert document["seat_mode"] == "apply"
    assert list(document) == [*HEAD, *BODY]


@pytest.mark.parametrize(
    ("nickname", "masked"),
    [("Alice", "A*"), ("A", "A*"), ("", "*"), ("é", "é*"), ("\U0001f600\U0001f600", "\U0001f600*")],
)
def test_masked_nickname_is_the_first_character_and_a_star(nickname: str, masked: str) -> None:
    assert mask(nickname) == masked


def test_muted_is_about_the_person_and_audio_locked_about_the_seat() -> None:
    member = project(PRIVATE, "member")
    assert [seat.muted for seat in member.seats[:3]] == [False, False, True]
    assert [seat.audio_locked for seat in member.seats] == [False, True, False, False]
