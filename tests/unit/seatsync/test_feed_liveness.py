from __future__ import annotations

import pytest

from seatsync.errors import SourceEnded
from seatsync.feed.liveness import PERMANENT_RETRY_MS, Liveness

LOST = SourceEnded("lost")


def test_a_connection_is_alive_from_its_welcome_to_its_end() -> None:
    liveness = Liveness(10.0)
    assert not liveness.is_alive
    liveness.welcomed(1.0)
    assert liveness.is_alive
    liveness.over(LOST, 2.0)
    assert not liveness.is_alive
    assert not liveness.is_open


def test_silence_is_told_once_until_it_is_broken() -> None:
    liveness = Liveness(10.0)
    liveness.heard(1.0)
    liveness.welcomed(1.0)
    assert not liveness.falls_silent(11.0)
    assert liveness.falls_silent(11.1)
    assert not liveness.falls_silent(12.0)
    assert liveness.is_open
    assert not liveness.is_alive
    assert liveness.heard(13.0)
    assert not liveness.heard(13.1)
    assert liveness.is_alive


def test_a_connection_that_is_not_there_falls_silent_never() -> None:
    liveness = Liveness(10.0)
    assert not liveness.falls_silent(100.0)


def test_waits_grow_and_begin_anew_after_a_connection_that_lasted() -> None:
    liveness = Liveness(10.0)
    waits = []
    for _ in range(3):
        liveness.over(LOST, 0.0)
        waits.append(liveness.retry_ms(1.0))
    assert waits == [500, 1000, 2000]
    liveness.welcomed(10.0)
    liveness.over(LOST, 10.5)
    assert liveness.retry_ms(1.0) == 4000
    liveness.welcomed(20.0)
    liveness.over(LOST, 25.0)
    assert liveness.retry_ms(1.0) == 500


def test_the_server_may_say_when_to_come_back() -> None:
    liveness = Liveness(10.0)
    liveness.over(SourceEnded("drain", retry_after_ms=3210), 0.0)
    assert liveness.retry_ms(0.0) == 3210


@pytest.mark.parametrize(("draw", "factor"), [(0.0, 0.8), (1.0, 1.2)])
def test_push_that_is_refused_for_good_is_tried_again_after_a_long_time(
    draw: float, factor: float
) -> None:
    liveness = Liveness(10.0)
    liveness.over(SourceEnded("no", permanent=True, code="UPGRADE_REQUIRED"), 0.0)
    assert liveness.retry_ms(draw) == PERMANENT_RETRY_MS * factor


def test_only_the_first_end_of_its_kind_is_news() -> None:
    liveness = Liveness(10.0)
    assert liveness.over(LOST, 0.0)
    assert not liveness.over(SourceEnded("lost again"), 1.0)
    assert liveness.over(SourceEnded("no", code="UPGRADE_REQUIRED"), 2.0)
    liveness.welcomed(3.0)
    assert liveness.ended is None
    assert liveness.over(LOST, 4.0)
    assert (liveness.welcomes, liveness.endings) == (1, 4)
