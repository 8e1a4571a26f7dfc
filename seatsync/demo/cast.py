"""The people of the demo room, clients like any other: they open the show, sit down, stand up."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final, NamedTuple

import aiohttp

from room.errors import SeatsyncError
from room.reconcile import Channel
from seatsync.room import Room

log = logging.getLogger(__name__)

PAUSE_S: Final = (1.5, 4.0)
PUSH: Final[tuple[Channel, ...]] = ("ws",)
TAKEN_AT_MOST: Final = 5
"""Seats that the cast fills, so that visitors find some free."""


class Person(NamedTuple):
    """One of the cast."""

    user_id: str
    nickname: str


HOST: Final = Person("mei", "Mei")
GUESTS: Final = (
    Person("omar", "Omar"),
    Person("lucia", "Lucía"),
    Person("kenji", "Kenji"),
    Person("ada", "Ada"),
    Person("tomasz", "Tomasz"),
)
VISITORS: Final = (Person("ivy", "Ivy"), Person("noah", "Noah"), Person("zoe", "Zoë"))
"""Whom a visitor of the page may act as."""


class Cast:
    """Keeps the demo room moving until cancelled."""

    def __init__(
        self, gateway: str, room: str, sign: Callable[[Person], str], rng: random.Random
    ) -> None:
        self._gateway = gateway
        self._room = room
        self._sign = sign
        self._rng = rng
        self._seated: set[Person] = set()

    async def open_room(self) -> None:
        """Create the room, start its session and seat the host, each unless it is so already.

        Raises:
            SeatsyncError: the gateway refused something else.
        """
        await self._create()
        async with self._enter(HOST) as host:
            await _unless(host, {"SESSION_ALREADY_LIVE"}, "session.start")
            await _unless(host, {"ALREADY_ON_SEAT"}, "seat.take", seat_index=0)
            await _unless(host, set(), "mic.set", on=True)

    async def play(self) -> None:
        """Move one guest after another; all are connected, so that they keep their seats."""
        async with AsyncExitStack() as stack:
            rooms = {
                person: await stack.enter_async_context(self._enter(person))
                for person in (HOST, *GUESTS)
            }
            while True:
                person = self._rng.choice(GUESTS)
                try:
                    await self._act(person, rooms[person])
                except SeatsyncError as error:
                    log.info("the cast was refused", extra={"code": error.code})
                await asyncio.sleep(self._rng.uniform(*PAUSE_S))

    def _enter(self, person: Person) -> Room:
        return Room(self._gateway, self._room, token=self._sign(person), channels=PUSH)

    async def _act(self, person: Person, room: Room) -> None:
        """Sit down if standing; if seated, turn the microphone, or stand up at times."""
        if person not in self._seated:
            if len(self._seated) < TAKEN_AT_MOST:
                await _unless(room, {"ALREADY_ON_SEAT"}, "seat.take", seat_index=-1)
                self._seated.add(person)
        elif self._rng.random() < 0.35:
            await room.command("seat.leave")
            self._seated.discard(person)
        else:
            await room.command("mic.set", on=self._rng.random() < 0.6)

    async def _create(self) -> None:
        url = f"{self._gateway}/v1/rooms/{self._room}"
        headers = {"Authorization": f"Bearer {self._sign(HOST)}"}
        async with (
            aiohttp.ClientSession() as session,
            session.put(url, json={}, headers=headers) as response,
        ):
            if response.status not in (200, 201):
                raise SeatsyncError(f"the demo room can't be made: {response.status}")


async def _unless(room: Room, is_so_already: set[str], name: str, **args: Any) -> None:
    """Send a command; where the room says that it is so already, that is well."""
    try:
        await room.command(name, **args)
    except SeatsyncError as error:
        if error.code not in is_so_already:
            raise
