"""What must hold for a door whatever a stranger sends. Runs with or without a fuzzer.

| bytes of an input | what |
| --- | --- |
| 0 | 0x01: byte by byte; 0x02: answers come later; 0x04: lent; 0x08: the peer leaves early |
| 1, 2 | seed of the cuts |
| 3 … | the client's bytes |

Every rule is about what a second reader, h11, makes of the same bytes: a strict one of another
hand. It is told nothing of what the door saw.
"""

from __future__ import annotations

import asyncio
import atexit
import random
from itertools import pairwise
from typing import Final

import h11

from gateway.edge.bodies import MAX_OVERHEAD_BYTES
from gateway.edge.door import Door
from gateway.edge.exchange import Exchange, Responder
from gateway.edge.head import Head
from gateway.edge.house import House
from gateway.edge.reading import MAX_HELD_BYTES
from tests.unit.gateway_edge.edge_door_samples import Turning, Wire, make_house, told

BYTEWISE: Final = 0x01
LATER: Final = 0x02
LENT: Final = 0x04
LEAVES: Final = 0x08
CUTS: Final = 6
CONTINUE: Final = 100
REFUSALS: Final = (b"400", b"413")
"""Of what could not be read: who asked by HEAD gets a body too, and then the end."""
HOST: Final = [("Host", "a")]
QUIET_TURNS: Final = 6
"""Turns of the loop without an answer after which none comes."""
LOOP: Final = asyncio.new_event_loop()
"""One for all inputs: to make one takes longer than most of them."""
atexit.register(LOOP.close)

_LENT_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"


class Handler(asyncio.Protocol):
    """Stands where aiohttp's handler would, and reads a request as strictly as h11 does."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        reader.receive_data(data)
        kinds = []
        while (event := reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            kinds.append(type(event))
        assert kinds.count(h11.Request) == 1, "what is lent is one request"
        assert kinds[-1] is h11.EndOfMessage, "and nothing behind it"
        assert reader.trailing_data == (b"", False)
        asyncio.get_running_loop().call_soon(self._answer)

    def _answer(self) -> None:
        self._transport.write(_LENT_ANSWER)
        self._transport.close()


class Visit:
    """One connection, and what was seen of it."""

    def __init__(self, flags: int) -> None:
        self.requests: list[Head] = []
        self.troubles: list[object] = []
        self.answered: list[int] = []
        self._flags = flags
        self._open: list[Exchange] = []
        self.house: House = make_house(self._route, Handler)
        self.door = Door(self.house)
        self.wire = Wire()

    def _route(self, head: Head) -> Responder | None:
        if self._flags & LENT and head.method != "BREW":
            return None
        return self._respond

    def _respond(self, exchange: Exchange) -> None:
        self.requests.append(exchange.head)
        if self._flags & LATER:
            self._open.append(exchange)
        else:
            exchange.reply(told("x"))

    def answer_one(self) -> None:
        """Answer what waits, if anything does."""
        if self._open:
            self._open.pop(0).reply(told("x"))

    async def run(self, parts: list[bytes]) -> None:
        """Send everything, and let the connection come to its end."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.troubles.append(context))
        self.door.connection_made(self.wire)
        for part in parts:
            if not (self.wire.is_closed or self.wire.is_paused):
                self.door.data_received(part)
                assert self.held_bytes <= MAX_HELD_BYTES + len(part) + MAX_OVERHEAD_BYTES
        quiet = 0
        while quiet < QUIET_TURNS and not self._flags & LEAVES:
            before = len(self.wire.sent)
            self.answer_one()
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self.wire.sent) == before else 0
        self._end()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _end(self) -> None:
        if not self._flags & LEAVES:
            Turning(self.house.wheel)(60)
            assert self.wire.is_closed, "no connection outlives its deadlines"
        self.wire.close()
        self.door.connection_lost(None)
        assert not self.house.doors
        assert self.door.wheel_slot == -1

    @property
    def held_bytes(self) -> int:
        """Count what the door holds."""
        return len(self.door._held)


def one_input(fed: bytes) -> None:
    """Check one input.

    Raises:
        AssertionError: a rule does not hold; an error that comes out of the door breaks one too.
    """
    if len(fed) < 3:
        return
    flags, stream = fed[0], fed[3:]
    whole = visited(flags, [stream])
    cuts = range(len(stream)) if flags & BYTEWISE else random_cuts(fed[1:3], len(stream))
    cut = visited(flags, pieces(stream, cuts))
    if not flags & LEAVES and not (whole.wire.is_paused or cut.wire.is_paused):
        assert heads(whole) == heads(cut), "how the bytes are cut changes nothing"
        assert whole.answered == cut.answered


def visited(flags: int, parts: list[bytes]) -> Visit:
    """Send parts to a door, and check what can be said of each visit."""
    visit = Visit(flags)
    LOOP.run_until_complete(visit.run(parts))
    assert visit.troubles == [], visit.troubles
    theirs = requests_of(b"".join(parts))
    answered = [status for status in answers(visit, theirs) if status != CONTINUE]
    visit.answered = answered
    served = [status for status in answered if status == 200]
    assert len(served) <= len(theirs), f"{len(served)} answered, {len(theirs)} asked"
    assert len(visit.requests) <= len(theirs)
    refusals = [status for status in answered if status in (400, 413)]
    assert len(refusals) <= 1
    assert not refusals or answered[-1] == refusals[0], "a refusal is the last answer"
    return visit


def heads(visit: Visit) -> list[tuple[str, str]]:
    return [(head.method, head.path) for head in visit.requests]


def answers(visit: Visit, asked: list[str]) -> list[int]:
    """Read answers by h11: each must be well formed, and nothing may be left over."""
    found: list[int] = []
    sent = visit.wire.sent
    while sent:
        final = [status for status in found if status != CONTINUE]
        method = asked[len(final)] if len(final) < len(asked) else "GET"
        is_bare = method == "HEAD" and sent[9:12] not in REFUSALS
        reader = h11.Connection(h11.CLIENT)
        reader.send(h11.Request(method="HEAD" if is_bare else "GET", target="/", headers=HOST))
        reader.send(h11.EndOfMessage())
        reader.receive_data(sent)
        while not isinstance(event := reader.next_event(), h11.EndOfMessage):
            assert event not in (h11.NEED_DATA, h11.PAUSED), "an answer is whole"
            if isinstance(event, (h11.Response, h11.InformationalResponse)):
                found.append(event.status_code)
        sent = reader.trailing_data[0]
    return found


def requests_of(stream: bytes) -> list[str]:
    """Give the methods of the requests that h11 begins to read in a stream."""
    found: list[str] = []
    # RFC 9112 2.2: one empty line before a request, which h11 does not allow.
    while stream := stream.removeprefix(b"\r\n"):
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        reader.receive_data(stream)
        try:
            while (event := reader.next_event()) is not h11.PAUSED:
                if isinstance(event, h11.Request):
                    found.append(event.method.decode())
                if event is h11.NEED_DATA:
                    return found
        except h11.RemoteProtocolError:
            return found
        stream = reader.trailing_data[0]
    return found


def random_cuts(seed: bytes, size: int) -> list[int]:
    rng = random.Random(seed)
    return sorted(rng.randrange(size + 1) for _ in range(CUTS))


def pieces(stream: bytes, cuts: list[int] | range) -> list[bytes]:
    edges = [0, *cuts, len(stream)]
    return [stream[a:b] for a, b in pairwise(edges) if a < b]
