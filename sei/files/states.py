"""States that change over the time of a file, a line of JSON each."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

import msgspec

from room.errors import InvalidArgument, SeatsyncError
from sei.insertion.state import StateAt, check_public


class Line(msgspec.Struct):
    """One of them."""

    at: float
    """From when on, in seconds of stream time."""
    state: msgspec.Raw


_DECODER: Final = msgspec.json.Decoder(Line)


def states_of(lines: bytes) -> StateAt:
    """Read states that change over time, a line each; their bytes stay as they stand there.

    Raises:
        InvalidArgument: a line is not as it ought to be, or not later than the one before it.
    """
    times: list[float] = []
    bodies: list[bytes] = []
    for number, text in enumerate(lines.splitlines(), start=1):
        if not text.strip():
            continue
        try:
            line = _DECODER.decode(text)
            body = bytes(line.state)
            check_public(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, SeatsyncError) as error:
            reason = error.message if isinstance(error, SeatsyncError) else str(error)
            raise InvalidArgument(f"line {number} of the states: {reason}") from error
        if times and line.at < times[-1]:
            raise InvalidArgument(f"line {number} of the states is earlier than the one before it")
        times.append(line.at)
        bodies.append(body)
    if not bodies:
        raise InvalidArgument("there is no state among the states")

    def state_at(time_s: float) -> bytes | None:
        index = bisect_right(times, time_s)
        return bodies[index - 1] if index else None

    return state_at
