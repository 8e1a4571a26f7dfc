"""Who a connection belongs to."""

from __future__ import annotations

import msgspec

from room.actor import Actor
from room.views import View


class Bearer(msgspec.Struct, frozen=True):
    """The caller of one request or connection: an actor with a deadline, or nobody known."""

    actor: Actor | None = None
    expires_at_s: float | None = None
    """Since 1970; None for a caller without a token."""

    @property
    def view(self) -> View:
        """What this caller sees of ``state``."""
        return "anonymous" if self.actor is None else "member"


ANONYMOUS = Bearer()
