"""What happened to a stream, in numbers; the worker counts, the supervisor shows."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, Literal

import msgspec

InputState = Literal["connecting", "live", "stalled", "waiting", "ended", "failed"]
"""``waiting``: for the next attempt. ``ended``: a file is over. ``failed``: no attempt can help."""

DELAY_BOUNDS_MS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 1000, 5000)


class Counts(msgspec.Struct, kw_only=True):
    """Counters of one stream since its worker took it; written by one thread at a time."""

    input_state: InputState = "connecting"
    error_code: str = ""
    error: str = ""
    """What the input last failed of, in one sentence; stays until it is live again."""
    engine: str = ""
    codec: str = ""
    video_packets: int = 0
    other_packets: int = 0
    bytes_in: int = 0
    injected: int = 0
    removed: int = 0
    """Messages with our UUID that came with the input."""
    repaired: int = 0
    """Times that ran backwards or jumped and were put right."""
    dropped: int = 0
    """Packets that no output could take."""
    reconnects: int = 0
    crashes: int = 0
    """Faults of ours, after each of which the stream was started again."""
    players: int = 0
    skips: int = 0
    """How often a slow player was moved to the next keyframe."""
    epoch: int = -1
    version: int = -1
    """Position of what was last injected; -1 before that."""
    delay_counts: list[int] = msgspec.field(
        default_factory=lambda: [0] * (len(DELAY_BOUNDS_MS) + 1)
    )
    delay_sum_ms: float = 0.0
    outputs: dict[str, str] = msgspec.field(default_factory=dict)
    """State of each output that connects or writes: ``live``, or its error with its code."""
    stripped: bool = False
    """What the egress probe last found: messages got lost on the way."""
    probe: str = ""

    def observe_delay(self, delay_ms: float) -> None:
        """Count how long a packet was held between input and outputs."""
        self.delay_counts[bisect_left(DELAY_BOUNDS_MS, delay_ms)] += 1
        self.delay_sum_ms += delay_ms
