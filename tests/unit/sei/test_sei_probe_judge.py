from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from sei_strategies import snapshot_body

from room.position import Position
from sei.insertion.cadence import Cadence, Injection
from sei.probe.judge import Expected, Judge, Picture, ProbeReport
from sei.wire.payload import encode

FRAME_MS = 40
GROUP = 50
"""Pictures from one keyframe to the next."""
ONE = encode("demo", Position(7, 3), 1003, snapshot_body(3))
NOISE = random.Random(1).randbytes(400).hex().encode()
MANY = encode("demo", Position(7, 3), 1003, b'{"noise":"%b"}' % NOISE, max_message_bytes=300)
assert len(MANY) > 2

Lossy = Callable[[int, bytes], bytes | None]


def pictures(
    count: int,
    messages: Sequence[bytes] = ONE,
    *,
    injection: Injection = "on",
    lossy: Lossy = lambda _number, body: body,
) -> list[Picture]:
    """Make what a relay sends, and what some hop makes of it."""
    cadence = Cadence(injection)
    made = []
    for number in range(count):
        is_keyframe = number % GROUP == 0
        chosen = cadence.choose(number * FRAME_MS, is_keyframe, messages)
        body = None if chosen is None else lossy(number, chosen)
        made.append(Picture(number * FRAME_MS, is_keyframe, [] if body is None else [body]))
    return made


def judged(
    seen: Sequence[Picture], messages: Sequence[bytes] = ONE, injection: Injection = "on"
) -> ProbeReport:
    judge = Judge("demo")
    for picture in seen:
        judge.see(picture, injection)
    return judge.report(Expected(len(messages), injection))


def drop(_number: int, _body: bytes) -> None:
    return None


@pytest.mark.parametrize("messages", [ONE, MANY])
@pytest.mark.parametrize("seconds", [3, 10, 60])
def test_a_stream_as_the_relay_sends_it_is_whole(messages: Sequence[bytes], seconds: int) -> None:
    report = judged(pictures(seconds * 25, messages), messages)
    assert report.verdict == "whole", report
    assert report.position == Position(7, 3)
    assert report.snapshots > 0
    assert report.span_s == pytest.approx(seconds, abs=0.05)


def test_pictures_without_messages_for_two_seconds_are_stripped() -> None:
    report = judged(pictures(60, lossy=drop)[1:])  # joined behind the keyframe
    assert report.verdict == "stripped"
    assert report.messages == 0


def test_two_keyframes_without_a_message_are_enough() -> None:
    seen = [Picture(0, True, []), Picture(40, False, []), Picture(80, True, [])]
    assert judged(seen).verdict == "stripped"
    assert judged(seen[:2]).verdict == "unknown"


def test_messages_that_end_midway_are_stripped() -> None:
    lost = pictures(250, lossy=lambda number, body: body if number < 150 else None)
    assert judged(lost).verdict == "stripped"


def test_messages_that_come_back_leave_it_damaged() -> None:
    gap = pictures(250, lossy=lambda number, body: None if 60 < number < 170 else body)
    assert judged(gap).verdict == "damaged"


def test_pictures_from_before_the_state_was_known_are_no_gap() -> None:
    late = pictures(500, lossy=lambda number, body: None if number < 120 else body)
    assert judged(late).verdict == "whole"


def test_pieces_that_never_make_a_whole_are_damage() -> None:
    first_only = pictures(250, MANY, lossy=lambda _, body: body if body == MANY[0] else None)
    report = judged(first_only, MANY)
    assert report.verdict == "damaged"
    assert report.snapshots == 0
    assert report.messages > 0


def test_a_broken_message_is_damage() -> None:
    spoilt = pictures(250, lossy=lambda number, body: body[:-1] + b"?" if number < 5 else body)
    report = judged(spoilt)
    assert (report.verdict, report.broken) == ("damaged", 3)


def test_a_malformed_message_is_damage() -> None:
    spoilt = pictures(250, lossy=lambda number, body: b"SS1 nonsense" if number > 200 else body)
    assert judged(spoilt).verdict == "damaged"


def test_messages_of_a_later_format_are_not_ours() -> None:
    assert judged(pictures(250, lossy=lambda _, body: b"SS2 " + body)).verdict == "stripped"


def test_fewer_than_half_of_the_messages_are_damage() -> None:
    numbers = iter(range(10_000))
    thinned = pictures(1000, lossy=lambda _, body: None if next(numbers) % 3 else body)
    assert judged(thinned).verdict == "damaged"


def test_messages_of_another_room_are_not_ours() -> None:
    report = Judge("other")
    for picture in pictures(100):
        report.see(picture)
    found = report.report(Expected(1))
    assert found.verdict == "stripped"
    assert "of this room" in found.reason
    assert found.foreign > 0


@pytest.mark.parametrize("expected", [Expected(0), Expected(1, "off"), Expected(0, "keyframes")])
def test_where_nothing_is_injected_nothing_is_missed(expected: Expected) -> None:
    judge = Judge("demo")
    for picture in pictures(250, lossy=drop):
        judge.see(picture)
    assert judge.report(expected).verdict == "unknown"


def test_on_keyframes_alone_long_silence_between_them_is_well() -> None:
    made = pictures(500, injection="keyframes")
    spread = [picture._replace(time_ms=picture.time_ms * 4) for picture in made]
    assert judged(spread, injection="keyframes").verdict == "whole"
    bare = [picture._replace(bodies=[]) for picture in spread]
    assert judged(bare[:GROUP], injection="keyframes").verdict == "unknown"
    assert judged(bare, injection="keyframes").verdict == "stripped"


def test_jumps_of_time_are_not_silence() -> None:
    seen = pictures(40)
    later = [picture._replace(time_ms=picture.time_ms + 3_600_000) for picture in seen]
    assert judged(seen + later).verdict == "whole"
    assert judged(later + seen).verdict == "whole"


def test_a_slow_picture_rate_carries_fewer_messages() -> None:
    slow = [
        picture._replace(time_ms=index * 1000)
        for index, picture in enumerate(pictures(30, lossy=lambda _, body: body))
    ]
    each = [picture._replace(bodies=list(ONE)) for picture in slow]
    assert judged(each).verdict == "whole"


def test_nothing_seen_is_nothing_known() -> None:
    assert judged([]).verdict == "unknown"
