from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from poller_samples import Clock

from poller.segments import SETTLED_S, Segments


def proven(segments: Segments[str], clock: Clock, *keys: str) -> None:
    """Hold keys, and ask for each again later."""
    for key in keys:
        segments[key] = key
    clock.now_s += SETTLED_S
    for key in keys:
        segments.get(key)


def test_least_recently_used_of_what_is_on_trial_leaves_first() -> None:
    segments: Segments[str] = Segments(3, Clock())
    for key in "abc":
        segments[key] = key
    segments.get("a")
    segments["d"] = "d"
    assert {key for key in "abcd" if key in segments} == set("acd")


def test_what_was_asked_for_again_later_outlives_a_flood() -> None:
    clock = Clock()
    segments: Segments[str] = Segments(10, clock)
    proven(segments, clock, "a", "b")
    for number in range(1000):
        segments[str(number)] = "x"
    assert (segments.get("a"), segments.get("b"), len(segments)) == ("a", "b", 10)


def test_uses_in_one_moment_prove_nothing() -> None:
    segments: Segments[str] = Segments(5, Clock())
    segments["a"] = "a"
    for _ in range(10):
        segments.get("a")
    for number in range(5):
        segments[str(number)] = "x"
    assert "a" not in segments


def test_looking_is_no_use() -> None:
    clock = Clock()
    segments: Segments[str] = Segments(2, clock)
    segments["a"] = "a"
    segments["b"] = "b"
    clock.now_s += SETTLED_S
    assert segments.peek("a") == "a"
    segments["c"] = "c"
    assert ("a" in segments, segments.peek("a")) == (False, None)


def test_what_is_proven_leaves_room_for_what_is_new() -> None:
    clock = Clock()
    segments: Segments[str] = Segments(5, clock)
    proven(segments, clock, *"abcde")
    segments["f"] = "f"
    assert "f" in segments
    assert "a" not in segments, "it went back on trial, as the least recently used"
    assert len(segments) == 5


def test_what_is_kept_outlives_a_flood_that_comes_before_its_next_use() -> None:
    segments: Segments[str] = Segments(5, Clock(), lambda key: key == "kept")
    segments["kept"] = "kept"
    for number in range(100):
        segments[str(number)] = "x"
    assert "kept" in segments
    assert len(segments) == 5


def test_bound_holds_though_everything_is_kept() -> None:
    segments: Segments[int] = Segments(5, Clock(), lambda key: True)
    for number in range(100):
        segments[number] = number
    assert len(segments) == 5


def test_a_key_that_was_dropped_is_gone_from_either_list() -> None:
    clock = Clock()
    segments: Segments[str] = Segments(5, clock)
    proven(segments, clock, "a")
    segments["b"] = "b"
    assert (segments.pop("a"), segments.pop("b"), segments.pop("c")) == ("a", "b", None)
    assert len(segments) == 0


@given(st.lists(st.tuples(st.sampled_from("sgpt"), st.integers(0, 12))), st.integers(1, 7))
def test_bound_and_values_hold_in_any_order_of_calls(
    calls: list[tuple[str, int]], size: int
) -> None:
    clock = Clock()
    segments: Segments[int] = Segments(size, clock)
    held: dict[int, int] = {}
    for number, (call, key) in enumerate(calls, 1):
        if call == "s":
            segments[key] = held[key] = number
        elif call == "p":
            segments.pop(key)
            held.pop(key, None)
        elif call == "t":
            clock.now_s += SETTLED_S
        value = segments.get(key)
        assert value in (None, held.get(key))
        assert value == segments.peek(key)
        assert len(segments) <= size
