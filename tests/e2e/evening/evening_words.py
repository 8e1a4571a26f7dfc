"""Snapshots in words: what changed between two of them, as a reader would tell it."""

from __future__ import annotations

import re
from typing import Any

from evening_names import Names

BREAKS = re.compile(r',(?="session":)|,(?="seat_mode":)|(?<=\[)(?=\{"index")|,(?=\{"index")')
EMPTY = {"locked": False, "audio_locked": False}


def whole(snapshot: dict[str, Any], names: Names) -> list[str]:
    """Write a state in full, a line for each seat."""
    lines = BREAKS.sub(lambda found: f"{found[0]}\n", names.json(snapshot)).split("\n")
    return [lines[0], *(f" {line}" for line in lines[1:])]


def changes(before: dict[str, Any], after: dict[str, Any], names: Names) -> list[str]:
    """Say what is different in ``after``, apart from position and time."""
    told: list[str] = []
    for field in ("session", "seat_mode", "data"):
        if before.get(field) != after.get(field):
            told.append(f"{field}: {names.json(after.get(field))}")
    told += _seats(before.get("seats", []), after.get("seats", []), names)
    if "items" in after and before.get("items") != after["items"]:
        waiting = "; ".join(_request(item, names) for item in after["items"])
        told.append(f"waiting: {waiting or 'nobody'} (total {after['total']})")
    return told or ["(shows the same as before)"]


def _seats(before: list[Any], after: list[Any], names: Names) -> list[str]:
    if before and not after:
        return ["seats: none"]
    if after and not before:
        return [f"seats 0 to {len(after) - 1}: empty"]
    return [
        f"seat {new['index']}: {_seat(new, names)}"
        + (f" (was {_person(old, names)})" if _left(old, new) else "")
        for old, new in zip(before, after, strict=True)
        if old != new
    ]


def _left(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether somebody is no longer there."""
    stay = "participation_id"
    return "user" in old and (old.get(stay) != new.get(stay) or "user" not in new)


def _seat(seat: dict[str, Any], names: Names) -> str:
    words = [_person(seat, names)] if "user" in seat else ["empty"]
    if "user" in seat:
        words += [f"mic {'on' if seat['mic_on'] else 'off'}"]
        words += ["muted"] if seat["muted"] else []
        words += [f"link {seat['link']}"] if seat["link"] != "ok" else []
    words += [word.replace("_", " ") for word in EMPTY if seat[word]]
    return ", ".join(words)


def _person(seat: dict[str, Any], names: Names) -> str:
    user = names.show(seat["user"])
    if "role" not in user:
        nickname: str = user["nickname"]
        return nickname
    stay = names.show({"participation_id": seat["participation_id"]})["participation_id"]
    return f"{user['nickname']} ({user['role']}, {stay})"


def _request(item: dict[str, Any], names: Names) -> str:
    shown = names.show(item)
    place = "any seat" if shown.get("seat_index") is None else f"seat {shown['seat_index']}"
    return f"{shown['request_id']} {shown['kind']} {shown['user']['user_id']}, {place}"
