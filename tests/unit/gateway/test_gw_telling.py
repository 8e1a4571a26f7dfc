from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from gateway.commits.telling import Telling
from gateway.loop.tasks import Tasks
from room.errors import Unavailable
from store.bus import Listener, LocalBus, Notice, Voices

STATE, SCORE = Notice("demo", "state"), Notice("demo", "x-score")


class Line:
    """A bus that takes notices one at a time, when it is let."""

    def __init__(self) -> None:
        self.sent: list[Notice] = []
        self.under_way: list[Notice] = []
        self.is_away = False
        self._free = asyncio.Event()
        self._free.set()

    def hold(self) -> None:
        """Keep what comes from now on waiting."""
        self._free.clear()

    def release(self) -> None:
        """Let it through."""
        self._free.set()

    async def run(self, listener: Listener) -> None:
        """Hear nothing."""

    async def notify(self, notice: Notice) -> None:
        self.under_way.append(notice)
        await self._free.wait()
        self.under_way.remove(notice)
        if self.is_away:
            raise Unavailable("away")
        self.sent.append(notice)

    async def speak(self, voices: Voices) -> None:
        """Tell nobody."""

    async def count(self, node: str, online: Mapping[str, int]) -> dict[str, int]:
        return dict(online)


class Node:
    """One that tells others."""

    def __init__(self) -> None:
        self.line, self.tasks = Line(), Tasks()
        self.telling = Telling(self.line, self.tasks)


@pytest.fixture
async def node() -> Node:
    return Node()


async def test_committed_room_is_told_without_keeping_anybody_waiting(node: Node) -> None:
    node.telling.room("demo")
    assert node.line.sent == []
    await node.tasks.settle()
    assert node.line.sent == [STATE]


async def test_changes_while_a_notice_is_under_way_become_one_more(node: Node) -> None:
    node.line.hold()
    node.telling.tell(STATE)
    await asyncio.sleep(0)
    assert node.line.under_way == [STATE]
    for _ in range(5):
        node.telling.tell(STATE)
    node.line.release()
    await node.tasks.settle()
    assert node.line.sent == [STATE, STATE]


async def test_change_during_the_second_notice_is_told_by_a_third(node: Node) -> None:
    """What is committed while a notice travels may be newer than what its receivers read."""
    notify, told = node.line.notify, 0

    async def telling_again(notice: Notice) -> None:
        nonlocal told
        told += 1
        if told <= 2:
            node.telling.tell(notice)
        await notify(notice)

    node.line.notify = telling_again  # type: ignore[method-assign]
    node.telling.tell(STATE)
    await node.tasks.settle()
    assert node.line.sent == [STATE] * 3


async def test_documents_are_told_apart(node: Node) -> None:
    node.line.hold()
    node.telling.tell(STATE)
    node.telling.tell(SCORE)
    node.telling.tell(Notice("other", "state"))
    await asyncio.sleep(0)
    assert node.line.under_way == [STATE, SCORE, Notice("other", "state")]
    node.line.release()
    await node.tasks.settle()


async def test_notice_that_was_not_sent_is_let_go_and_the_next_is_sent(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.line.is_away = True
    node.telling.tell(STATE)
    await node.tasks.settle()
    assert [record.message for record in caplog.records] == ["a notice was not sent"]
    node.line.is_away = False
    node.telling.tell(STATE)
    await node.tasks.settle()
    assert node.line.sent == [STATE]


async def test_node_that_is_alone_tells_nobody() -> None:
    tasks = Tasks()
    telling = Telling(LocalBus(), tasks)
    telling.room("demo")
    assert not tasks._running
