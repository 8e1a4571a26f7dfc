"""The poll channel: a document from memory, answered in the turn in which it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway.edge.long_polls import LongPoll
from gateway.edge.prebuilt import Prebuilt
from gateway.loop.tick import Tick
from gateway.metrics.polls import PollTally
from gateway.push.waiting import Waiting, read_wait_s
from gateway.reading import find_readable, find_readable_now
from gateway.rooms import Rooms
from gateway.schema import check_schema
from gateway.tokens.authenticator import bearer_token
from gateway.tokens.bearer import ANONYMOUS, Bearer
from poller import Found, Poll
from poller.conditional import accepts_gzip, read_conditions
from room.actor import Actor
from room.errors import SeatsyncError
from room.names import check_room
from room.position import parse_position
from room.snapshot import Published

if TYPE_CHECKING:
    from gateway.edge.exchange import Exchange
    from gateway.edge.head import Head


LONGEST_ERA_S: Final = 1.5
"""A second, and what the loop may be late."""


class Guard(Protocol):
    """Whoever says who calls."""

    def authenticate(self, token: str | None) -> Bearer:
        """Say who bears a token, or raise ``Unauthenticated``."""
        ...


class Polls:
    """What the polls of one node share.

    Args:
        rooms: of this node.
        guard: verifies tokens.
        check_poll: refuses a poll that comes too soon after others.
        is_bounded: whether it ever refuses one.
        touch: notes a sign of life, by room and user.
        clock_s: wall clock, in seconds since 1970.
        pace: how often a reader should ask from now on, in ms; may change at any time.
        tally: counts what was answered.
        waiting: the polls that wait.
        tick: the era up to whose end an answer may be given again; None: each is made anew.
    """

    def __init__(
        self,
        rooms: Rooms,
        guard: Guard,
        *,
        check_poll: Callable[[Actor | None], None],
        is_bounded: bool = False,
        touch: Callable[[str, str], None],
        clock_s: Callable[[], float],
        pace: Callable[[], int],
        tally: PollTally,
        waiting: Waiting,
        tick: Tick | None = None,
    ) -> None:
        self.rooms = rooms
        self.guard = guard
        self.check_poll = check_poll
        self.is_bounded = is_bounded
        self.touch = touch
        self.clock_s = clock_s
        self.prebuilt = Prebuilt(pace)
        self.counts = tally.counts
        self.waiting = waiting
        self._tick = tick

    def responder(self, room: str, doc: str) -> PollResponder:
        """Make what answers the polls of one head.

        Args:
            room: decoded, as it was sent.
            doc: the same.
        """
        return PollResponder(self, room, doc)

    def send(self, exchange: Exchange, found: Found[Published], poll: Poll) -> None:
        """Answer a poll, and count it."""
        status, reply = self.prebuilt.answer(found, poll)
        self.counts[status, found.freshness.value] += 1
        exchange.reply(reply)

    def send_again(self, exchange: Exchange, found: Found[Published], poll: Poll) -> None:
        """Answer a poll, and let the same request be answered alike for the rest of this era."""
        if self._tick is None:
            self.send(exchange, found, poll)
            return
        status, reply = self.prebuilt.answer(found, poll)
        self.counts[status, found.freshness.value] += 1
        exchange.reply(reply, self.prebuilt.again(found, poll, self._tick.era, self.counts))

    def count_error(self, error: SeatsyncError) -> None:
        """Count a poll that is refused."""
        self.counts[error.travel.status, "none"] += 1


class PollResponder:
    """Answers polls of one head, which is read once: those who poll steadily repeat themselves.

    The verdict on the token is kept with it, but its deadline is looked at each time.
    """

    __slots__ = ("_poll", "_polls", "_wait_s", "bearer", "doc", "room")

    def __init__(self, polls: Polls, room: str, doc: str) -> None:
        self.room = room
        self.doc = doc
        self.bearer = ANONYMOUS
        self._polls = polls
        self._poll: Poll | None = None
        self._wait_s = 0.0

    def __call__(self, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """Answer at once where that can be; a poll that waits is answered later."""
        polls = self._polls
        try:
            poll = self._check(exchange.head)
            found = find_readable_now(polls.rooms, self.bearer, self.room, self.doc, poll.after)
            if found is None:
                return self._read_and_answer(exchange, poll)
            self._answer(exchange, poll, found)
        except SeatsyncError as error:
            polls.count_error(error)
            raise
        return None

    def sign(self) -> None:
        """The caller is there: they have just asked, or their connection still stands."""
        if self.bearer.actor is not None:
            self._polls.touch(self.room, self.bearer.actor.user_id)

    def _check(self, head: Head) -> Poll:
        """Give what is asked, once the caller may ask it."""
        poll, bearer = self._poll, self.bearer
        if poll is None:
            poll = self._poll = self._read(head)
        elif bearer.expires_at_s is not None and bearer.expires_at_s <= self._polls.clock_s():
            self.bearer = self._polls.guard.authenticate(bearer_token(head.all(b"authorization")))
        if self.bearer.actor is not None:
            self._polls.check_poll(self.bearer.actor)
        return poll

    def _read(self, head: Head) -> Poll:
        self.bearer = self._polls.guard.authenticate(bearer_token(head.all(b"authorization")))
        check_room(self.room)
        params = head.params
        check_schema(params.get("schema"))
        after = params.get("after")
        poll = Poll(
            self.bearer.view,
            read_conditions(", ".join(head.all(b"if-none-match"))),
            accepts_gzip(", ".join(head.all(b"accept-encoding"))),
            None if after is None else parse_position(after),
        )
        self._wait_s = read_wait_s(params.get("wait"))
        return poll

    async def _read_and_answer(self, exchange: Exchange, poll: Poll) -> None:
        """Ask the store first; who leaves meanwhile leaves the read to the others."""
        polls = self._polls
        try:
            found = await find_readable(polls.rooms, self.bearer, self.room, self.doc, poll.after)
            self._answer(exchange, poll, found)
        except SeatsyncError as error:
            polls.count_error(error)
            raise

    def _answer(self, exchange: Exchange, poll: Poll, found: Found[Published]) -> None:
        if self.bearer.actor is not None and not exchange.gone:
            self.sign()
        waits = self._wait_s and poll.after is not None and found.edition.position <= poll.after
        if waits and not self._polls.waiting.is_leaving:
            LongPoll(self._polls, self, exchange, poll, found).begin(self._wait_s)
        elif self._wait_s or not self._lasts():
            self._polls.send(exchange, found, poll)
        else:
            self._polls.send_again(exchange, found, poll)

    def _lasts(self) -> bool:
        """Tell whether the caller is sure to be let in until the era is over."""
        bearer, polls = self.bearer, self._polls
        if bearer.actor is None or bearer.expires_at_s is None:
            return True
        return not polls.is_bounded and bearer.expires_at_s > polls.clock_s() + LONGEST_ERA_S
