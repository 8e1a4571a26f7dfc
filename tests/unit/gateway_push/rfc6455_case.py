"""One case of the list of RFC 6455: bytes of a client and what they must amount to."""

from __future__ import annotations

from typing import NamedTuple

from gateway.push.frames import Event
from tests.unit.gateway_push.frame_samples import TEXT, client_frame, fragments


class Case(NamedTuple):
    """One rule, tried once."""

    name: str
    section: str
    stream: bytes
    events: tuple[Event, ...] = ()
    """Every one, in order."""
    code: int | None = None
    """To fail the connection with; None: it goes on, or was closed."""

    def __str__(self) -> str:
        return f"{self.section}-{self.name.replace(' ', '-')}"


KAPPA = "κόσμε".encode()


def text(payload: bytes) -> bytes:
    return client_frame(TEXT, payload)


def split(*payloads: bytes) -> bytes:
    return b"".join(fragments(payloads))


HELLO = text(b"Hello")
