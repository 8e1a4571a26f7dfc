"""What a rule is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from room.actor import Actor
from room.documents import EndReason, Requests, State


class Context(msgspec.Struct, frozen=True):
    """Everything a rule may not find out for itself."""

    actor: Actor
    now_ms: int
    new_id: Callable[[], str]
    """A fresh random id, without its prefix."""
    requests: Requests = Requests()
    """The room's other document."""
    as_staff: bool = False
    """The platform permits this actor this command: ranks do not hold them back."""


class Ended(msgspec.Struct, frozen=True):
    """A participation that a change ended, and why."""

    participation_id: str
    user_id: str
    seat_index: int
    reason: EndReason


class Change(msgspec.Struct, frozen=True):
    """What a command made of a room; equal documents mean that nothing changed."""

    state: State
    result: dict[str, Any] = {}
    """Facts for the actor alone, sent with the ack."""
    ended: tuple[Ended, ...] = ()
    requests: Requests | None = None
    """None: as they were."""


Rule = Callable[[State, Any, Context], Change]
"""One command's rule; the second argument is that command."""
