from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sei.config import StreamConfig
from sei.relay.placing import compare, spread, worker_count


def stream(name: str, room: str = "demo") -> StreamConfig:
    return StreamConfig(name=name, room=room, input="test:")


def test_there_are_as_many_workers_as_cores_while_streams_last() -> None:
    assert worker_count(1, 50, 8) == 1
    assert worker_count(5, 50, 8) == 5
    assert worker_count(100, 50, 8) == 8


def test_there_are_more_where_one_would_have_too_many() -> None:
    assert worker_count(101, 50, 2) == 3


def test_streams_are_spread_evenly() -> None:
    assert sorted(spread({}, 5, 50, 2)) == [1, 1, 1, 2, 2]


def test_a_new_stream_goes_where_the_fewest_are() -> None:
    assert spread({1: 4, 2: 3}, 1, 50, 2) == [2]


def test_a_new_worker_takes_the_first_free_number() -> None:
    assert spread({1: 1, 3: 1}, 1, 1, 2) == [2]


@given(
    st.dictionaries(st.integers(1, 9), st.integers(0, 7), max_size=5),
    st.integers(0, 40),
    st.integers(1, 7),
    st.integers(0, 8),
)
def test_no_worker_gets_more_than_it_may(
    loads: dict[int, int], new: int, per_worker: int, workers: int
) -> None:
    chosen = spread(loads, new, per_worker, workers)
    assert len(chosen) == new
    for number in set(chosen):
        assert loads.get(number, 0) + chosen.count(number) <= max(per_worker, loads.get(number, 0))


def test_a_change_names_what_differs_and_nothing_else() -> None:
    old = [stream("a"), stream("b"), stream("c")]
    new = [stream("d"), stream("b", "other"), stream("a")]
    assert compare(old, new) == ((stream("d"),), ("c",), (stream("b", "other"),))
