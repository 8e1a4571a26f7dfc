"""How far two clocks are apart, and what a report says of it."""

from __future__ import annotations

import pytest

from loadtest.clock import Exchange, Offset, ServerClock, estimate


def test_the_fastest_exchange_is_believed() -> None:
    slow = Exchange(asked=0, server=900, answered=400)
    fast = Exchange(asked=1000, server=1500, answered=1004)
    assert estimate([slow, fast, slow]) == Offset(ms=498.5, error_ms=2.5)


@pytest.mark.parametrize("ahead", [-5000, -3, 0, 3, 5000])
@pytest.mark.parametrize("there", [0.0, 1.7, 4.0])
def test_the_true_offset_lies_within_the_error(ahead: int, there: float) -> None:
    server = int(100 + there + ahead)  # the server tells whole ms
    offset = estimate([Exchange(asked=100, server=server, answered=104)])
    assert abs(offset.ms - ahead) <= offset.error_ms


def test_an_offset_that_can_not_be_told_from_none_is_not_applied() -> None:
    clock = ServerClock(lambda: 1000.0)
    clock.offset = Offset(ms=1.0, error_ms=1.5)
    assert clock.now_ms() == 1000.0
    clock.offset = Offset(ms=-20.0, error_ms=1.5)
    assert clock.now_ms() == 980.0


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (None, "is not known"),
        (Offset(0.2, 0.6), "whose clock is the server's within 0.6 ms"),
        (Offset(-20.0, 1.5), "corrected by -20.0 ms to the server's clock"),
    ],
)
def test_a_report_says_whose_clock_it_is(offset: Offset | None, words: str) -> None:
    clock = ServerClock()
    clock.offset = offset
    assert words in clock.describe()
