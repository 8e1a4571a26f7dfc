"""Polls that wait: no task each, but an entry in the hub and an end on the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.push.mailbox import Key
from gateway.reading import find_readable_now
from poller import Found, Freshness, Poll
from room.errors import SeatsyncError
from room.snapshot import Published, Single, Snapshot

if TYPE_CHECKING:
    from gateway.edge.exchange import Exchange
    from gateway.edge.polls import PollResponder, Polls


class LongPoll:
    """One exchange that is answered when there is something newer, or when its time is over.

    Args:
        polls: what the polls of this node share.
        asked: who asks for which document.
        exchange: what is to be answered.
        poll: what is asked; ``after`` is set.
        found: what was found; not newer than ``after``.
    """

    __slots__ = ("_asked", "_exchange", "_found", "_poll", "_polls", "_waiter")

    def __init__(
        self,
        polls: Polls,
        asked: PollResponder,
        exchange: Exchange,
        poll: Poll,
        found: Found[Published],
    ) -> None:
        if poll.after is None:
            raise AssertionError("a poll without a position has nothing to wait for")
        self._polls = polls
        self._asked = asked
        self._exchange = exchange
        self._poll = poll
        self._found = found
        self._waiter = polls.waiting.follow(
            Key(asked.room, asked.doc),
            poll.view,
            poll.after,
            self._end,
            None if asked.bearer.actor is None else asked.sign,
        )

    def begin(self, within_s: float) -> None:
        """Read once more, now that it follows, and wait where there is still nothing newer.

        Raises:
            SeatsyncError: the document is gone, or no longer for the caller.
        """
        try:
            found = self._read()
            if found is not None and self._waiter.offer(found.edition.view(self._poll.view)):
                return
            self._exchange.on_gone = self._waiter.leave
            self._waiter.begin(within_s)
        except BaseException:
            self._waiter.leave()
            raise

    def _end(self, snapshot: Snapshot | None) -> None:
        """Answer with what is newer, or with what was found before."""
        self._exchange.on_gone = None
        try:
            found = self._found if snapshot is None else self._newer(snapshot)
            self._polls.send(self._exchange, found, self._poll)
        except SeatsyncError as error:
            self._polls.count_error(error)
            self._exchange.fail(error)
        except Exception as error:  # noqa: BLE001 - told or logged by break_off
            self._exchange.break_off(error)

    def _newer(self, snapshot: Snapshot) -> Found[Published]:
        """Give what is answered with; who may read may have changed while the caller waited.

        Raises:
            SeatsyncError: the caller may no longer read it.
        """
        if self._asked.doc == "requests":
            return self._read() or self._found
        return Found(Single(snapshot), Freshness.HIT, 0.0)

    def _read(self) -> Found[Published] | None:
        asked = self._asked
        return find_readable_now(self._polls.rooms, asked.bearer, asked.room, asked.doc)
