"""Commands through the gateway's committer: from a call to its ack, without the network."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from gateway.commits.committer import Committer
from gateway.loop.tasks import Tasks
from gateway.rooms import Rooms
from gateway.server import clock_ms
from poller import Poller
from room.actor import Actor
from room.commands import MicSet, Request
from room.documents import State
from room.errors import RoomNotFound
from room.snapshot import Edition, External
from store.port import Store


class _Nobody:
    """Stands for whoever is told of commands and seats; does nothing."""

    async def claim(self, room: str, user_id: str) -> None:
        """Grant every seat."""

    async def unclaim(self, room: str, user_id: str) -> None:
        """Forget no seat."""

    def on_command(self, *facts: Any) -> None:
        """Keep no account."""

    on_system = on_document = on_command


def rooms_over(store: Store, tasks: Tasks) -> Rooms:
    """Wire what lies between a request and the store."""

    async def read(room: str) -> Edition | None:
        stored = await store.read(room)
        return None if stored is None else Edition(stored)

    async def no_document(key: Any) -> External | None:
        return None

    nobody, ids = _Nobody(), itertools.count()
    poller: Poller[Edition] = Poller(
        read, missing=RoomNotFound, clock_s=time.monotonic, spawn=tasks.spawn
    )
    documents: Poller[External] = Poller(
        no_document, missing=RoomNotFound, clock_s=time.monotonic, spawn=tasks.spawn
    )
    committer = Committer(
        store,
        poller,
        tasks,
        seating=nobody,
        clock_ms=clock_ms,
        new_id=lambda: f"{next(ids):024d}",
        committed=lambda room: None,
    )
    return Rooms(
        store,
        poller,
        documents,
        committer,
        tasks,
        admit=lambda actor, room: None,
        witness=nobody,
        changed=lambda notice: None,
        clock_ms=clock_ms,
    )


async def execute(
    store: Store, state: State, room_count: int, writers: int, rounds: int
) -> tuple[float, list[float]]:
    """Turn microphones on and off, each writer awaiting its ack before its next command.

    Returns:
        seconds in all, and seconds of each ack.
    """
    tasks = Tasks()
    rooms = rooms_over(store, tasks)
    for number in range(room_count):
        await store.create(f"room{number}", state, 0)
    took: list[float] = []

    async def command(writer: int) -> None:
        actor = Actor(f"u{writer // room_count % len(state.seats)}")
        for number in range(rounds):
            room = f"room{(number * writers + writer) % room_count}"
            name = f"{writer}-{number}"
            request = Request("mic.set", name, MicSet(number % 2 == 0), None, name.encode())
            before = time.perf_counter()
            await rooms.execute(room, actor, request)
            took.append(time.perf_counter() - before)

    before = time.perf_counter()
    await asyncio.gather(*(command(writer) for writer in range(writers)))
    return time.perf_counter() - before, took
