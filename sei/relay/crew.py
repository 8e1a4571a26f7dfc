"""The worker processes: started, watched, ended, and one more that waits for a place.

The spare has an interpreter and PyAV loaded, so that the streams of a worker that died are back
without waiting for that.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from sei.relay.child import Child, StartChild
from sei.relay.restarts import Restarts
from sei.relay.words import Alive, Ended, Quit, ToSupervisor

log: Final = logging.getLogger(__name__)


class Pace(NamedTuple):
    """How long things may take."""

    hang_s: float = 5.0
    """A worker that says nothing for so long, or reads nothing, is killed."""
    start_s: float = 30.0
    """The same until it has said its first word: it is loading, perhaps on a busy machine."""
    look_s: float = 0.5
    stop_s: float = 10.0
    """For closing every file."""
    restock_s: float = 1.0
    """The next spare lets the streams that just came back have the processor first."""
    max_rss_bytes: int = 2 << 30
    with_spare: bool = True


@dataclass(slots=True, eq=False)
class Hand:
    """A worker process and what is known of it."""

    child: Child
    place: int | None
    """None: the spare."""
    silent_s: float = 0.0
    is_up: bool = False
    is_leaving: bool = False
    rss_bytes: int = 0


class Crew:
    """The worker processes of a relay, each in a place with a number.

    Args:
        start_child: starts a process.
        on_word: told the place and what its worker says.
        on_end: told the place whose worker is gone, and whether it was hung.
        pace: how long things may take.
        draw: gives random numbers in 0..1.
    """

    def __init__(
        self,
        start_child: StartChild,
        on_word: Callable[[int, Alive | Ended], None],
        on_end: Callable[[int, bool], None],
        pace: Pace,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._start_child: Final = start_child
        self._on_word: Final = on_word
        self._on_end: Final = on_end
        self._pace: Final = pace
        self._hands: Final[dict[Child, Hand]] = {}
        self._gone: Final[set[asyncio.Task[None]]] = set()
        self._spare_restarts: Final = Restarts(draw=draw)
        self._restock: asyncio.TimerHandle | None = None
        self._last_number = 0
        self._stopping = False

    def __iter__(self) -> Iterator[Hand]:
        """Every process that is not on its way out."""
        return iter([hand for hand in self._hands.values() if not hand.is_leaving])

    def take(self, place: int) -> bool:
        """Fill a place, with the spare if there is one; False where no process can be started."""
        hand = self._spare()
        if hand is None:
            hand = self._start(place)
        if hand is None:
            return False
        hand.place = place
        self._plan_spare(self._pace.restock_s)
        return True

    def has(self, place: int) -> bool:
        """Tell whether a worker is in that place."""
        return self._in(place) is not None

    def send(
        self,
        place: int,
        word: msgspec.Struct,
        sockets: Sequence[socket.socket] = (),
        *,
        key: Hashable = None,
    ) -> bool:
        """Say something to the worker of a place; False where it cannot be taken."""
        hand = self._in(place)
        return hand is not None and hand.child.send(word, sockets, key=key)

    def release(self, place: int) -> None:
        """Let the worker of a place go in order."""
        hand = self._in(place)
        if hand is not None:
            self._let_go(hand)

    def look(self, elapsed_s: float) -> None:
        """Kill what hangs, or took too much memory.

        Args:
            elapsed_s: since the last look. When this process itself was held up it counts little,
                so that no worker is killed for what it could not have said.
        """
        for hand in list(self):
            hand.silent_s += min(elapsed_s, 2 * self._pace.look_s)
            patience_s = self._pace.hang_s if hand.is_up else self._pace.start_s
            if max(hand.silent_s, hand.child.stuck_s) > patience_s:
                self._kill(hand, "a worker hangs and is killed")
            elif hand.rss_bytes > self._pace.max_rss_bytes:
                self._kill(hand, "a worker took too much memory and is killed")

    async def stop(self) -> None:
        """Let all go in order, and kill what does not; bounded, also where a kill does nothing."""
        self._stopping = True
        if self._restock is not None:
            self._restock.cancel()
        for hand in list(self):
            self._let_go(hand)
        if self._gone:
            await asyncio.wait(self._gone, timeout=self._pace.stop_s)
        for hand in self._hands.values():
            log.warning("a worker does not end and is killed", extra={"worker": hand.child.number})
            hand.child.kill()
        if self._gone:
            await asyncio.wait(self._gone, timeout=self._pace.stop_s)
        for task in self._gone:  # it hangs in the kernel, which ends it when it can
            task.cancel()

    def _in(self, place: int) -> Hand | None:
        return next((hand for hand in self if hand.place == place), None)

    def _spare(self) -> Hand | None:
        return next((hand for hand in self if hand.place is None), None)

    def _start(self, place: int | None) -> Hand | None:
        self._last_number += 1
        try:
            child = self._start_child(self._last_number, self._heard, self._ended)
        except OSError:
            log.exception("no worker can be started")
            return None
        hand = self._hands[child] = Hand(child, place)
        gone = asyncio.create_task(child.gone(), name=f"worker {child.number}")
        self._gone.add(gone)
        gone.add_done_callback(lambda task: self._bury(child, task))
        return hand

    def _bury(self, child: Child, task: asyncio.Task[None]) -> None:
        """Its process is gone, which may be known before its link is read to the end."""
        self._gone.discard(task)
        self._ended(child)
        self._hands.pop(child, None)

    def _plan_spare(self, wait_s: float) -> None:
        if self._pace.with_spare and self._restock is None and not self._stopping:
            loop = asyncio.get_running_loop()
            self._restock = loop.call_later(wait_s, self._make_spare)

    def _make_spare(self) -> None:
        self._restock = None
        if self._spare() is None and self._start(None) is None:
            self._plan_spare(self._spare_wait_s())

    def _spare_wait_s(self) -> float:
        now_s = asyncio.get_running_loop().time()
        return self._pace.restock_s + self._spare_restarts.wait_s(now_s)

    def _heard(self, child: Child, word: ToSupervisor) -> None:
        hand = self._hands.get(child)
        if hand is None or hand.is_leaving:
            return
        if isinstance(word, Alive):
            hand.silent_s, hand.is_up, hand.rss_bytes = 0.0, True, word.rss_bytes
        if hand.place is not None:
            self._on_word(hand.place, word)

    def _ended(self, child: Child) -> None:
        """Its link is at its end: it is dead, or as good as that."""
        hand = self._hands.get(child)
        if hand is None or hand.is_leaving:
            return
        child.kill()
        self._lost(hand, hung=False)

    def _kill(self, hand: Hand, why: str) -> None:
        log.error(
            why,
            extra={
                "worker": hand.child.number,
                "pid": hand.child.pid,
                "silent_s": round(hand.silent_s, 1),
                "rss_bytes": hand.rss_bytes,
            },
        )
        hand.child.kill(trace=True)
        self._lost(hand, hung=True)

    def _lost(self, hand: Hand, *, hung: bool) -> None:
        hand.is_leaving = True
        if self._stopping:
            return
        if hand.place is None:
            self._plan_spare(self._spare_wait_s())
        else:
            self._on_end(hand.place, hung)

    def _let_go(self, hand: Hand) -> None:
        hand.is_leaving = True
        hand.child.send(Quit())
        loop = asyncio.get_running_loop()
        loop.call_later(self._pace.stop_s, self._kill_late, hand)

    def _kill_late(self, hand: Hand) -> None:
        if hand.child in self._hands:
            log.warning("a worker does not end and is killed", extra={"worker": hand.child.number})
            hand.child.kill()
