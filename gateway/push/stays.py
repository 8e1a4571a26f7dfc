"""The rooms that one connection is in: one, mostly, which costs no table."""

from __future__ import annotations

from gateway.push.stay import Stay


class Stays:
    """Stays by room."""

    __slots__ = ("_many", "_one")

    def __init__(self) -> None:
        self._one: Stay | None = None
        self._many: dict[str, Stay] | None = None
        """All of them, once there was more than one."""

    def get(self, room: str) -> Stay | None:
        """Give the stay in a room."""
        if self._many is not None:
            return self._many.get(room)
        one = self._one
        return one if one is not None and one.room == room else None

    def add(self, stay: Stay) -> None:
        """Keep the stay in a room that there was none in."""
        if self._many is not None:
            self._many[stay.room] = stay
        elif self._one is None:
            self._one = stay
        else:
            self._many = {self._one.room: self._one, stay.room: stay}
            self._one = None

    def drop(self, stay: Stay) -> None:
        """Let go of a stay; unknown ones are fine."""
        if self._many is not None:
            self._many.pop(stay.room, None)
        elif self._one is stay:
            self._one = None

    def all(self) -> tuple[Stay, ...]:
        """Give every stay."""
        if self._many is not None:
            return tuple(self._many.values())
        return () if self._one is None else (self._one,)

    @property
    def followed(self) -> int:
        """How many documents are followed in all of them."""
        return sum(map(len, self.all()))
