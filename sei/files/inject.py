"""Put room state into a media file."""

from __future__ import annotations

from pathlib import Path

from sei.files.remux import remux
from sei.files.report import Progress, Report
from sei.files.track import MessagesAt
from sei.insertion.cadence import Injection
from sei.insertion.state import Encoder, Signs, StateAt


def inject(
    source: Path,
    target: Path,
    states: bytes | StateAt,
    progress: Progress | None = None,
    *,
    room: str | None = None,
    max_message_bytes: int = 1000,
    signer: Signs | None = None,
    injection: Injection = "on",
    container: str | None = None,
) -> Report:
    """Copy a media file with the state of a room in its video, without re-encoding.

    Messages with our UUID that it had before are taken out.

    Args:
        source: FLV, MP4, MPEG-TS, Matroska or raw H.264 or HEVC; ``-``: standard input.
        target: the file to write; ``-``: standard output.
        states: a snapshot, or the newest one at each time.
        progress: told how many bytes are done, of how many.
        room: id of the room; taken from the first snapshot where it is None.
        max_message_bytes: limit of one message, 300 to 4,000.
        signer: vouches for each snapshot.
        injection: when messages go in.
        container: what to write, of ``output.CONTAINERS``; None: what the suffix says.

    Raises:
        BadMedia: the input cannot be read, or the output not written.
        InvalidArgument: a snapshot is no anonymous state of the room.
        Malformed: a snapshot is not JSON.
        TooManyChunks: a snapshot is too large for the channel.
    """
    encoder = Encoder(room, max_message_bytes=max_message_bytes, signer=signer)
    if isinstance(states, bytes):
        messages = encoder.messages(states)
        messages_at: MessagesAt = lambda _time_s: messages  # noqa: E731 - called for every picture
    else:
        messages_at = lambda time_s: encoder.messages(states(time_s))  # noqa: E731
    return remux(source, target, messages_at, progress, container=container, injection=injection)
