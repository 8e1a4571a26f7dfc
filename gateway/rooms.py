"""Rooms as the gateway serves them: created, commanded, held in memory, pushed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from gateway.tasks import Tasks
from gateway.turns import Turns
from poller import Found, Poller
from room.actor import Actor
from room.commands import NewRoom, Request
from room.documents import State
from room.errors import InvalidArgument, Refused, RoomNotFound, SeatsyncError
from room.messages import Ack
from room.rules import Change, Context, reduce
from room.snapshot import Edition, Stored
from store.port import AlreadyKept, BaseMoved, Clock, CommandKey, Receipt, Store, Write

log = logging.getLogger(__name__)

RETRY_FOR_MS: Final = 1000
"""How long a command is computed anew while other nodes are faster, before its sender must."""


class Rooms:
    """The one way to a room: what changes here is in memory and on its way before it is acked."""

    def __init__(
        self,
        store: Store,
        poller: Poller,
        tasks: Tasks,
        *,
        clock_ms: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._poller = poller
        self._tasks = tasks
        self._clock_ms = clock_ms
        self._new_id = new_id
        self._turns = Turns()

    async def find(self, room: str) -> Found:
        """Give the newest edition of a room.

        Raises:
            RoomNotFound: there is none.
            Unavailable: the store is away and the room is not in memory.
        """
        return await self._poller.find(room)

    async def create(self, room: str, actor: Actor, wish: NewRoom) -> tuple[Stored, bool]:
        """Create a room unless it is there.

        Returns:
            the room, and whether this call created it.

        Raises:
            Refused: ``FORBIDDEN``: another owner takes an operator, and only people own rooms.
            InvalidArgument: an operator named no owner.
        """
        state = State(
            owner_id=_owner(actor, wish),
            kind=wish.kind,
            seat_count=wish.seat_count,
            room_seat_mode=wish.seat_mode,
            seat_mode=wish.seat_mode,
        )
        return await self._tasks.finish(self._create(room, actor, state))

    async def _create(self, room: str, actor: Actor, state: State) -> tuple[Stored, bool]:
        stored, created = await self._store.create(room, state, self._clock_ms())
        self._poller.put(Edition(stored))
        if created:
            log.info("room created", extra={"room": room, "user": actor.user_id})
        return stored, created

    async def execute(self, room: str, actor: Actor, request: Request) -> Ack:
        """Carry out one command; durable, in memory and on its way to readers when this returns.

        A sender that goes away does not stop it: a commit without its push must not be.

        Raises:
            SeatsyncError: refused; ``position`` is set where the room was read.
        """
        return await self._tasks.finish(self._logged(room, actor, request))

    async def _logged(self, room: str, actor: Actor, request: Request) -> Ack:
        """Carry a command out and log how it ended, whether or not its sender still waits."""
        facts = {"room": room, "user": actor.user_id, "cmd": request.name, "cmd_id": request.cmd_id}
        try:
            ack = await self._execute(room, actor, request)
        except SeatsyncError as refusal:
            log.info("command refused", extra={**facts, "code": refusal.code})
            raise
        log.info("command", extra={**facts, "changed": ack.changed, "at": str(ack.position)})
        return ack

    async def _execute(self, room: str, actor: Actor, request: Request) -> Ack:
        key = CommandKey(actor.user_id, request.cmd_id)
        give_up_at_ms = self._clock_ms() + RETRY_FOR_MS
        async with self._turns.of(room):
            while True:
                try:
                    return await self._attempt(room, actor, request, key)
                except BaseMoved:
                    if self._clock_ms() >= give_up_at_ms:
                        raise

    async def _attempt(self, room: str, actor: Actor, request: Request, key: CommandKey) -> Ack:
        receipt = await self._store.recall(room, key)
        if receipt is not None:
            return await self._replay(room, request, receipt)
        stored = await self._store.read(room)
        if stored is None:
            raise RoomNotFound(room)
        try:
            change = self._decide(stored, actor, request)
        except SeatsyncError as refusal:
            refusal.position = stored.position
            raise
        return await self._commit(stored, request, key, change)

    def _decide(self, stored: Stored, actor: Actor, request: Request) -> Change:
        if request.if_version not in (None, stored.position):
            raise SeatsyncError("the room is at another position", code="VERSION_MISMATCH")
        context = Context(actor, self._clock_ms(), self._new_id)
        return reduce(stored.state, request.command, context)

    async def _commit(
        self, stored: Stored, request: Request, key: CommandKey, change: Change
    ) -> Ack:
        changed = change.state != stored.state
        receipt = Receipt(request.fingerprint, changed, change.result)
        write = Write(self._clock_ms(), key, receipt, change.state if changed else None)
        try:
            committed = await self._store.commit(stored.room, stored.position, write)
        except AlreadyKept as kept:
            return await self._replay(stored.room, request, kept.receipt)
        self._poller.put(Edition(committed.stored))
        for ended in change.ended:
            log.info("participation ended", extra={"room": stored.room, **_fields(ended)})
        return _ack(request, committed.receipt)

    async def _replay(self, room: str, request: Request, receipt: Receipt) -> Ack:
        """Give the first ack again, once this node holds what it speaks of.

        The command may have been carried out by another node, or here with the reply lost.
        """
        if receipt.fingerprint != request.fingerprint:
            raise SeatsyncError(
                "that cmd_id was used for another command", code="IDEMPOTENCY_KEY_REUSED"
            )
        ack = _ack(request, receipt)
        stored = await self._store.read(room)  # not by the poller: it may join an older read
        if stored is not None:
            self._poller.put(Edition(stored))
        return ack


def _fields(record: msgspec.Struct) -> dict[str, object]:
    return msgspec.structs.asdict(record)


def _owner(actor: Actor, wish: NewRoom) -> str:
    operator = actor.is_staff_of("operator")
    if wish.owner_id is None:
        if operator:
            raise InvalidArgument("an operator says who owns the room: owner_id")
        if actor.kind != "member":
            raise Refused("only people own rooms", code="FORBIDDEN")
        return actor.user_id
    if wish.owner_id != actor.user_id and not operator:
        raise Refused("another owner takes an operator", code="FORBIDDEN")
    return wish.owner_id


def _ack(request: Request, receipt: Receipt) -> Ack:
    if receipt.position is None:
        raise AssertionError("a store keeps no receipt without its position")
    return Ack(
        cmd_id=request.cmd_id,
        changed=receipt.changed,
        epoch=receipt.position.epoch,
        version=receipt.position.version,
        result=receipt.result,
    )
