"""Whether the messages in a stream are what they ought to be: collected here, read elsewhere. Pure.

| looked at | a fault |
| --- | --- |
| form | a message that is malformed, or whose CRC does not hold |
| room | with a room: not one message of it |
| signature | with keys: one that is invalid, missing, or by a key that is not in the set |
| position | one below another before it, in decoding order |
| cadence | a keyframe without a message after the first message; with a limit: a longer gap |
| gaps | pieces that never make a whole, where no version at all is whole |

Versions whose last pieces are missing are told and are no fault: a change ends the rounds of the
version before it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Final

from room.position import Position
from sei.errors import BadPayload
from sei.files.verification import Cadence, Fault, Positions, Rooms, Verification
from sei.probe.judge import Picture
from sei.wire.assembler import Assembler
from sei.wire.keys import KeySet
from sei.wire.payload import Message, StreamSnapshot, decode, room_tag
from sei.wire.signature import Verdict, verify

_MAX_OPEN: Final = 64
_MAX_ROOMS: Final = 64
_MAX_PROBLEMS: Final = 16
_MAX_KEYS: Final = 16
_OTHERS: Final = "others"


class Verifier:
    """Sees the pictures of one stream, in decoding order, and says what is wrong.

    Args:
        room: whose messages are looked for; None: those of any room.
        keys: what signatures are checked with; None: they are not.
        max_gap_s: how long the stream may go on without a message; None: as long as it likes.
    """

    def __init__(
        self, room: str | None = None, keys: KeySet | None = None, max_gap_s: float | None = None
    ) -> None:
        self._tag: Final = None if room is None else room_tag(room)
        self._keys: Final = keys
        self._max_gap_s: Final = max_gap_s
        self._assembler: Final = Assembler()
        self._problems: Final[Counter[str]] = Counter()
        self._rooms: Final[Counter[str]] = Counter()
        self._signatures: Final[Counter[str]] = Counter()
        self._signed_by: Final[dict[str, None]] = {}
        self._open: Final[OrderedDict[tuple[str, Position], None]] = OrderedDict()
        self._newest: Final[dict[str, Position]] = {}
        self._judged: tuple[StreamSnapshot, Verdict] | None = None
        self._first: Position | None = None
        self._pictures = self._keyframes = self._bare_keyframes = 0
        self._messages = self._crc_failed = self._other_format = self._foreign = 0
        self._bytes = self._versions = self._incomplete = self._backwards = self._snapshots = 0
        self._last_time_ms: float | None = None
        self._span_ms = self._gap_ms = self._longest_gap_ms = 0.0
        self._first_keyframe_ms = self._last_keyframe_ms = 0.0
        self._first_ts_ms = self._last_ts_ms = 0

    def see(self, picture: Picture) -> None:
        """Take the next picture."""
        self._pass_time(picture.time_ms)
        self._pictures += 1
        if picture.is_keyframe:
            self._last_keyframe_ms = self._span_ms
            if not self._keyframes:
                self._first_keyframe_ms = self._span_ms
            self._keyframes += 1
        before = self._messages
        for body in picture.bodies:
            self._read(body)
        if self._messages > before:
            if before:
                self._longest_gap_ms = max(self._longest_gap_ms, self._gap_ms)
            self._gap_ms = 0.0
        elif picture.is_keyframe and self._messages:
            self._bare_keyframes += 1

    def report(self, now_ms: int | None = None) -> Verification:
        """Judge what was seen so far.

        Args:
            now_ms: the time of day, for a live stream; None for a file, whose age says nothing.
        """
        span_s = self._span_ms / 1000
        seen = bool(self._snapshots)
        return Verification(
            pictures=self._pictures,
            span_s=span_s,
            messages=self._messages,
            malformed=dict(self._problems),
            crc_failed=self._crc_failed,
            other_format=self._other_format,
            rooms=Rooms(self._tag, dict(self._rooms), self._foreign),
            signatures=dict(self._signatures),
            signed_by=tuple(self._signed_by),
            positions=Positions(
                None if self._first is None else str(self._first),
                str(max(self._newest.values())) if self._newest else None,
                self._versions,
                self._incomplete,
                self._backwards,
            ),
            cadence=Cadence(
                self._keyframes,
                self._bare_keyframes,
                self._keyframe_interval_s(),
                self._longest() / 1000,
                self._bytes / span_s if span_s else 0.0,
            ),
            snapshots=self._snapshots,
            ts_span_s=(self._last_ts_ms - self._first_ts_ms) / 1000 if seen else None,
            age_s=(now_ms - self._last_ts_ms) / 1000 if seen and now_ms is not None else None,
            faults=tuple(self._faults()),
        )

    def _longest(self) -> float:
        """Give the longest time without a message, that after the last one too."""
        return max(self._longest_gap_ms, self._gap_ms if self._messages else 0.0)

    def _keyframe_interval_s(self) -> float | None:
        if self._keyframes < 2:
            return None
        return (self._last_keyframe_ms - self._first_keyframe_ms) / (self._keyframes - 1) / 1000

    def _pass_time(self, time_ms: float) -> None:
        step_ms = 0.0 if self._last_time_ms is None else time_ms - self._last_time_ms
        self._last_time_ms = time_ms
        if step_ms > 0:
            self._span_ms += step_ms
            self._gap_ms += step_ms

    def _read(self, body: bytes) -> None:
        self._bytes += len(body)
        try:
            message = decode(body)
            if message is None:
                self._other_format += 1
                return
            self._count_room(message)
            if self._tag is not None and message.room_tag != self._tag:
                self._foreign += 1
                return
            self._messages += 1
            if not message.crc_holds:
                self._crc_failed += 1
                return
            self._place(message)
            snapshot = self._assembler.offer(message)
        except BadPayload as error:
            known = error.message in self._problems or len(self._problems) < _MAX_PROBLEMS
            self._problems[error.message if known else _OTHERS] += 1
            return
        if snapshot is not None:
            self._complete(snapshot)

    def _count_room(self, message: Message) -> None:
        tag = message.room_tag
        known = tag in self._rooms or len(self._rooms) < _MAX_ROOMS
        self._rooms[tag if known else _OTHERS] += 1

    def _place(self, message: Message) -> None:
        tag, position = message.room_tag, message.position
        newest = self._newest.get(tag)
        if newest is not None and position < newest:
            self._backwards += 1
            return
        if newest is None and len(self._newest) == _MAX_ROOMS:
            return
        if newest != position:
            self._versions += 1
            self._newest[tag] = position
            self._first = position if self._first is None else self._first
            self._open[tag, position] = None
        while len(self._open) > _MAX_OPEN:
            self._open.popitem(last=False)
            self._incomplete += 1

    def _complete(self, snapshot: StreamSnapshot) -> None:
        if not self._snapshots:
            self._first_ts_ms = snapshot.ts_ms
        self._snapshots += 1
        self._last_ts_ms = snapshot.ts_ms
        self._open.pop((snapshot.room_tag, snapshot.position), None)
        if snapshot.signature is not None and len(self._signed_by) < _MAX_KEYS:
            self._signed_by[snapshot.signature.key_id] = None
        if self._keys is None:
            self._signatures["unsigned" if snapshot.signature is None else "unchecked"] += 1
        else:
            self._signatures[self._verdict(snapshot, self._keys)] += 1

    def _verdict(self, snapshot: StreamSnapshot, keys: KeySet) -> Verdict:
        """Verify once what is repeated."""
        if self._judged is None or self._judged[0] != snapshot:
            self._judged = snapshot, verify(snapshot, keys)
        return self._judged[1]

    def _faults(self) -> list[Fault]:
        counted = (
            ("malformed", "messages are malformed", sum(self._problems.values())),
            ("crc", "messages arrived damaged: their CRC does not hold", self._crc_failed),
            ("backwards", "messages have a position below one before them", self._backwards),
            ("keyframes", "keyframes carry no message", self._bare_keyframes),
            *(
                (f"signature_{verdict}", f"snapshots have a signature that is {verdict}", number)
                for verdict, number in sorted(self._signatures.items())
                if verdict in ("invalid", "unknown_key")
            ),
            ("signature_unsigned", "snapshots bear no signature", self._unsigned()),
        )
        faults = [Fault(code, f"{number} {text}") for code, text, number in counted if number]
        if not self._messages:
            whose = "" if self._tag is None else " of the room"
            faults.insert(0, Fault("no_messages", f"there is no message{whose} in the stream"))
        elif not self._snapshots:
            faults.append(Fault("incomplete", "no version is whole: pieces are missing"))
        if self._max_gap_s is not None and self._longest() > self._max_gap_s * 1000:
            gap_s = self._longest() / 1000
            faults.append(Fault("gap", f"the stream goes {gap_s:.2f} s without a message"))
        return faults

    def _unsigned(self) -> int:
        return 0 if self._keys is None else self._signatures["unsigned"]
