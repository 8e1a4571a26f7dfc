"""What a look at the messages of a stream found: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """One thing that is not as it ought to be."""

    code: str
    text: str


class Rooms(msgspec.Struct, frozen=True):
    """Whose messages there are."""

    wanted: str | None
    """Tag of the room that was asked for."""
    seen: Mapping[str, int]
    """Messages by the tag of their room."""
    foreign: int
    """Messages of other rooms than the one that was asked for."""


class Positions(msgspec.Struct, frozen=True):
    """How the state moved on."""

    first: str | None
    last: str | None
    """The highest."""
    versions: int
    incomplete: int
    """Versions of which pieces are missing, those that a change cut short among them."""
    backwards: int
    """Messages below one before them, in decoding order."""


class Cadence(msgspec.Struct, frozen=True):
    """How often messages come."""

    keyframes: int
    keyframes_without: int
    """Of those after the first message."""
    keyframe_interval_s: float | None
    """From one to the next, on average; None of fewer than two."""
    longest_gap_s: float
    """In stream time, from the first message on."""
    bytes_per_s: float
    """Of messages, over all of the stream."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report."""

    pictures: int
    span_s: float
    messages: int
    malformed: Mapping[str, int]
    """By what is wrong."""
    crc_failed: int
    other_format: int
    """With our UUID, and to be ignored: another format, or reserved flags."""
    rooms: Rooms
    signatures: Mapping[str, int]
    """Whole snapshots by ``sei.wire.signature.Verdict``; ``unchecked`` without keys."""
    signed_by: tuple[str, ...]
    """Ids of the keys that they name."""
    positions: Positions
    cadence: Cadence
    snapshots: int
    ts_span_s: float | None
    """From the commit of the first state to that of the last one."""
    age_s: float | None
    """Of the last state at the end of a live stream; of a file nobody can say."""
    faults: tuple[Fault, ...]

    def lines(self) -> Iterator[str]:
        """Write it for people, a line a subject."""
        yield f"pictures    {self._pictures()}"
        whole = _count(self.snapshots, "whole snapshot")
        yield f"messages    {self.messages}, {whole}{self._broken()}"
        rooms = ", ".join(f"{tag} ({count})" for tag, count in self.rooms.seen.items())
        wanted = "" if self.rooms.wanted is None else f"; looked for {self.rooms.wanted}"
        yield f"rooms       {rooms or 'none'}{wanted}"
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in self.signatures.items())
        keys = f" by {', '.join(self.signed_by)}" if self.signed_by else ""
        yield f"signatures  {verdicts or 'none'}{keys}"
        yield f"versions    {self._versions()}"
        yield f"cadence     {self._cadence()}"
        if self.ts_span_s is not None:
            yield f"freshness   {self._freshness(self.ts_span_s)}"
        for fault in self.faults:
            yield f"FAULT       {fault.text}"
        if not self.faults:
            yield "fine"

    def _pictures(self) -> str:
        rate = f" ({(self.pictures - 1) / self.span_s:.1f}/s)" if self.span_s else ""
        every_s = self.cadence.keyframe_interval_s
        every = "" if every_s is None else f", one in {every_s:.1f} s"
        keyframes = _count(self.cadence.keyframes, "keyframe")
        return f"{self.pictures} in {self.span_s:.1f} s{rate}, {keyframes}{every}"

    def _cadence(self) -> str:
        cadence = self.cadence
        if not self.messages:
            return "none"
        every_s = self.span_s / self.messages
        return (
            f"a message in {every_s:.2f} s, {cadence.longest_gap_s:.2f} s at most; "
            f"{_count(cadence.keyframes_without, 'keyframe')} without; "
            f"{cadence.bytes_per_s * 8 / 1000:.1f} kbit/s"
        )

    def _freshness(self, ts_span_s: float) -> str:
        if self.age_s is not None:
            return f"the newest state is {self.age_s:.1f} s old"
        return f"states of {ts_span_s:.1f} s in {self.span_s:.1f} s of stream"

    def _broken(self) -> str:
        parts = [f"{count} malformed: {problem}" for problem, count in self.malformed.items()]
        if self.crc_failed:
            parts.append(f"{self.crc_failed} damaged")
        if self.other_format:
            parts.append(f"{self.other_format} of another format")
        return "".join(f", {part}" for part in parts)

    def _versions(self) -> str:
        found = self.positions
        if found.first is None:
            return "none"
        reach = found.first if found.first == found.last else f"{found.first} to {found.last}"
        return (
            f"{found.versions}, {reach} (epoch.version); "
            f"{found.incomplete} incomplete, {found.backwards} backwards"
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
