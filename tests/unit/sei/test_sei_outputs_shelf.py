from __future__ import annotations

import threading

from sei.outputs.shelf import Shelf


def test_what_was_put_is_there_until_it_is_removed() -> None:
    shelf = Shelf()
    assert shelf.put("a.ts", b"one")
    assert shelf.put("a.ts", b"two")
    assert (shelf.get("a.ts"), shelf.total_bytes) == (b"two", 3)
    shelf.remove("a.ts")
    shelf.remove("a.ts")
    assert (shelf.get("a.ts"), shelf.total_bytes) == (None, 0)


def test_the_oldest_goes_when_there_are_too_many() -> None:
    shelf = Shelf(max_items=2)
    for name in ("list", "1", "list", "2", "list", "3"):
        shelf.put(name, name.encode())
    assert [shelf.get(name) for name in ("list", "1", "2", "3")] == [b"list", None, None, b"3"]


def test_the_oldest_goes_when_it_is_too_much() -> None:
    shelf = Shelf(max_bytes=10)
    for name in ("1", "2", "3"):
        shelf.put(name, bytes(4))
    assert [shelf.get(name) is not None for name in ("1", "2", "3")] == [False, True, True]
    assert shelf.total_bytes == 8


def test_what_is_too_large_is_not_kept_and_takes_its_old_content_along() -> None:
    shelf = Shelf(max_bytes=10)
    shelf.put("a", b"old")
    shelf.put("b", b"other")
    assert not shelf.put("a", bytes(11))
    assert (shelf.get("a"), shelf.get("b")) == (None, b"other")


def test_threads_leave_the_count_right() -> None:
    shelf = Shelf(max_items=5, max_bytes=1000)

    def put(number: int) -> None:
        for n in range(500):
            shelf.put(f"{n % 7}", bytes(n % 50))
            shelf.remove(f"{(n + number) % 7}")

    threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [shelf.get(str(n)) for n in range(7)]
    assert shelf.total_bytes == sum(len(content) for content in kept if content is not None)
