"""A push connection of the simulator: the real one, but for a socket that takes little at once."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, cast

from gateway.push.connection import Connection
from gateway.push.conversation import Rest
from gateway.push.mailbox import Key, Line
from gateway.tokens.bearer import Bearer
from room import wire
from room.messages import Bye, Subscribe, Unsubscribe
from room.position import Position
from room.snapshot import Encoded, Snapshot

if TYPE_CHECKING:
    from sim_node import Node

Item = Encoded | Bye
ABORTED: Final = Bye(code=1006, reason="cut off")
OF_A_ROOM: Final = (b'{"type":"policy"', b'{"type":"online"')


class Wire(Connection):
    """What was carried lies in ``_arrived`` until the reader takes it; while that is full, no more.

    Use as a context manager: it is in its place at the node as long.
    """

    def __init__(self, node: Node, bearer: Bearer, home: str | None, rng: random.Random) -> None:
        super().__init__(node.channel, bearer)
        self.mailbox = node.parts.mailbox(bearer.view, self)  # type: ignore[misc]  # or planted
        self.said = node.conversation(bearer, self.mailbox, home)
        self._node = node
        self._room_for = rng.choice((1, 1, 2, 1000))
        self._arrived: deque[Item] = deque()
        self._awake = asyncio.Event()
        self._asked: dict[str, Position] = {}
        self._brought: dict[Line, Position | None] = {}
        self._is_over = self._has_left = self._is_letting_out = False

    def __enter__(self) -> Self:
        """Take a place.

        Raises:
            SeatsyncError: the node takes nobody in.
        """
        self.enter(self.said)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._has_left = True
        self.connection_lost(None)

    # What a driver does

    async def begin(self, docs: tuple[str, ...], have: dict[str, Position]) -> None:
        """Open the conversation; it ends with its caller."""
        self._asked = have
        rest = self.said.open(docs, have, 25_000)
        if rest is not None:
            await rest
        self._note_lines()

    def join(self) -> None:
        """Send what was said so far, and take the socket over."""
        self._is_letting_out = True  # what was kept may be of a room that was left meanwhile
        while (item := self.mailbox.take()) is not None:
            if isinstance(item, Snapshot):
                self.bring(item)
            else:
                self.carry(item)
        self.connection_made(cast("asyncio.Transport", self))
        self._is_letting_out = False

    async def subscribe(self, room: str, docs: tuple[str, ...], have: dict[str, Position]) -> None:
        """Ask for documents, less what is held of them."""
        named = {doc: str(position) for doc, position in have.items()}
        self._asked = have
        await self._ask(wire.encode(Subscribe(room=room, docs=docs, have=named)))

    async def unsubscribe(self, room: str) -> None:
        """Ask for nothing of a room any more."""
        await self._ask(wire.encode(Unsubscribe(room=room)))

    async def _ask(self, text: bytes) -> None:
        """Send a message; it is answered though the caller may leave meanwhile."""
        rest: Rest = self.said.receive(text)
        if rest is not None:
            await self._node.tasks.finish(rest)
        self._note_lines()

    async def next(self, within_s: float) -> Item | None:
        """Read what was carried next; None if nothing came within the time."""
        if not self._arrived:
            self._awake.clear()
            try:
                async with asyncio.timeout(within_s):
                    await self._awake.wait()
            except TimeoutError:
                return None
        item = self._arrived.popleft()
        if self._is_stuck and len(self._arrived) < self._room_for:
            asyncio.get_running_loop().call_soon(self._resume)
        return item

    # What the connection does with it

    def carry(self, item: Encoded) -> None:
        if not self._is_letting_out and item.body.startswith(OF_A_ROOM):
            self._node.check_present(self, item)
        self._arrive(item)

    def bring(self, snapshot: Snapshot) -> None:
        line = self._line(Key(snapshot.room, snapshot.doc))
        before = None if line is None else self._had(line)
        if line is not None:
            self._brought[line] = snapshot.position
        self._node.check_brought(self, snapshot, line, before)
        self._arrive(snapshot)

    def bid(self, bye: Bye) -> None:
        self._is_over = True
        self._arrive(bye)
        self.retire()

    def tick(self) -> None:
        """Who reads here gives no other sign of life."""

    def is_done(self) -> bool:
        return self._is_over

    # What there is to look at

    @property
    def lines(self) -> list[Line]:
        """What is followed."""
        return [line for stay in self.said._stays.all() for line in stay._lines]

    def follows(self, key: Key) -> bool:
        """Tell whether a document is followed."""
        return self._line(key) is not None

    def _had(self, line: Line) -> Position | None:
        """Tell what came over a line, or was held when it began."""
        return self._brought.get(line, self._asked.get(line.key.doc))

    def _note_lines(self) -> None:
        """Remember what was held when these lines began."""
        for line in self.lines:
            self._brought.setdefault(line, self._asked.get(line.key.doc))

    def _line(self, key: Key) -> Line | None:
        return next((line for line in self.lines if line.key == key), None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be read."""
        return not (self._arrived or self.mailbox._pending)

    # What a socket does

    @property
    def _is_stuck(self) -> bool:
        return self._stuck_bytes >= 0

    def _arrive(self, item: Item) -> None:
        self._node.check_open(not self._has_left)
        self._arrived.append(item)
        self._awake.set()
        if self.transport is not None and len(self._arrived) >= self._room_for:
            self.pause_writing()

    def _resume(self) -> None:
        if self.transport is not None and self._is_stuck:
            self._is_letting_out = True
            self.resume_writing()
            self._is_letting_out = False

    def get_write_buffer_size(self) -> int:
        return len(self._arrived)

    def set_write_buffer_limits(self, **_: Any) -> None:
        """It takes what it takes."""

    def abort(self) -> None:
        self._is_over = True
        self.retire()
        self._arrived.append(ABORTED)
        self._awake.set()
