"""What a server says when it sends somebody away, and when they may come back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

ASKED_TO_WAIT: Final = frozenset(("OVERLOADED", "RATE_LIMITED"))
_CODES: Final = {4000: "DRAIN", 4002: "OVERLOADED"}


class Refusal(NamedTuple):
    """Why a connection or a request came to nothing."""

    code: str
    retry_after_ms: int | None = None

    @property
    def is_fair(self) -> bool:
        """Whether the server, as it may under load, asked for a pause and said how long."""
        patient = self.code in ASKED_TO_WAIT or self.code == "DRAIN"
        return patient and self.retry_after_ms is not None


class Refused(Exception):
    """The server sent us away."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"refused: {refusal.code}")
        self.refusal = refusal


def read_problem(status: int, headers: Mapping[str, Any], body: bytes | None) -> Refusal:
    """Read an HTTP refusal (PROTOCOL.md 3); the body is finer than ``Retry-After``.

    Args:
        status: of the answer.
        headers: any mapping whose ``get`` knows lower-case names.
        body: problem+json, or whatever a proxy in between wrote.
    """
    problem = _object(body)
    hint_ms = _number(problem.get("retry_after_ms"))
    header = headers.get("retry-after")
    if hint_ms is None and header is not None and str(header).isdecimal():
        hint_ms = int(header) * 1000
    code = problem.get("code")
    return Refusal(code if isinstance(code, str) else f"status {status}", hint_ms)


def read_bye(body: bytes) -> Refusal:
    """Read a ``bye`` (PROTOCOL.md 6)."""
    bye = _object(body)
    code = _number(bye.get("code"))
    name = f"bye {code}" if code is None else _CODES.get(code, f"bye {code}")
    return Refusal(name, _number(bye.get("retry_after_ms")))


def _object(body: bytes | None) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
