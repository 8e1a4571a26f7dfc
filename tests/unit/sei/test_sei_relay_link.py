from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import uvloop

from sei.relay.link import MAX_WAITING, MAX_WAITING_SOCKETS, Link, link_pair
from sei.relay.words import Connection, Quit, Start, State, ToWorker

Test = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest) -> Callable[[Test], None]:
    def run(test: Test) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(test(), 20))

    return run


class End:
    """One end and what it heard."""

    def __init__(self, end: socket.socket) -> None:
        self.heard: list[ToWorker] = []
        self.sockets: list[socket.socket] = []
        self.ended = asyncio.Event()
        self.news = asyncio.Event()
        decoder: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
        self.link = Link(end, decoder, self._hear, self.ended.set)

    def _hear(self, word: ToWorker, sockets: list[socket.socket]) -> None:
        self.heard.append(word)
        self.sockets += sockets
        self.news.set()

    async def hears(self, count: int) -> list[ToWorker]:
        while len(self.heard) < count:
            self.news.clear()
            await self.news.wait()
        return self.heard


@contextmanager
def two_ends() -> Iterator[tuple[End, End]]:
    one, other = map(End, link_pair())
    try:
        yield one, other
    finally:
        one.link.close()
        other.link.close()


def state(version: int, room: str = "demo", size: int = 10) -> State:
    return State(room, 1000, 1, version, (b"x" * size,))


def fill(link: Link[Any]) -> int:
    """Send until the kernel takes no more; give how many it took."""
    sent = 0
    while not link._waiting:
        assert link.send(state(sent, f"fill{sent}", 4000))
        sent += 1
    return sent - 1


def test_words_arrive_whole_and_in_order(play: Callable[[Test], None]) -> None:
    async def test() -> None:
        with two_ends() as (one, other):
            words = [Start(()), state(1), Quit()]
            for word in words:
                assert one.link.send(word)
            assert await other.hears(3) == words

    play(test)


def test_the_largest_state_fits_at_once(play: Callable[[Test], None]) -> None:
    async def test() -> None:
        with two_ends() as (one, other):
            largest = State("r" * 64, 4000, 2**53, 2**53, (os.urandom(4000),) * 16)
            assert one.link.send(largest)
            assert one.link.stuck_s == 0.0
            assert await other.hears(1) == [largest]

    play(test)


def test_a_connection_arrives_unread_and_is_closed_here(play: Callable[[Test], None]) -> None:
    async def test() -> None:
        with two_ends() as (one, other):
            player, ours = socket.socketpair()
            with player:
                player.sendall(b"GET /")
                assert one.link.send(Connection("peer"), (ours,))
                assert ours.fileno() == -1
                await other.hears(1)
                with other.sockets[0] as received:
                    assert received.recv(100) == b"GET /"

    play(test)


def test_a_word_that_waits_is_replaced_in_its_place(play: Callable[[Test], None]) -> None:
    async def test() -> None:
        one_end, other_end = link_pair()
        one = End(one_end)
        sent = fill(one.link)
        for version in range(1000):
            assert one.link.send(state(version), key="demo")
        assert one.link.send(Quit())
        other = End(other_end)
        heard = await other.hears(sent + 3)
        assert heard[-2:] == [state(999), Quit()]
        assert len(heard) == sent + 3
        assert one.link.stuck_s == 0.0
        one.link.close()
        other.link.close()

    play(test)


def test_a_full_link_refuses_and_leaves_the_sockets_to_the_caller(
    play: Callable[[Test], None],
) -> None:
    async def test() -> None:
        one_end, other_end = link_pair()
        one = End(one_end)
        fill(one.link)
        while len(one.link._waiting) < MAX_WAITING:
            assert one.link.send(Quit())
        player, ours = socket.socketpair()
        with player, ours, other_end:
            assert not one.link.send(Connection("peer"), (ours,))
            assert ours.fileno() != -1
            assert one.link.stuck_s >= 0.0
            one.link.close()

    play(test)


def test_a_crowd_of_players_leaves_room_for_other_words(play: Callable[[Test], None]) -> None:
    async def test() -> None:
        one_end, other_end = link_pair()
        one = End(one_end)
        fill(one.link)
        with other_end:
            crowd = [socket.socket() for _ in range(MAX_WAITING_SOCKETS + 1)]
            taken = [one.link.send(Connection("peer"), (each,)) for each in crowd]
            assert taken == [True] * MAX_WAITING_SOCKETS + [False]
            crowd[-1].close()
            assert one.link.send(state(1), key="room")
            assert one.link.send(Quit())
            one.link.close()

    play(test)


def test_room_for_players_comes_back_once_they_are_on_their_way(
    play: Callable[[Test], None],
) -> None:
    async def test() -> None:
        with two_ends() as (one, other):
            sent = fill(one.link) + 1 + MAX_WAITING_SOCKETS
            for _ in range(MAX_WAITING_SOCKETS):
                assert one.link.send(Connection("peer"), (socket.socket(),))
            await other.hears(sent)
            assert one.link._waiting_sockets == 0
            assert not any(os.get_inheritable(each.fileno()) for each in other.sockets)
            for each in other.sockets:
                each.close()

    play(test)


def test_closing_closes_the_sockets_that_wait(play: Callable[[Test], None]) -> None:
    async def test() -> None:
        one_end, other_end = link_pair()
        one = End(one_end)
        fill(one.link)
        player, ours = socket.socketpair()
        with player, other_end:
            assert one.link.send(Connection("peer"), (ours,))
            one.link.close()
            assert ours.fileno() == -1
            assert player.recv(1) == b""
            assert not one.link.send(Quit())

    play(test)


def test_the_end_of_the_other_side_is_told_once(play: Callable[[Test], None]) -> None:
    async def test() -> None:
        with two_ends() as (one, other):
            one.link.send(Quit())
            one.link.close()
            await other.ended.wait()
            assert other.heard == [Quit()]
            assert other.link.closed

    play(test)


def test_nonsense_ends_the_link(
    play: Callable[[Test], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        one_end, other_end = link_pair()
        other = End(other_end)
        with one_end:
            one_end.send(b"\xc1nonsense")
            await other.ended.wait()
            assert other.heard == []

    play(test)
    assert "nonsense on the link" in caplog.text


def test_a_word_beyond_the_bound_is_a_fault(play: Callable[[Test], None]) -> None:
    async def test() -> None:
        with two_ends() as (one, _), pytest.raises(ValueError, match="a word of"):
            one.link.send(state(1, size=200_000))

    play(test)
