"""Who acts: users signed with the deployment's secret, or ready-made tokens."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

TTL_S: Final = 24 * 3600
SPREAD: Final = 17
"""How far the tokens of one worker lie apart, so that workers seldom meet in one."""


class Tokens:
    """Gives the owner's token and the guests'.

    Args:
        secret: of ``SEATSYNC_JWT_SECRET``; signs any user.
        ready: tokens to use instead; the first is the owner's.
    """

    def __init__(self, secret: str | None, ready: tuple[str, ...] = ()) -> None:
        self._secret = secret
        self._ready = ready

    @property
    def owner(self) -> str | None:
        """The token that opens rooms; None where nobody may act."""
        if self._ready:
            return self._ready[0]
        return self._sign("load-owner")

    def guest(self, worker: int, number: int) -> str | None:
        """Give a guest's token; None where nobody may act.

        Args:
            worker: index of the process.
            number: of the guest within it.
        """
        guests = self._ready[1:]
        if guests:
            return guests[(worker + number * SPREAD) % len(guests)]
        return self._sign(f"load-guest-{worker}-{number}")

    def _sign(self, user: str) -> str | None:
        if self._ready or self._secret is None:
            return None
        from gateway.tokens.authenticator import issue

        return issue(self._secret.encode(), {"sub": user, "exp": int(time.time()) + TTL_S})


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read tokens from a file, one a line."""
    return tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
