"""Examples that the server's own code makes, so that none of them can be out of date."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from gateway.api.problems import problem_response
from gateway.api.rooms import Created
from room import wire
from room.actor import Actor
from room.documents import Participation, Person, Requests, Seat, SeatRequest, Session, State
from room.errors import Refused, SeatsyncError
from room.external import read_document
from room.messages import Ack
from room.policy import allowed_commands
from room.position import Position
from room.snapshot import Stored, StoredDocument, encode_document, encode_requests, encode_state

ROOM: Final = "demo"
POSITION: Final = Position(1732146400123, 1287)
TS_MS: Final = 1732150000123

_ALICE: Final = Person("alice", "Alice", "face/9a1b")
_BOB: Final = Person("bob", "Bob", "face/77c0")
_STATE: Final = State(
    owner_id="alice",
    session=Session("s_5f0c2a9e7b1d4c3a8e6f0b12", "voice", 1732146400123),
    seats=(
        Seat(occupant=Participation("p_0a1b2c3d4e5f60718293a4b5", _ALICE, TS_MS, mic_on=True)),
        Seat(locked=True),
        Seat(),
    ),
    seat_mode="apply",
)
_REQUEST: Final = SeatRequest(
    "r_c4d5e6f708192a3b4c5d6e7f", "apply", _BOB, "bob", TS_MS, TS_MS + 60_000, 2
)
_STORED: Final = Stored(ROOM, _STATE, POSITION, TS_MS, Requests((_REQUEST,)), 40, TS_MS)
_SCORES: Final = b'{"round":3,"scores":{"alice":12,"bob":9}}'


def named(**values: Any) -> dict[str, Any]:
    """Give values as the ``examples`` of a media type."""
    return {name: {"value": value} for name, value in values.items()}


def state(view: Any) -> Any:
    """Give a ``state`` snapshot in one view."""
    return json.loads(encode_state(_STORED, view).body)


def requests() -> Any:
    """Give a ``requests`` snapshot."""
    return json.loads(encode_requests(_STORED).body)


def scores() -> Any:
    """Give what a service may set as its document."""
    return json.loads(_SCORES)


def document() -> Any:
    """Give the snapshot of a document of a service."""
    data, fingerprint = read_document(_SCORES)
    stored = StoredDocument(ROOM, "x-score", Position(POSITION.epoch, 7), TS_MS, data, fingerprint)
    return json.loads(encode_document(stored).body)


def created() -> Any:
    """Give the answer to the wish for a room."""
    return _json(Created(ROOM, True, POSITION.epoch, 1))


def take() -> Any:
    """Give the command that takes a seat."""
    return {
        "cmd": "seat.take",
        "cmd_id": "9f2c7a",
        "args": {"seat_index": 2},
        "if_version": str(POSITION),
    }


def kick() -> Any:
    """Give the command that takes somebody off their seat."""
    args = {"user_id": "bob", "seat_index": 2, "cooldown_s": 60}
    return {"cmd": "seat.kick", "cmd_id": "9f2c7b", "args": args}


def ack() -> Any:
    """Give the answer to ``take``."""
    result = {
        "seat_index": 2,
        "participation_id": "p_1f2e3d4c5b6a798897a6b5c4",
        "media_mode": "rtc",
    }
    return _json(
        Ack(
            cmd_id="9f2c7a",
            changed=True,
            epoch=POSITION.epoch,
            version=POSITION.version + 1,
            result=result,
        )
    )


def occupied() -> Any:
    """Give the problem of whoever came second."""
    refusal = Refused("somebody sits there", code="SEAT_OCCUPIED")
    refusal.position = POSITION
    return _problem(refusal)


def away() -> Any:
    """Give the problem of whoever asks while the store is away."""
    error = SeatsyncError("the store does not answer", code="UNAVAILABLE", retry_after_ms=1730)
    return _problem(error)


def entry() -> Any:
    """Give what a page gets at its start."""
    commands = allowed_commands(_STATE, Actor("carol"))
    return {
        "documents": {"state": state("member")},
        "policy": {"room": ROOM, "view": "member", "commands": list(commands)},
        "plan": {
            "channels": [
                {"channel": "ws", "url": f"wss://rooms.example/v1/rooms/{ROOM}/push"},
                {"channel": "sse", "url": f"https://rooms.example/v1/rooms/{ROOM}/events"},
                {
                    "channel": "poll",
                    "url": f"https://rooms.example/v1/rooms/{ROOM}/state",
                    "interval_ms": 3000,
                },
                {"channel": "sei", "url": f"https://video.example/{ROOM}.flv"},
            ],
            "ttl_ms": 60000,
        },
        "announcement": None,
        "missing": [],
    }


def media() -> Any:
    """Give what a player needs."""
    stream = {
        "format": "flv",
        "url": f"https://video.example/{ROOM}.flv",
        "quality": "source",
        "codec": "h264",
        "width": 1280,
        "height": 720,
    }
    return {"streams": [stream], "orientation": "landscape"}


def event() -> Any:
    """Give one event of a stream."""
    snapshot = encode_state(_STORED, "anonymous")
    return {
        "event": "snapshot",
        "id": f"state:{snapshot.position}",
        "data": snapshot.body.decode(),
    }


def _problem(error: SeatsyncError) -> Any:
    body = problem_response(error).body
    return json.loads(body if isinstance(body, bytes) else b"")


def _json(value: msgspec.Struct) -> Any:
    return json.loads(wire.encode(value))
