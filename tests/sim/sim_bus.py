"""The way between nodes, on which notices are lost, repeated, delayed and overtaken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Final

from sim_store import Weather

from room.errors import Unavailable
from store.bus import Listener, Notice, Voices


class Air:
    """What carries notices from node to node; one for a world."""

    def __init__(self, rng: random.Random) -> None:
        self.rng: Final = rng
        self.loss_rate = rng.choice((0.0, 0.2, 1.0))
        self.repeat_rate = rng.choice((0.0, 0.3))
        self.mean_delay_s = rng.choice((0.001, 0.05, 0.5))
        self.listeners: Final[dict[str, Listener]] = {}
        self.subscribing: Final[set[str]] = set()
        """Who is about to listen."""
        self.online: Final[dict[str, dict[str, int]]] = {}
        self._cuts: Final[dict[str, asyncio.Event]] = {}

    def calm(self) -> None:
        """From now on nothing is lost but what comes while nobody listens."""
        self.loss_rate, self.mean_delay_s = 0.0, 0.01

    def cut(self, name: str) -> None:
        """Let a node hear nothing until it has subscribed anew."""
        self.listeners.pop(name, None)
        self.cut_of(name).set()

    def cut_of(self, name: str) -> asyncio.Event:
        """Give the event that tells a node that it hears nothing."""
        return self._cuts.setdefault(name, asyncio.Event())

    def send(self, hear: Callable[[Listener], None]) -> None:
        """Carry something to everybody who listens when it arrives."""
        for name in ("a", "b"):
            times = 0 if self.rng.random() < self.loss_rate else 1
            times += self.rng.random() < self.repeat_rate
            for _ in range(times):
                delay_s = self.rng.expovariate(1 / self.mean_delay_s)
                asyncio.get_running_loop().call_later(delay_s, self._arrive, name, hear)

    def _arrive(self, name: str, hear: Callable[[Listener], None]) -> None:
        listener = self.listeners.get(name)
        if listener is not None:
            hear(listener)


class Antenna:
    """The bus as one node has it."""

    def __init__(self, air: Air, name: str, weather: Weather) -> None:
        self._air = air
        self._name = name
        self._weather = weather

    async def run(self, listener: Listener) -> None:
        """Listen until cancelled; after a while of hearing nothing subscribe anew."""
        cut = self._air.cut_of(self._name)
        try:
            while True:
                self._air.subscribing.add(self._name)
                await self._subscribe(listener)
                self._air.subscribing.discard(self._name)
                await cut.wait()
                cut.clear()
                if self._air.rng.random() < 0.2:
                    raise Unavailable("the bus gave up")
                await asyncio.sleep(self._air.rng.uniform(0.0, 2.5))
        finally:
            self._air.subscribing.discard(self._name)
            if self._air.listeners.get(self._name) is listener:
                del self._air.listeners[self._name]

    async def _subscribe(self, listener: Listener) -> None:
        await asyncio.sleep(self._air.rng.uniform(0.0, 0.2))
        self._air.listeners[self._name] = listener
        listener.on_gap()

    async def notify(self, notice: Notice) -> None:
        """Send a notice to all, its sender too."""
        await self._weather.request()
        self._air.send(lambda listener: listener.on_notice(notice))

    async def speak(self, voices: Voices) -> None:
        """Send who speaks to all."""
        await self._weather.request()
        self._air.send(lambda listener: listener.on_voices(voices))

    async def count(self, node: str, online: Mapping[str, int]) -> dict[str, int]:
        """Add up what the nodes have said."""
        await self._weather.request()
        for room, count in online.items():
            self._air.online.setdefault(room, {})[node] = count
        return {room: sum(self._air.online[room].values()) for room in online}
