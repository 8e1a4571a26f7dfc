"""WebSocket frames, pure: bytes in, events out, and back (RFC 6455). One import for all of it."""

from gateway.push.frames_events import (
    CloseFrame,
    Event,
    FrameError,
    PingFrame,
    PongFrame,
    Text,
)
from gateway.push.frames_lone import lone_event
from gateway.push.frames_read import MAX_FRAGMENTS, FrameReader, Inflate
from gateway.push.frames_write import close_frame, ping_frame, pong_frame, text_frame

__all__ = [
    "FrameReader",
    "lone_event",
    "Event",
    "Text",
    "PingFrame",
    "PongFrame",
    "CloseFrame",
    "FrameError",
    "Inflate",
    "MAX_FRAGMENTS",
    "text_frame",
    "ping_frame",
    "pong_frame",
    "close_frame",
]
