"""Which channels run now: decided from events, without a clock, a socket or a random source.

Theory of operation
-------------------
The channels are rungs, best first: ws, sse, poll, sei. Each is idle, running or dead; a running one
is *open* from its first sign of life. Two of them are push, two are fall-backs.

| rule | |
| --- | --- |
| stop | what is worse than the best open rung stops |
| start | a rung starts when its wait is over, nothing as good or better is open, and no better rung of its kind is running: one push at a time, and a poll beside it for the first paint |
| the video | sei starts only where a better rung has failed: it costs a stream |
| wait | a rung that ends waits for what the server asks, else for full jitter; the count of failures goes back to 0 when it had been open for ``STABLE_MS`` |
| rest | a rung that stops for a better one forgets its own failures and waits, but not what the server asked for |
| death | a rung that ends for good never starts again |

So as long as one rung is not dead, something runs or a wake-up is due.
"""  # noqa: E501 - a table row is one line

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from room.errors import InvalidArgument
from room.reconcile import CHANNELS, Channel
from seatsync.backoff import retry_delay_ms

STABLE_MS: Final = 5_000
_PUSH: Final[frozenset[Channel]] = frozenset(("ws", "sse"))


class Plan(NamedTuple):
    """What to do until the next event."""

    run: frozenset[Channel]
    """The channels that run; all others are stopped."""
    wake_at_ms: int | None
    """When to call ``advance`` if nothing happens before; None where only an event can help."""


class Rung:
    """One channel on the ladder."""

    def __init__(self, channel: Channel) -> None:
        self.channel: Final = channel
        self.push: Final = channel in _PUSH
        self.running = False
        self.dead = False
        self.opened_at_ms: int | None = None
        self.not_before_ms = 0
        self.hinted = False
        self.failures = 0

    @property
    def open(self) -> bool:
        """Whether it runs and gave a sign of life."""
        return self.opened_at_ms is not None

    @property
    def failed(self) -> bool:
        """Whether it does not work now, as far as is known."""
        return not self.open and (self.dead or self.failures > 0)

    def start(self) -> None:
        """Begin a life of its connection."""
        self.running = True

    def rest(self) -> None:
        """Stop for a better one."""
        self.running = False
        self.opened_at_ms = None
        self.failures = 0
        if not self.hinted:
            self.not_before_ms = 0

    def fail(self, now_ms: int, hint_ms: int | None, draw: float) -> None:
        """End a life of its connection, and wait."""
        if self.opened_at_ms is not None and now_ms - self.opened_at_ms >= STABLE_MS:
            self.failures = 0
        self.running = False
        self.opened_at_ms = None
        self.hinted = hint_ms is not None
        self.not_before_ms = now_ms + retry_delay_ms(hint_ms, self.failures, draw)
        self.failures += 1

    def die(self) -> None:
        """End for good."""
        self.running = False
        self.opened_at_ms = None
        self.dead = True


class Ladder:
    """The state machine over all rungs; every method returns what to do now.

    Times are milliseconds of any clock that never goes back. Events of a channel that does not run
    change nothing.
    """

    def __init__(self, channels: Collection[Channel], draw: Callable[[], float]) -> None:
        """Build a ladder at rest; ``advance`` sets it going.

        Args:
            channels: those that may be used, in any order.
            draw: gives a random number in 0..1 for each wait.

        Raises:
            InvalidArgument: no channel, or one that does not exist.
        """
        unknown = set(channels) - set(CHANNELS)
        if unknown or not channels:
            raise InvalidArgument(f"channels are some of {', '.join(CHANNELS)}")
        self._rungs: Final = tuple(Rung(name) for name in CHANNELS if name in channels)
        self._draw: Final = draw

    @property
    def dead(self) -> bool:
        """Whether every channel ended for good."""
        return all(rung.dead for rung in self._rungs)

    @property
    def active(self) -> Channel | None:
        """The best channel that works now."""
        return next((rung.channel for rung in self._rungs if rung.open), None)

    def opened(self, channel: Channel, now_ms: int) -> Plan:
        """Hear that a connection was welcomed, or that it delivered."""
        rung = self._rung(channel)
        if rung.running and rung.opened_at_ms is None:
            rung.opened_at_ms = now_ms
        return self.advance(now_ms)

    def ended(
        self,
        channel: Channel,
        now_ms: int,
        *,
        permanent: bool = False,
        retry_after_ms: int | None = None,
    ) -> Plan:
        """Hear that a connection is over.

        Args:
            channel: whose.
            now_ms: when.
            permanent: the channel is not to be tried again.
            retry_after_ms: what the server asked for.
        """
        rung = self._rung(channel)
        if rung.running and permanent:
            rung.die()
        elif rung.running:
            rung.fail(now_ms, retry_after_ms, self._draw())
        return self.advance(now_ms)

    def advance(self, now_ms: int) -> Plan:
        """Hear that time passed."""
        better: list[Rung] = []
        wakes: list[int] = []
        opened = False
        for rung in self._rungs:
            if opened:
                rung.rest()
            elif _may_start(rung, better, now_ms):
                rung.start()
            elif not (rung.running or rung.dead) and rung.not_before_ms > now_ms:
                wakes.append(rung.not_before_ms)
            opened = opened or rung.open
            better.append(rung)
        run = frozenset(rung.channel for rung in self._rungs if rung.running)
        return Plan(run, min(wakes, default=None))

    def _rung(self, channel: Channel) -> Rung:
        return next(rung for rung in self._rungs if rung.channel == channel)


def _may_start(rung: Rung, better: list[Rung], now_ms: int) -> bool:
    if rung.running or rung.dead or rung.not_before_ms > now_ms:
        return False
    if any(other.running for other in better if other.push == rung.push):
        return False
    if rung.channel == "sei":
        return not better or any(other.failed for other in better)
    return True
