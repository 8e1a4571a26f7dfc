from __future__ import annotations

import pytest

from gateway import waiting
from gateway.push.hub import Hub
from gateway.push.mailbox import Key
from gateway.waiting import Waiting
from room.documents import State
from room.position import Position
from room.snapshot import Edition, Stored

KEY = Key("demo", "state")
HERE = Position(7, 3)


def edition(version: int) -> Edition:
    return Edition(Stored("demo", State("alice"), Position(7, version), 0))


async def test_poll_gives_a_sign_in_each_part_of_its_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SIGN_EVERY_S", 2.0**-11)
    signs: list[int] = []
    with Waiting(Hub()).following(KEY, "member", HERE) as waiter:
        await waiter.wait(2.0**-9, lambda: signs.append(1))
    assert len(signs) == 4


async def test_newer_position_ends_the_wait_and_the_same_does_not() -> None:
    hub = Hub()
    polls = Waiting(hub)
    signs: list[int] = []
    with polls.following(KEY, "member", HERE) as waiter:
        assert hub.publish(edition(3)) == 0
        assert hub.publish(edition(4)) == 1
        await waiter.wait(25.0, lambda: signs.append(1))
    assert (signs, len(polls), len(hub)) == ([], 0, 0)


async def test_poll_that_begins_while_the_node_leaves_waits_for_nothing() -> None:
    polls = Waiting(Hub())
    polls.release_all()
    with polls.following(KEY, "member", HERE) as waiter:
        await waiter.wait(25.0, lambda: pytest.fail("it waits"))
