from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from av.packet import Packet
from hypothesis import given
from hypothesis import strategies as st

from sei.packets.order import filled
from sei.packets.rawtime import RawClock


def stamp(
    count: int, order: Sequence[int] | None = None, duration: int = 2
) -> list[tuple[int | None, int | None]]:
    clock = RawClock(order)
    times = []
    for _ in range(count):
        packet = Packet(b"x")
        packet.time_base = Fraction(1, 50)
        packet.duration = duration
        clock.stamp(packet)
        times.append((packet.dts, packet.pts))
    return times


def test_without_reordering_pictures_are_shown_when_decoded() -> None:
    assert stamp(3) == stamp(3, [0, 1, 2]) == [(0, 0), (2, 2), (4, 4)]


def test_reordered_pictures_are_shown_in_their_order_and_never_too_early() -> None:
    order = [0, 2, 1, 4, 3]
    times = stamp(5, order)
    shown = [times[number][1] for number in order]
    assert shown == [2, 4, 6, 8, 10]
    assert [dts for dts, _ in times] == [0, 2, 4, 6, 8]


def test_the_second_field_follows_the_first() -> None:
    times = stamp(6, filled([0, 4, 2], 6))
    shown = sorted(range(6), key=lambda number: times[number][1] or 0)
    assert shown == [0, 1, 4, 5, 2, 3]


def test_pictures_that_nobody_could_decode_are_still_stamped() -> None:
    times = stamp(4, filled([2, 3], 4))
    assert [dts for dts, _ in times] == [0, 2, 4, 6]
    assert all(pts is not None and dts is not None and pts >= dts for dts, pts in times)


@given(st.permutations(range(12)), st.integers(0, 12))
def test_every_picture_has_one_place(order: list[int], known: int) -> None:
    complete = filled(order[:known], 12)
    assert sorted(complete) == list(range(12))
    assert [number for number in complete if number in order[:known]] == order[:known]


def test_a_stream_without_a_rate_gets_25_pictures_a_second() -> None:
    assert stamp(2, duration=0) == [(0, 0), (2, 2)]
