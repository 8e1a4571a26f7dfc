"""What PROTOCOL.md 1 and 2 promise of every snapshot, checked on each one that anybody gets."""

from __future__ import annotations

import json
from typing import Any

HEAD = ["type", "doc", "schema", "view", "room", "epoch", "version", "ts"]
STATE = {*HEAD, "session", "seat_mode", "owner_seat", "seats"}
SEAT = {"index", "status", "locked", "audio_locked"}
OCCUPIED = {*SEAT, "user", "mic_on", "muted", "link"}
ANONYMOUS_USER = {"nickname"}
MEMBER_USER = {"user_id", "nickname", "avatar", "role"}

Position = tuple[int, int]


def position_of(value: Any) -> Position:
    """Read the position out of a snapshot, an ack or a problem."""
    return value["epoch"], value["version"]


class Ledger:
    """One set of bytes for a document at a position in a view, whoever sends it and how."""

    def __init__(self) -> None:
        self._bytes: dict[tuple[str, Position, str], bytes] = {}

    def check(self, body: bytes) -> dict[str, Any]:
        """Check the form of a snapshot, and that its bytes are those that others got."""
        snapshot: dict[str, Any] = json.loads(body)
        assert list(snapshot)[: len(HEAD)] == HEAD, list(snapshot)
        dense = json.dumps(snapshot, separators=(",", ":"), ensure_ascii=False)
        assert dense.encode() == body, "no spaces in a snapshot"
        assert (snapshot["type"], snapshot["schema"]) == ("snapshot", 1)
        key = (snapshot["doc"], position_of(snapshot), snapshot["view"])
        assert self._bytes.setdefault(key, body) == body, f"two sets of bytes for {key}"
        twin = self._bytes.get((*key[:2], "member"))
        if snapshot["view"] == "anonymous" and twin is not None and snapshot["doc"] == "state":
            assert snapshot == _without_names(json.loads(twin)), "the same facts in both views"
        if snapshot["doc"] == "state":
            _check_state(snapshot)
        return snapshot


def _without_names(member: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a member view what strangers do not see."""
    anonymous = {**member, "view": "anonymous", "seats": []}
    if member["session"] is not None:
        anonymous["session"] = {k: v for k, v in member["session"].items() if k != "owner_id"}
    for seat in member["seats"]:
        shown = {k: v for k, v in seat.items() if k not in ("participation_id", "since")}
        if "user" in seat:
            shown["user"] = {"nickname": f"{seat['user']['nickname'][0]}*"}
        anonymous["seats"].append(shown)
    return anonymous


def _check_state(snapshot: dict[str, Any]) -> None:
    """Hold a state to the fields that PROTOCOL.md 2 lists for its view."""
    member = snapshot["view"] == "member"
    assert set(snapshot) <= STATE
    session = {"session_id", "kind", "status", "started_at"} | ({"owner_id"} if member else set())
    assert snapshot["session"] is None or set(snapshot["session"]) <= session
    assert [seat["index"] for seat in snapshot["seats"]] == list(range(len(snapshot["seats"])))
    for seat in snapshot["seats"]:
        if seat["status"] == "empty":
            assert set(seat) == SEAT, seat
        elif member:
            assert set(seat) == {*OCCUPIED, "participation_id", "since"}, seat
            assert set(seat["user"]) == MEMBER_USER, seat
        else:
            assert set(seat) == OCCUPIED, seat
            assert set(seat["user"]) == ANONYMOUS_USER, seat
            assert seat["user"]["nickname"][1:] == "*", seat
