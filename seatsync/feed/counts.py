"""How a feed is doing, in numbers."""

from __future__ import annotations

from typing import Literal

import msgspec

ChannelInUse = Literal["ws", "poll", ""]


class FeedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a feed; the counters never fall."""

    channel: ChannelInUse
    """``ws`` while the push connection is alive, ``poll`` while only polls are answered, else
    nothing: the gateway is away."""
    rooms: int
    rooms_pushed: int
    """Followed over the push connection."""
    rooms_polled: int
    """Asked for again and again."""
    rooms_missing: int
    """Those of which the gateway says that there is no such room, yet."""
    reconnects: int
    """Push connections that were welcomed, after the first."""
    push_failures: int
    """Push connections that ended or were never made."""
    polls: int
    """Polls that were answered with a state, or that there is none newer."""
    poll_failures: int
    snapshots: int
    """Those that were newer than what was held."""
    error_code: str
    """Of what ended the last push connection; empty while one is alive."""
    error: str
