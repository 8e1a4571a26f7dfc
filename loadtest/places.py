"""Which rooms there are, and who goes where."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "load"


def name_rooms(text: str) -> tuple[str, ...]:
    """Read ``--rooms``: a number of rooms of our own, or the names of rooms, with commas.

    Raises:
        ValueError: there is no room in it.
    """
    if text.isdecimal():
        rooms = tuple(f"{PREFIX}-{number}" for number in range(int(text)))
    else:
        rooms = tuple(name.strip() for name in text.split(",") if name.strip())
    if not rooms:
        raise ValueError("one room at least")
    return rooms


def choose_room(rooms: Sequence[str], hot_share: float, rng: random.Random) -> str:
    """Choose a reader's room: the first one for a share, any one for the others."""
    return rooms[0] if rng.random() < hot_share else rng.choice(rooms)


def guest_room(rooms: Sequence[str], number: int, *, hot: bool) -> str:
    """Choose the room of a guest: the hot one, or one after another, so that none is still."""
    return rooms[0] if hot else rooms[number % len(rooms)]
