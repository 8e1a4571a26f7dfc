from __future__ import annotations

import pytest

from sei.ration import LONG_S, Ration


class Clocks:
    """Work and time, moved by hand."""

    def __init__(self) -> None:
        self.work_s = 0.0
        self.now_s = 100.0

    def ration(self, share: float = 0.25, burst_s: float = 0.5) -> Ration:
        return Ration(share, burst_s, work=lambda: self.work_s, now=lambda: self.now_s)

    def does(self, ration: Ration, work_s: float) -> float | None:
        ration.begin()
        self.work_s += work_s
        self.now_s += work_s
        return ration.end()


def test_short_work_within_the_share_needs_no_rest() -> None:
    clocks = Clocks()
    ration = clocks.ration()
    for _ in range(1000):
        clocks.now_s += 0.04
        assert clocks.does(ration, 0.002) is None


def test_after_long_work_others_have_a_turn() -> None:
    clocks = Clocks()
    assert clocks.does(clocks.ration(), LONG_S * 2) == 0.0


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_who_never_stops_gets_its_share_in_the_long_run(share: float) -> None:
    clocks = Clocks()
    ration = clocks.ration(share)
    for _ in range(500):
        rest_s = clocks.does(ration, 0.05)
        assert rest_s is not None
        clocks.now_s += rest_s
    assert clocks.work_s / (clocks.now_s - 100) == pytest.approx(share, rel=0.1)


def test_what_was_saved_up_is_bounded() -> None:
    clocks = Clocks()
    ration = clocks.ration(0.25, 0.5)
    clocks.now_s += 3600
    assert clocks.does(ration, 0.4) == 0.0
    assert clocks.does(ration, 0.4) == pytest.approx((0.3 - 0.1) / 0.25)


async def test_resting_ends() -> None:
    clocks = Clocks()
    ration = clocks.ration()
    ration.begin()
    clocks.work_s += 0.01
    await ration.rest()
