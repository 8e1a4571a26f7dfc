"""Put room state into a media file."""

from __future__ import annotations

from pathlib import Path

from sei.files.remux import remux
from sei.files.report import Progress, Report
from sei.insertion.state import Encoder, StateAt


def inject(
    source: Path,
    target: Path,
    states: bytes | StateAt,
    progress: Progress | None = None,
    *,
    room: str | None = None,
    max_message_bytes: int = 1000,
) -> Report:
    """Copy a media file with the state of a room in its video, without re-encoding.

    Messages with our UUID that it had before are taken out.

    Args:
        source: FLV, MP4, MPEG-TS or raw H.264 or HEVC.
        target: the file to write; its suffix names the container.
        states: a snapshot, or the newest one at each time.
        progress: told how many bytes are done, of how many.
        room: id of the room; taken from the first snapshot where it is None.
        max_message_bytes: limit of one message, 300 to 4,000.

    Raises:
        BadMedia: the input cannot be read, or the output not written.
        InvalidArgument: a snapshot is no anonymous state of the room.
        Malformed: a snapshot is not JSON.
        TooManyChunks: a snapshot is too large for the channel.
    """
    encoder = Encoder(room, max_message_bytes=max_message_bytes)
    if isinstance(states, bytes):
        messages = encoder.messages(states)
        return remux(source, target, lambda _time_s: messages, progress)
    return remux(source, target, lambda time_s: encoder.messages(states(time_s)), progress)
