from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Bounds, Rate
from gateway.limits import Buckets, Limits
from room.actor import Actor
from room.errors import SeatsyncError

NS = 1_000_000_000
OFF = Bounds(user_commands=None, room_commands=None)


class Clock:
    """Stands still until moved."""

    def __init__(self, now_s: float = 5000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def member(user_id: str = "bob") -> Actor:
    return Actor(user_id)


def refusal(limits: Limits, actor: Actor, room: str = "r1") -> SeatsyncError | None:
    try:
        limits.check_command(actor, room)
    except SeatsyncError as error:
        return error
    return None


def passes(limits: Limits, actor: Actor, count: int, room: str = "r1") -> int:
    return sum(refusal(limits, actor, room) is None for _ in range(count))


def test_the_limits_of_the_protocol_are_the_default() -> None:
    assert Bounds() == Bounds(Rate(20, 60), Rate(1000, 500), None, None)


def test_a_user_may_send_a_burst_of_60_and_then_20_a_second() -> None:
    clock = Clock()
    limits = Limits(Bounds(), clock)
    assert passes(limits, member(), 100) == 60
    for _ in range(5):
        clock.now_s += 1
        assert passes(limits, member(), 100) == 20
    clock.now_s += 1000
    assert passes(limits, member(), 100) == 60


def test_a_room_takes_a_burst_of_500_and_then_1000_a_second() -> None:
    clock = Clock()
    limits = Limits(Bounds(), clock)
    assert sum(passes(limits, member(f"u{n}"), 10) for n in range(100)) == 500
    clock.now_s += 0.1
    assert sum(passes(limits, member(f"v{n}"), 10) for n in range(100)) == 100
    assert passes(limits, member("w"), 10, room="another") == 10


def test_a_refusal_says_to_the_millisecond_when_the_next_one_passes() -> None:
    clock = Clock()
    limits = Limits(Bounds(), clock)
    passes(limits, member(), 60)
    clock.now_s += 0.0105
    error = refusal(limits, member())
    assert error is not None
    assert (error.code, error.retry_after_ms) == ("RATE_LIMITED", 40)
    clock.now_s += 0.039
    assert refusal(limits, member()) is not None
    clock.now_s += 0.001
    assert refusal(limits, member()) is None


def test_services_are_held_back_by_nothing_and_take_nothing_from_the_room() -> None:
    limits = Limits(Bounds(user_polls=Rate(1, 1), user_connections=1), Clock())
    service = Actor("score", "service")
    assert passes(limits, service, 5000) == 5000
    for _ in range(10):
        limits.check_poll(service)
        limits.open_connection(service)
    assert passes(limits, member(), 1) == 1


@pytest.mark.parametrize("actor", [Actor("ops", "staff", ("operator",)), Actor("bob", "member")])
def test_staff_are_held_back_as_members_are(actor: Actor) -> None:
    assert passes(Limits(Bounds(), Clock()), actor, 100) == 60


def test_whoever_is_over_their_own_limit_leaves_the_room_to_the_others() -> None:
    limits = Limits(Bounds(Rate(1, 2), Rate(1, 3)), Clock())
    assert passes(limits, member("flood"), 1000) == 2
    assert passes(limits, member("bob"), 5) == 1


def test_whoever_is_held_back_by_the_room_keeps_their_own_budget() -> None:
    limits = Limits(Bounds(Rate(1, 2), Rate(1, 3)), Clock())
    passes(limits, member("a"), 2)
    passes(limits, member("b"), 1)
    assert passes(limits, member("c"), 100) == 0
    assert passes(limits, member("c"), 100, room="another") == 2


def test_when_both_hold_back_the_longer_wait_is_told() -> None:
    limits = Limits(Bounds(Rate(2, 1), Rate(10, 1)), Clock())
    assert refusal(limits, member()) is None
    error = refusal(limits, member())
    assert error is not None
    assert error.retry_after_ms == 500


def test_a_limit_that_is_off_refuses_nothing() -> None:
    limits = Limits(OFF, Clock())
    assert passes(limits, member(), 10_000) == 10_000
    for _ in range(1000):
        limits.check_poll(member())
        limits.open_connection(member())


def test_polls_of_known_users_are_bounded_where_that_is_configured() -> None:
    clock = Clock()
    limits = Limits(Bounds(user_polls=Rate(2, 3)), clock)
    for _ in range(3):
        limits.check_poll(member())
    with pytest.raises(SeatsyncError) as refused:
        limits.check_poll(member())
    assert (refused.value.code, refused.value.retry_after_ms) == ("RATE_LIMITED", 500)
    limits.check_poll(None)
    limits.check_poll(member("carol"))
    assert passes(limits, member(), 60) == 60, "commands have a budget of their own"


def test_connections_of_a_user_are_bounded_where_that_is_configured() -> None:
    limits = Limits(Bounds(user_connections=2), Clock())
    limits.open_connection(member())
    limits.open_connection(member())
    for _ in range(3):
        with pytest.raises(SeatsyncError) as refused:
            limits.open_connection(member())
        assert refused.value.code == "RATE_LIMITED"
    limits.open_connection(member("carol"))
    limits.open_connection(None)
    limits.close_connection(None)
    limits.close_connection(member())
    limits.open_connection(member())
    for _ in range(2):
        limits.close_connection(member())
    limits.close_connection(member("carol"))
    assert not limits._connections


def test_a_bucket_that_is_full_again_is_forgotten() -> None:
    buckets = Buckets(Rate(10, 5))
    for number in range(1000):
        buckets.take(str(number), number * NS // 10)
    assert len(buckets) < 5


def test_a_flood_of_ids_never_frees_the_one_that_is_held_back() -> None:
    """The least lately used would be the bucket of whoever waits for their turn as told."""
    buckets = Buckets(Rate(20, 60), max_buckets=50)
    for _ in range(60):
        buckets.take("flood", 0)
    for number in range(10_000):
        buckets.take(f"id{number}", number)
        assert len(buckets) <= 50
    assert buckets.wait_ns("flood", 10_000) == NS // 20 - 10_000


def test_a_flood_of_ids_by_command_is_held_back_as_one_user() -> None:
    limits = Limits(Bounds(), Clock(), max_buckets=10)
    assert sum(passes(limits, member(), 1, room=f"r{n}") for n in range(1000)) == 60


STEPS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 400_000_000)), min_size=1, max_size=200
)
RATES = st.builds(Rate, st.integers(1, 50), st.integers(1, 20))


class Reference:
    """A bucket as it is told: tokens that drip in, exact, and forgotten never."""

    def __init__(self, rate: Rate) -> None:
        self.step_ns = NS // rate.per_s
        self.burst = rate.burst
        self.held: dict[str, tuple[int, int]] = {}

    def level_ns(self, key: str, now_ns: int) -> int:
        """Tokens, each worth ``step_ns``."""
        level, at_ns = self.held.get(key, (self.burst * self.step_ns, now_ns))
        return min(self.burst * self.step_ns, level + now_ns - at_ns)

    def take(self, key: str, now_ns: int) -> bool:
        level = self.level_ns(key, now_ns)
        if level < self.step_ns:
            return False
        self.held[key] = (level - self.step_ns, now_ns)
        return True


@given(RATES, STEPS)
def test_a_bucket_lets_through_what_a_dripping_one_does(
    rate: Rate, steps: list[tuple[str, int]]
) -> None:
    buckets, reference, now_ns = Buckets(rate), Reference(rate), 0
    for key, later_ns in steps:
        now_ns += later_ns
        wait_ns = buckets.wait_ns(key, now_ns)
        assert wait_ns == max(0, reference.step_ns - reference.level_ns(key, now_ns))
        if reference.take(key, now_ns):
            buckets.take(key, now_ns)


@given(RATES, STEPS, st.integers(1, 4))
def test_what_is_remembered_is_bounded_and_consistent(
    rate: Rate, steps: list[tuple[str, int]], max_buckets: int
) -> None:
    buckets, now_ns = Buckets(rate, max_buckets), 0
    for key, later_ns in steps:
        now_ns += later_ns
        if not buckets.wait_ns(key, now_ns):
            buckets.take(key, now_ns)
        assert len(buckets) <= max_buckets
        assert sorted(key for _, key in buckets._by_fullness) == sorted(buckets._full_at_ns)
        assert all(listed <= buckets._full_at_ns[key] for listed, key in buckets._by_fullness)


@given(RATES, STEPS, st.integers(1, 4))
def test_of_the_emptiest_buckets_none_is_forgotten(
    rate: Rate, steps: list[tuple[str, int]], max_buckets: int
) -> None:
    """What is forgotten was nearer to full than whatever is kept."""
    buckets, now_ns = Buckets(rate, max_buckets), 0
    for key, later_ns in steps:
        now_ns += later_ns
        if buckets.wait_ns(key, now_ns):
            continue
        before = dict(buckets._full_at_ns)
        buckets.take(key, now_ns)
        after = buckets._full_at_ns
        for gone in before.keys() - after.keys():
            assert before[gone] <= min(after.values(), default=now_ns) or before[gone] <= now_ns


@given(RATES, st.lists(st.integers(0, 2_000_000_000), max_size=100))
def test_no_span_of_time_sees_more_than_burst_and_rate(rate: Rate, gaps: list[int]) -> None:
    buckets, now_ns, taken = Buckets(rate), 0, []
    for gap in gaps:
        now_ns += gap
        while not buckets.wait_ns("k", now_ns):
            buckets.take("k", now_ns)
            taken.append(now_ns)
    for first, start in enumerate(taken):
        for count, end in enumerate(taken[first:], 1):
            assert count <= rate.burst + (end - start) // (NS // rate.per_s)
