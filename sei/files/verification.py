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
        keyframes = self.cadence.keyframes
        yield f"pictures    {self.pictures}, {keyframes} keyframes, {self.span_s:.1f} s"
        yield f"messages    {self.messages}, {self.snapshots} whole snapshots{self._broken()}"
        rooms = ", ".join(f"{tag} ({count})" for tag, count in self.rooms.seen.items())
        yield f"rooms       {rooms or 'none'}"
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in self.signatures.items())
        yield f"signatures  {verdicts or 'none'}"
        yield f"positions   {self._positions()}"
        cadence = self.cadence
        yield (
            f"cadence     {cadence.keyframes_without} keyframes without, longest gap "
            f"{cadence.longest_gap_s:.2f} s, {cadence.bytes_per_s:.0f} bytes/s"
        )
        if self.ts_span_s is not None:
            age = "" if self.age_s is None else f", the last one {self.age_s:.1f} s old"
            yield f"freshness   states of {self.ts_span_s:.1f} s in {self.span_s:.1f} s{age}"
        for fault in self.faults:
            yield f"FAULT       {fault.text}"
        if not self.faults:
            yield "fine"

    def _broken(self) -> str:
        parts = [f"{count} malformed: {problem}" for problem, count in self.malformed.items()]
        if self.crc_failed:
            parts.append(f"{self.crc_failed} damaged")
        if self.other_format:
            parts.append(f"{self.other_format} of another format")
        return "".join(f", {part}" for part in parts)

    def _positions(self) -> str:
        found = self.positions
        if found.first is None:
            return "none"
        return (
            f"{found.first} to {found.last}, {found.versions} versions, "
            f"{found.incomplete} incomplete, {found.backwards} backwards"
        )
