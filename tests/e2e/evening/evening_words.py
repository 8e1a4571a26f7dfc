"""Snapshots in words: what changed between two of them, as a reader would tell it."""

from __future__ import annotations

from typing import Any

from evening_names import Names


def whole(snapshot: dict[str, Any], names: Names) -> list[str]:
    """Write a snapshot in full, a line for each seat."""
    text = names.json(snapshot)
    return text.replace(',"session":', ',\n "session":').replace(
        ',"seats":[', ',\n "seats":[').replace("},{\"index\"", "},\n  {\"index\"").split("\n")


def changes(before: dict[str, Any], after: dict[str, Any], names: Names) -> list[str]:
    """Say what is different in ``after``; the words of positions and times are left out."""
    told: list[str] = []
    for field in ("session", "seat_mode", "data"):
        if before.get(field) != after.get(field):
            told.append(f"{field}: {names.json(before.get(field))} → {names.json(after.get(field))}")
    told += _seats(before.get("seats", []), after.get("seats", []), names)
    if "items" in after and before.get("items", []) != after["items"]:
        waiting = "; ".join(_request(item, names) for item in after["items"])
        told.append(f"waiting: {waiting or 'nobody'} (total {after['total']})")
    return told or ["the same as before"]


def _seats(before: list[Any], after: list[Any], names: Names) -> list[str]:
    if not before and after:
        return [f"seats 0 to {len(after) - 1}: empty"]
    if before and not after:
        return ["seats: none any more"]
    return [
        f"seat {new['index']}: {_seat(old, names)} → {_seat(new, names)}"
        for old, new in zip(before, after, strict=True)
        if old != new
    ]


def _seat(seat: dict[str, Any], names: Names) -> str:
    words = [_occupant(seat, names) if seat["status"] == "occupied" else "empty"]
    words += [word.replace("_", " ") for word in ("locked", "audio_locked") if seat[word]]
    return ", ".join(words)


def _occupant(seat: dict[str, Any], names: Names) -> str:
    user = names.show(seat["user"])
    role = f" ({user['role']})" if "role" in user else ""
    stay = names.show({"participation_id": seat.get("participation_id", "")}) if role else {}
    words = [f"{user['nickname']}{role}", *stay.values(), f"mic {'on' if seat['mic_on'] else 'off'}"]
    words += ["muted"] if seat["muted"] else []
    words += [f"link {seat['link']}"] if seat["link"] != "ok" else []
    return ", ".join(words)


def _request(item: dict[str, Any], names: Names) -> str:
    shown = names.show(item)
    place = "any seat" if shown.get("seat_index") is None else f"seat {shown['seat_index']}"
    return f"{shown['request_id']} {shown['kind']} {shown['user']['user_id']}, {place}"
