"""Worker processes and states by hand, for the supervisor's decisions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import msgspec

from sei.relay.child import OnEnd, OnWord
from sei.relay.words import Quit, Start, State, Stop, ToSupervisor


class FakeChild:
    """Remembers what it was told; is gone when killed or told to quit."""

    def __init__(self, number: int, on_word: OnWord, on_end: OnEnd) -> None:
        self.number, self.pid, self.stuck_s = number, 1000 + number, 0.0
        self.told: list[msgspec.Struct] = []
        self.on_word, self.on_end = on_word, on_end
        self.killed = self.traced = False
        self._gone = asyncio.Event()

    def send(
        self, word: msgspec.Struct, sockets: Sequence[socket.socket] = (), *, key: Hashable = None
    ) -> bool:
        self.told.append(word)
        if isinstance(word, Quit):
            self._gone.set()
        return True

    def kill(self, *, trace: bool = False) -> None:
        self.killed, self.traced = True, trace
        self._gone.set()

    async def gone(self) -> None:
        await self._gone.wait()

    def says(self, word: ToSupervisor) -> None:
        self.on_word(self, word)

    def dies(self) -> None:
        self._gone.set()
        self.on_end(self)

    def vanishes(self) -> None:
        self._gone.set()

    def started(self) -> list[str]:
        return [s.name for word in self.told if isinstance(word, Start) for s in word.streams]

    def stopped(self) -> list[str]:
        return [name for word in self.told if isinstance(word, Stop) for name in word.names]


class Children:
    """Starts them."""

    def __init__(self) -> None:
        self.made: list[FakeChild] = []
        self.fail = 0
        self._came = asyncio.Event()

    def start(self, number: int, on_word: OnWord, on_end: OnEnd) -> FakeChild:
        if self.fail:
            self.fail -= 1
            raise OSError("no more processes")
        self.made.append(FakeChild(number, on_word, on_end))
        self._came.set()
        return self.made[-1]

    async def until(self, count: int) -> None:
        """Wait until so many were started."""
        async with asyncio.timeout(20):
            while len(self.made) < count:
                self._came.clear()
                await self._came.wait()


class NoStates:
    """Nothing is known, and who follows is remembered."""

    refused = too_large = 0

    def __init__(self) -> None:
        self.followed: dict[tuple[str, int], Callable[[State], None]] = {}

    def subscribe(
        self, room: str, max_message_bytes: int, on_state: Callable[[State], None]
    ) -> Callable[[], None]:
        self.followed[room, max_message_bytes] = on_state
        return lambda: self.followed.pop((room, max_message_bytes), None) and None

    def age_s(self, room: str) -> float | None:
        return None

    def source_counters(self) -> dict[str, Any]:
        return {}
