"""Whether a stream still carries our messages, judged by its own time. Pure.

| what came | verdict |
| --- | --- |
| nothing is expected: no state is known, or nothing is injected | ``unknown`` |
| too few pictures to tell | ``unknown`` |
| 2 s of pictures, or two keyframes in a row, without a message to the end | ``stripped`` |
| the same, but messages before and after; broken ones; pieces that never make a whole; fewer than half of what the cadence gives | ``damaged`` |
| else | ``whole`` |

``unreachable`` is for whoever reads the stream to say.
"""  # noqa: E501 - a table row is one line

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from room.position import Position
from sei.errors import BadPayload
from sei.insertion.cadence import REPEAT_INTERVAL_MS, Injection
from sei.wire.assembler import Assembler
from sei.wire.payload import decode, room_tag

BARE_MS: Final = 2_000
BARE_KEYFRAMES: Final = 2
_JUMP_MS: Final = 5_000
"""A step of stream time larger than this, or backwards, is none."""

Verdict = Literal["whole", "stripped", "damaged", "unknown", "unreachable"]


class Picture(NamedTuple):
    """An access unit, in decoding order."""

    time_ms: float
    """When it is decoded."""
    is_keyframe: bool
    bodies: Sequence[bytes]
    """Of the messages with our UUID."""


class Expected(NamedTuple):
    """What the relay puts in."""

    messages: int = 0
    """Of one round of the cadence; 0: nothing, since no state is known."""
    injection: Injection = "on"


class ProbeReport(NamedTuple):
    """What one look found."""

    verdict: Verdict
    reason: str
    pictures: int = 0
    keyframes: int = 0
    messages: int = 0
    """Of our room."""
    snapshots: int = 0
    """Whole ones that they made up."""
    broken: int = 0
    """Messages that are malformed, or whose CRC does not hold."""
    foreign: int = 0
    """Messages of other rooms or formats."""
    span_s: float = 0.0
    """Of stream time."""
    position: Position | None = None
    """Of the newest snapshot."""


class Judge:
    """Sees the pictures of one stream.

    Args:
        room: whose messages are looked for.
    """

    def __init__(self, room: str) -> None:
        self._room_tag: Final = room_tag(room)
        self._assembler: Final = Assembler()
        self._last_ms: float | None = None
        self._span_ms = 0.0
        self._bare_ms = 0.0
        self._bare_keyframes = 0
        self._gap_ms = 0.0
        self._was_bare = False
        self._pictures = self._keyframes = 0
        self._messages = self._snapshots = self._broken = self._foreign = 0
        self._position: Position | None = None

    def see(self, picture: Picture, injection: Injection = "on") -> None:
        """Take the next picture."""
        self._pass_time(picture.time_ms)
        self._pictures += 1
        self._keyframes += picture.is_keyframe
        before = self._messages
        for body in picture.bodies:
            self._read(body)
        if self._messages > before:
            if before:  # what was sent before a state was known is no gap
                self._gap_ms = max(self._gap_ms, self._bare_ms)
                self._was_bare = self._was_bare or self._is_bare(injection)
            self._bare_ms, self._bare_keyframes = 0.0, 0
        elif picture.is_keyframe:
            self._bare_keyframes += 1

    def report(self, expected: Expected) -> ProbeReport:
        """Judge what was seen so far."""
        verdict, reason = self._verdict(expected)
        return ProbeReport(
            verdict,
            reason,
            self._pictures,
            self._keyframes,
            self._messages,
            self._snapshots,
            self._broken,
            self._foreign,
            self._span_ms / 1000,
            self._position,
        )

    def _pass_time(self, time_ms: float) -> None:
        step_ms = 0.0 if self._last_ms is None else time_ms - self._last_ms
        self._last_ms = time_ms
        if 0 < step_ms <= _JUMP_MS:
            self._span_ms += step_ms
            self._bare_ms += step_ms

    def _read(self, body: bytes) -> None:
        try:
            message = decode(body)
            if message is None or message.room_tag != self._room_tag:
                self._foreign += 1
                return
            self._messages += 1
            self._broken += not message.crc_holds
            snapshot = self._assembler.offer(message)
        except BadPayload:
            self._broken += 1
            return
        if snapshot is not None:
            self._snapshots += 1
            newest = self._position
            self._position = snapshot.position if newest is None else max(newest, snapshot.position)

    def _verdict(self, expected: Expected) -> tuple[Verdict, str]:
        if not expected.messages or expected.injection == "off":
            return "unknown", "nothing is injected, or no state is known yet"
        if self._is_bare(expected.injection):
            return "stripped", self._stripped()
        if not self._messages:
            return "unknown", f"only {self._span_ms / 1000:.1f} s of pictures came"
        damage = self._damage(expected)
        if damage:
            return "damaged", damage
        return "whole", f"{self._messages} messages in {self._span_ms / 1000:.1f} s of pictures"

    def _is_bare(self, injection: Injection) -> bool:
        """Tell whether pictures went by for too long without a message."""
        if self._bare_keyframes >= BARE_KEYFRAMES:
            return True
        return injection == "on" and self._bare_ms > BARE_MS

    def _stripped(self) -> str:
        if not self._messages and self._foreign:
            return f"none of {self._foreign} messages is of this room"
        seen = "no message" if not self._messages else "no message any more"
        return f"{seen} in {self._bare_ms / 1000:.1f} s of pictures"

    def _damage(self, expected: Expected) -> str:
        if self._broken:
            return f"{self._broken} of {self._messages} messages are broken"
        if self._was_bare:
            return f"no message for {self._gap_ms / 1000:.1f} s of pictures"
        if not self._snapshots and self._span_ms > BARE_MS + expected.messages * self._frame_ms:
            return f"none of {self._messages} messages make up a whole state"
        least = self._cadence(expected) / 2 - expected.messages
        if self._messages < least:
            return f"only {self._messages} messages in {self._span_ms / 1000:.1f} s of pictures"
        return ""

    @property
    def _frame_ms(self) -> float:
        return self._span_ms / max(1, self._pictures - 1)

    def _cadence(self, expected: Expected) -> float:
        """Say how many messages such a span carries when all are there; one an access unit."""
        if expected.injection == "keyframes":
            return min(self._pictures, expected.messages * self._keyframes)
        round_ms = max(REPEAT_INTERVAL_MS, expected.messages * self._frame_ms) + self._frame_ms
        return min(self._pictures, expected.messages * self._span_ms / round_ms)
