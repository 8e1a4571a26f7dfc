"""Rooms on a memory store, with everything that they tell written down."""

from __future__ import annotations

from typing import Any

from committer_samples import START_MS, Desk, Shelf

from gateway.commits.workings import Outcome
from gateway.reads import Reads, no_document
from gateway.rooms import Rooms
from poller import Poller
from room.actor import Actor
from room.commands import Command, Envelope, Request, read_request
from room.errors import SeatsyncError, Unavailable
from room.messages import Ack
from room.position import Position
from room.snapshot import External, StoredDocument
from store.bus import Notice


class Notes:
    """A witness."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, str, str, bool | None]] = []
        self.documents: list[tuple[str, str, str]] = []
        self.system: list[tuple[str, bool]] = []

    def on_command(
        self, room: str, actor: Actor, request: Request, code: str, outcome: Outcome | None
    ) -> None:
        changed = None if outcome is None else outcome.changed
        self.commands.append((actor.user_id, request.name, code, changed))

    def on_system(self, room: str, command: Command, outcome: Outcome) -> None:
        self.system.append((type(command).__name__, outcome.changed))

    def on_document(
        self, room: str, actor: Actor, doc: str, code: str, position: Position | None
    ) -> None:
        assert (position is not None) is (code == "ok")
        self.documents.append((actor.user_id, doc, code))


class LostShelf(Shelf):
    """Answers nobody, documents included, while it is away."""

    async def read_document(self, room: str, doc: str) -> StoredDocument | None:
        if self.is_away:
            raise Unavailable("away")
        return await super().read_document(room, doc)

    async def read(self, room: str) -> Any:
        if self.is_away:
            raise Unavailable("away")
        return await super().read(room)


class House:
    """Rooms, and what stands around them."""

    def __init__(self) -> None:
        self.desk = Desk(LostShelf())
        self.shelf, self.tasks, self.poller = self.desk.shelf, self.desk.tasks, self.desk.poller
        self.notes, self.told = Notes(), list[Notice]()
        self.limit: SeatsyncError | None = None
        self.now_s = 0.0
        self.documents: Poller[External] = Poller(
            Reads(self.shelf).document,
            missing=no_document,
            clock_s=lambda: self.now_s,
            spawn=self.tasks.spawn,
        )
        self.rooms = Rooms(
            self.shelf,
            self.poller,
            self.documents,
            self.desk.committer,
            self.tasks,
            admit=self._admit,
            witness=self.notes,
            changed=self.told.append,
            clock_ms=lambda: START_MS,
        )

    async def send(self, actor: Actor, name: str, cmd_id: str = "c", **args: Any) -> Ack:
        """Send a command to the room."""
        return await self.rooms.execute("demo", actor, read_request(Envelope(name, cmd_id, args)))

    def _admit(self, actor: Actor, room: str) -> None:
        if self.limit is not None:
            raise self.limit
