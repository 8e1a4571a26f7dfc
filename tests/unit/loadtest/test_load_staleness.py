"""What one user tells of the snapshots that come: ages, and steps back."""

from __future__ import annotations

import json

import pytest

from loadtest.clock import Offset, ServerClock
from loadtest.staleness import Road, Watch, WentBack, WrongSnapshot

NOW_MS = 1_000_000.0
ROADS: tuple[Road, ...] = ("ws", "slow ws", "poll", "long-poll", "sse", "sei")


class Evening:
    """A watch, its clock, and what it told."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.told: list[tuple[str, float, int, Exception | None]] = []
        self.clock = ServerClock(lambda: self.now_ms)
        self.watch = Watch("r1", self.clock, lambda *entry: self.told.append(entry))

    @property
    def failures(self) -> list[Exception]:
        return [error for *_, error in self.told if error is not None]

    @property
    def ages(self) -> list[tuple[str, float]]:
        return [(name, ms) for name, ms, _, error in self.told if error is None]

    def take(self, road: Road, version: int, *, age_ms: float = 0.0, **fields: object) -> None:
        self.watch.take(road, snapshot(version, self.now_ms - age_ms, **fields))


def snapshot(version: int, ts: float, **fields: object) -> bytes:
    known = {"type": "snapshot", "doc": "state", "schema": 1, "view": "anonymous", "room": "r1"}
    return json.dumps(
        {**known, "epoch": 5, "version": version, "ts": int(ts), "seats": [], **fields}
    ).encode()


@pytest.fixture
def evening() -> Evening:
    return Evening()


@pytest.mark.parametrize("road", ROADS)
def test_the_age_of_what_is_new_is_told_under_the_road_it_came_by(
    evening: Evening, road: Road
) -> None:
    evening.now_ms += 500
    evening.take(road, 2, age_ms=30)
    assert evening.ages == [(f"staleness {road}", 30.0)]
    assert evening.told[0][2] == len(snapshot(2, evening.now_ms))


def test_what_was_committed_before_the_connection_began_has_no_age(evening: Evening) -> None:
    evening.take("ws", 2, age_ms=1)
    assert evening.told == []
    evening.now_ms += 1000
    evening.take("ws", 3, age_ms=10)
    evening.watch.begin()
    evening.take("ws", 4, age_ms=10)
    assert evening.ages == [("staleness ws", 10.0)]


def test_a_repeat_is_told_once(evening: Evening) -> None:
    evening.now_ms += 1000
    for _ in range(3):
        evening.take("sei", 2, age_ms=10)
    assert len(evening.told) == 1


@pytest.mark.parametrize("road", ROADS)
def test_an_older_snapshot_is_a_failure_on_every_road(evening: Evening, road: Road) -> None:
    evening.take(road, 7, age_ms=1)
    evening.take(road, 6)
    ((name, _, _, error),) = evening.told
    assert name == f"position {road}"
    assert isinstance(error, WentBack)
    assert (error.held.version, error.came.version) == (7, 6)


def test_a_step_back_from_one_road_to_another_is_a_failure_too(evening: Evening) -> None:
    evening.take("ws", 7)
    evening.watch.begin()
    evening.take("poll", 6)
    assert [type(error) for error in evening.failures] == [WentBack]


def test_a_lower_version_of_a_newer_epoch_is_no_step_back(evening: Evening) -> None:
    evening.take("ws", 7)
    evening.take("ws", 1, epoch=6)
    assert evening.failures == []
    assert evening.watch.position == (6, 1)


def test_the_highest_position_is_kept_after_a_step_back(evening: Evening) -> None:
    assert evening.watch.position is None
    for version in (3, 9, 4):
        evening.take("ws", version)
    assert evening.watch.position == (5, 9)


def test_steps_back_have_equal_texts_so_that_a_report_counts_them_together() -> None:
    texts = set()
    for held in (7, 9):
        evening = Evening()
        evening.take("ws", held)
        evening.take("ws", 1)
        texts.update(str(error) for error in evening.failures)
    assert texts == {"ws went back"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"type":"ack"}', snapshot(-1, NOW_MS), snapshot(1, 0, room="r2")]
)
def test_what_is_no_snapshot_of_the_room_is_a_failure(evening: Evening, body: bytes) -> None:
    evening.watch.take("sse", body)
    assert [type(error) for error in evening.failures] == [WrongSnapshot]
    assert evening.watch.position is None


def test_an_age_is_told_by_the_servers_clock_where_its_distance_is_known(evening: Evening) -> None:
    evening.clock.offset = Offset(ms=250.0, error_ms=1.0)
    evening.watch.begin()
    evening.now_ms += 100
    evening.take("ws", 2, age_ms=-200)  # committed at 300 by the server, where it is 350 now
    assert evening.ages == [("staleness ws", 50.0)]


def test_an_age_is_never_below_zero(evening: Evening) -> None:
    evening.take("ws", 2, age_ms=-3)
    assert evening.ages == [("staleness ws", 0.0)]
