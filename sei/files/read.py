"""Find room state in a media file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sei.errors import BadPayload
from sei.files.media import open_media
from sei.files.scan import Unit, scan
from sei.wire.assembler import Assembler
from sei.wire.payload import Message, StreamSnapshot, decode


@dataclass(frozen=True, slots=True)
class Found:
    """One message with our UUID, well formed or not."""

    pts_s: float | None
    """When the picture that carries it is shown, as the container says."""
    is_keyframe: bool
    message: Message | None
    """None where it cannot be read, or is of another format and to be ignored."""
    problem: str | None
    """Why it cannot be read, in one sentence; None where it is only of another format."""
    snapshot: StreamSnapshot | None
    """What this message completes."""

    @property
    def crc_holds(self) -> bool:
        """Tell whether the message arrived as it was sent."""
        return self.message is not None and self.message.crc_holds


def read(source: Path) -> Iterator[Found]:
    """Give every message with our UUID in a media file, in decoding order.

    Args:
        source: the file; ``-``: standard input.

    Raises:
        BadMedia: the file cannot be read; also after some messages, where it is broken later on.
    """
    with open_media(source) as media:
        assembler = Assembler()
        for unit in scan(media):
            for body in unit.bodies:
                yield _found(unit, body, assembler)


def _found(unit: Unit, body: bytes, assembler: Assembler) -> Found:
    message = snapshot = problem = None
    try:
        message = decode(body)
        snapshot = assembler.offer(message) if message else None
    except BadPayload as error:
        problem = error.message
    return Found(unit.pts_s, unit.is_keyframe, message, problem, snapshot)
