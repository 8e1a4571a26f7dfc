"""Who comes this evening, and how they sign what they send."""

from __future__ import annotations

import itertools
import time
from typing import Any

import jwt
from evening_stage import SECRET


class Person:
    """Somebody with a token, or without one; ``node`` is the gateway that they talk to."""

    def __init__(self, user_id: str, node: str, **claims: Any) -> None:
        self.user_id = user_id
        self.node = node
        self._numbers = itertools.count(1)
        self._claims = {"nickname": user_id.capitalize(), **claims}

    @property
    def is_anonymous(self) -> bool:
        """Tell whether no token is sent."""
        return False

    def headers(self) -> dict[str, str]:
        """Give what a request carries to say who asks."""
        claims = {"sub": self.user_id, "exp": int(time.time()) + 600, **self._claims}
        return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}

    def fresh_id(self) -> str:
        """Make up the id of the next command."""
        return f"{self.user_id}-{next(self._numbers)}"


class Stranger(Person):
    """Somebody without a token."""

    @property
    def is_anonymous(self) -> bool:
        """Tell whether no token is sent."""
        return True

    def headers(self) -> dict[str, str]:
        """Say nothing."""
        return {}


class Cast:
    """Everybody."""

    def __init__(self) -> None:
        self.olga = Person("olga", "A")
        self.carol = Person("carol", "A")
        self.erin = Person("erin", "A")
        self.ivan = Person("ivan", "A")
        self.dave = Person("dave", "B")
        self.frank = Person("frank", "B")
        self.grace = Person("grace", "B")
        self.heidi = Person("heidi", "B")
        self.fans = [Person(f"fan-{n}", "AB"[n % 2], nickname="Fan") for n in range(12)]
        self.score = Person("score", "A", kind="service", docs=["x-score"])
        self.viewer = Stranger("viewer", "A")
        self.guest = Stranger("guest", "A")
