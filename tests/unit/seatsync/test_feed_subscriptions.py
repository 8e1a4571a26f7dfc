from __future__ import annotations

from seatsync.feed.subscriptions import ANSWER_MS, BASE_MS, CAP_MS, WINDOW, Subscriptions


def always(draw: float = 1.0) -> Subscriptions:
    return Subscriptions(lambda: draw)


def test_a_room_is_asked_for_once() -> None:
    subscriptions = always()
    subscriptions.add("a", 0)
    subscriptions.add("a", 0)
    assert subscriptions.due(0) == ["a"]
    assert subscriptions.due(0) == []


def test_no_more_rooms_are_asked_for_at_once_than_the_window_holds() -> None:
    subscriptions = always()
    rooms = [f"r{number}" for number in range(WINDOW + 10)]
    for room in rooms:
        subscriptions.add(room, 0)
    first = subscriptions.due(0)
    assert len(first) == WINDOW
    assert subscriptions.due(0) == []
    subscriptions.confirm(first[0])
    subscriptions.refuse(first[1], 0)
    assert len(subscriptions.due(0)) == 2


def test_a_sign_of_a_room_that_was_asked_for_confirms_it_once() -> None:
    subscriptions = always()
    subscriptions.add("a", 0)
    subscriptions.due(0)
    assert subscriptions.confirm("a")
    assert not subscriptions.confirm("a")
    assert subscriptions.is_followed("a")
    assert subscriptions.follows == 1


def test_a_refused_room_is_asked_for_again_with_waits_that_double_to_a_cap() -> None:
    subscriptions = always()
    subscriptions.add("a", 0)
    now_ms, waits = 0, []
    for _ in range(7):
        assert subscriptions.due(now_ms) == ["a"]
        subscriptions.refuse("a", now_ms)
        at_ms = subscriptions.wake_at_ms()
        assert at_ms is not None
        assert subscriptions.due(at_ms - 1) == []
        waits.append(at_ms - now_ms)
        now_ms = at_ms
    assert waits[:4] == [BASE_MS, 2 * BASE_MS, 4 * BASE_MS, 8 * BASE_MS]
    assert waits[-1] == CAP_MS


def test_the_server_may_say_when_to_ask_again() -> None:
    subscriptions = always(0.0)
    subscriptions.add("a", 0)
    subscriptions.due(0)
    subscriptions.refuse("a", 0, hint_ms=7_000)
    assert subscriptions.wake_at_ms() == 7_000


def test_a_late_sign_of_a_refused_room_does_not_confirm_it() -> None:
    subscriptions = always()
    subscriptions.add("a", 0)
    subscriptions.due(0)
    subscriptions.refuse("a", 0)
    assert not subscriptions.confirm("a")
    assert not subscriptions.is_followed("a")


def test_a_followed_room_can_be_refused_after_all() -> None:
    subscriptions = always()
    subscriptions.add("a", 0)
    subscriptions.due(0)
    subscriptions.confirm("a")
    subscriptions.refuse("a", 0)
    assert not subscriptions.is_followed("a")
    assert subscriptions.due(BASE_MS) == ["a"]


def test_a_room_without_an_answer_is_asked_for_again() -> None:
    subscriptions = always(0.0)
    subscriptions.add("a", 0)
    subscriptions.due(0)
    assert subscriptions.wake_at_ms() == ANSWER_MS
    assert subscriptions.due(ANSWER_MS) == ["a"]


def test_a_new_connection_asks_for_everything_at_once() -> None:
    subscriptions = always()
    for room in "abc":
        subscriptions.add(room, 0)
    subscriptions.due(0)
    subscriptions.confirm("a")
    subscriptions.refuse("b", 0)
    subscriptions.reset(5)
    assert subscriptions.follows == 0
    assert sorted(subscriptions.due(5)) == ["a", "b", "c"]


def test_only_what_the_gateway_knows_of_is_told_it_is_left() -> None:
    subscriptions = always()
    for room in "ab":
        subscriptions.add(room, 0)
    subscriptions.due(0)
    subscriptions.add("c", 0)
    subscriptions.confirm("a")
    assert [subscriptions.remove(room) for room in "abcx"] == [True, True, False, False]
    assert "a" not in subscriptions


def test_nothing_wanted_is_nothing_to_wake_up_for() -> None:
    subscriptions = always()
    assert subscriptions.wake_at_ms() is None
    subscriptions.add("a", 0)
    subscriptions.due(0)
    subscriptions.confirm("a")
    assert subscriptions.wake_at_ms() is None


def test_a_full_window_waits_for_its_oldest_question() -> None:
    subscriptions = always()
    for number in range(WINDOW + 1):
        subscriptions.add(f"r{number}", 0)
    subscriptions.due(3)
    assert subscriptions.wake_at_ms() == 3 + ANSWER_MS
