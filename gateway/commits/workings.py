"""What a batch of commands makes of a room, worked out before anything is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from room.actor import Actor
from room.commands import Command, Request
from room.documents import State
from room.errors import Refused, SeatsyncError
from room.messages import Ack
from room.position import Position
from room.rules import Change, Context, Ended, admit, reduce
from room.snapshot import Stored
from store.port import Clock, CommandKey, Kept, Receipt


class Outcome(msgspec.Struct, frozen=True):
    """How a command ended."""

    changed: bool
    ack: Ack | None
    """None for a command of the server itself."""
    ended: tuple[Ended, ...] = ()
    """Stays on seats that it ended; none where an earlier ack was given again."""


class Pending:
    """A command that waits for its outcome."""

    __slots__ = ("actor", "command", "future", "key", "observe", "request")

    def __init__(
        self,
        actor: Actor,
        command: Command,
        request: Request | None,
        future: asyncio.Future[Outcome],
        observe: Callable[[Outcome | BaseException], None] = lambda _: None,
    ) -> None:
        self.actor = actor
        self.command = command
        self.request = request
        self.key = None if request is None else CommandKey(actor.user_id, request.cmd_id)
        self.future = future
        self.observe = observe
        """Told how it ended, whether or not anybody still waits."""

    def succeed(self, outcome: Outcome) -> None:
        """Answer, if anybody still waits."""
        self.observe(outcome)
        if not self.future.done():
            self.future.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        """Say what went wrong, if anybody still waits."""
        self.observe(error)
        if not self.future.done():
            self.future.set_exception(error)


class Creation:
    """A wish for a room that waits for its turn."""

    __slots__ = ("future", "state")

    def __init__(self, state: State, future: asyncio.Future[tuple[Stored, bool]]) -> None:
        self.state = state
        self.future = future

    def succeed(self, outcome: tuple[Stored, bool]) -> None:
        """Answer, if anybody still waits."""
        if not self.future.done():
            self.future.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        """Say what went wrong, if anybody still waits."""
        if not self.future.done():
            self.future.set_exception(error)


class Working:
    """A room on its way from one committed revision to the next."""

    def __init__(
        self,
        base: Stored,
        receipts: Mapping[CommandKey, Receipt],
        clock_ms: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self.base = base
        self.stored = base
        self.acks: list[Kept] = []
        self.left: set[str] = set()
        """Users who had a seat at some moment of this and have left it."""
        self.newly_seated: tuple[str, ...] = ()
        """By the command that was added last."""
        self.has_refusals = False
        self._receipts = receipts
        self._clock_ms = clock_ms
        self._new_id = new_id
        self._answers: list[tuple[Pending, Outcome | SeatsyncError]] = []
        self._before = base

    @property
    def room(self) -> str:
        """Which room this is."""
        return self.base.room

    @property
    def has_effect(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.acks) or self.stored is not self.base

    def add_all(self, batch: Iterable[Pending], denied: Mapping[str, Refused]) -> set[str]:
        """Compute commands one after the other, but give no seat to some users.

        Returns:
            those who got one.
        """
        seated: set[str] = set()
        for pending in batch:
            self.add(pending)
            refusals = [denied[user_id] for user_id in self.newly_seated if user_id in denied]
            if refusals:
                self.undo(refusals[0])
            else:
                seated.update(self.newly_seated)
        return seated

    def add(self, pending: Pending) -> None:
        """Compute the next command from where the ones before it led."""
        self._before = self.stored
        self.newly_seated = ()
        kept = None if pending.key is None else self._receipts.get(pending.key)
        try:
            if kept is not None and pending.request is not None:
                self._answers.append((pending, _again(pending.request, kept)))
                return
            change = self._decide(pending)
        except SeatsyncError as refusal:
            self._refuse(pending, refusal)
            return
        self._accept(pending, change)

    def undo(self, refusal: SeatsyncError) -> None:
        """Turn the command that was added last into a refusal."""
        pending, _ = self._answers.pop()
        if pending.key is not None:
            self.acks.pop()
        self.stored = self._before
        self._refuse(pending, refusal)

    def answer(self) -> None:
        """Answer every command; what was accepted is durable by now."""
        for pending, outcome in self._answers:
            if isinstance(outcome, SeatsyncError):
                pending.fail(outcome)
            else:
                pending.succeed(outcome)

    def _decide(self, pending: Pending) -> Change:
        context = Context(
            pending.actor, self._clock_ms(), self._new_id, requests=self.stored.requests
        )
        request = pending.request
        if request is not None and request.if_version not in (None, self.stored.position):
            admit(self.stored.state, pending.command, context)
            raise SeatsyncError("the room is at another position", code="VERSION_MISMATCH")
        return reduce(self.stored.state, pending.command, context)

    def _refuse(self, pending: Pending, refusal: SeatsyncError) -> None:
        refusal.position = self.stored.position
        self.has_refusals = True
        self._answers.append((pending, refusal))

    def _accept(self, pending: Pending, change: Change) -> None:
        after = _advance(self.stored, change, self._clock_ms())
        changed = after is not self.stored
        if after.state.seats is not self.stored.state.seats:
            seated, before = after.state.seated_users(), self.stored.state.seated_users()
            self.newly_seated = tuple(sorted(seated - before))
            self.left |= before - seated
        positions = {}
        if after.requests_version != self.stored.requests_version:
            positions["requests"] = after.requests_position
        self.stored = after
        ack = None
        if pending.request is not None and pending.key is not None:
            receipt = Receipt(
                pending.request.fingerprint, changed, change.result, after.position, positions
            )
            self.acks.append(Kept(pending.key, receipt))
            ack = _ack(pending.request.cmd_id, receipt)
        self._answers.append((pending, Outcome(changed, ack, change.ended)))


def _advance(stored: Stored, change: Change, now_ms: int) -> Stored:
    """Raise the version of each document that changed by one; the same value where none did.

    The rules give the very state that they were given where it stays as it is.
    """
    edits: dict[str, Any] = {}
    if change.state is not stored.state:
        position = Position(stored.position.epoch, stored.position.version + 1)
        edits.update(state=change.state, position=position, ts_ms=now_ms)
    if change.requests is not None:
        edits.update(
            requests=change.requests,
            requests_version=stored.requests_version + 1,
            requests_ts_ms=now_ms,
        )
    return msgspec.structs.replace(stored, **edits) if edits else stored


def _again(request: Request, kept: Receipt) -> Outcome:
    """Give the first ack of a command again.

    Raises:
        Refused: ``IDEMPOTENCY_KEY_REUSED``: it was another command.
    """
    if kept.fingerprint != request.fingerprint:
        raise Refused("that cmd_id was used for another command", code="IDEMPOTENCY_KEY_REUSED")
    return Outcome(kept.changed, _ack(request.cmd_id, kept))


def _ack(cmd_id: str, receipt: Receipt) -> Ack:
    positions = {doc: str(position) for doc, position in receipt.positions.items()}
    return Ack(
        cmd_id=cmd_id,
        changed=receipt.changed,
        epoch=receipt.position.epoch,
        version=receipt.position.version,
        positions=positions or msgspec.UNSET,
        result=receipt.result,
    )
