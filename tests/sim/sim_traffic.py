"""Two nodes, many commands: races for the same room, requests, ``x-`` documents, promotions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from sim_node import Parts
from sim_pair import COMPARED_S, NAMES, Pair
from sim_reader import Reader
from sim_stage import OWNER, PEOPLE

from gateway.push.mailbox import Key
from gateway.tokens.bearer import ANONYMOUS, Bearer
from room.actor import Actor
from room.documents import SeatRequest
from room.errors import SeatsyncError, Unavailable
from room.policy import check_readable

ANN, BOB = PEOPLE[1], PEOPLE[2]
SERVICE: Final = Actor("scores", kind="service", docs=("x-score",))
DOCS: Final = ("state", "requests", "x-score")
LEVEL_S: Final = 3.0
"""A calm subscription, a notice, two reads and a sweep; less than it pauses to compare."""
POLLED_S: Final = 6.0


class Traffic(Pair):
    """Everybody acts within some seconds."""

    def __init__(self, seed: int, parts: Parts) -> None:
        super().__init__(seed, parts)
        self._rooms = ("one", "two")[: self._rng.choice((1, 1, 2))]
        lost = self._rng.choice((0.0, 0.2))
        for weather in self._weathers.values():
            weather.lost_reply_rate = lost

    def _actors(self) -> list[Coroutine[Any, Any, None]]:
        work = [self._write(room) for room in self._rooms for _ in range(3)]
        work += [self._publish(room) for room in self._rooms]
        work.append(self._go_away())
        if self._rng.random() < 0.3:
            work.append(self._restart_later(self._rng.choice(NAMES)))
        if self._rng.random() < 0.3:
            work.append(self._promote())
        if self._rng.random() < 0.5:
            work.append(self._cut_off())
        return work

    def _reading(self) -> list[Coroutine[Any, Any, None]]:
        """Most rooms are followed alone: there no poll brings what a push has missed."""
        work: list[Coroutine[Any, Any, None]] = []
        for room in self._rooms:
            for name in NAMES:
                for who in (OWNER, self._rng.choice((ANN, BOB))):
                    reader = self._reader(f"{who.user_id}-{name}", room, DOCS, Bearer(who))
                    self._homes[reader] = name
                    work.append(self._keep_following(reader))
            roams = self._reader("roams", room, DOCS, self._rng.choice((ANONYMOUS, Bearer(ANN))))
            work.append(self._keep_following(roams))
            if self._rng.random() < 0.4:
                polls = self._reader("polls", room, ("state", "x-score"))
                work += [self._keep_polling(roams), self._keep_polling(polls)]
        return work

    # Who acts

    async def _write(self, room: str) -> None:
        await self._pause(self._rng.choice((0.01, 1.0)))
        await self._send(room, OWNER, "session.start")
        for _ in range(self._rng.randint(1, 7)):
            await self._pause(self._rng.choice((0.001, 0.2, 1.0)))
            await self._act(room, self._rng.choice(PEOPLE))

    async def _act(self, room: str, actor: Actor) -> None:
        """Do something that this person may be allowed to."""
        waiting = self._disk.final(room).requests.items
        if waiting and self._rng.random() < 0.6:
            return await self._answer(room, self._rng.choice(waiting))
        person = self._rng.choice((ANN, BOB))
        name, sender, args = self._rng.choice(
            (
                ("seat.take", actor, {"seat_index": -1}),
                ("seat.take", actor, {"seat_index": 1}),
                ("seat.leave", actor, {}),
                ("seat.kick", OWNER, {"user_id": person.user_id}),
                ("seat.mode.set", OWNER, {"mode": "free"}),
                ("seat.mode.set", OWNER, {"mode": "apply"}),
                ("request.apply", person, {}),
                ("request.apply", person, {"seat_index": 1}),
                ("invite.send", OWNER, {"user_id": person.user_id}),
                ("role.grant", OWNER, {"user_id": person.user_id, "role": "admin"}),
                ("role.revoke", OWNER, {"user_id": person.user_id, "role": "admin"}),
                ("session.end", OWNER, {}),
                ("session.start", OWNER, {}),
            )
        )
        await self._send(room, sender, name, **args)
        return None

    async def _answer(self, room: str, request: SeatRequest) -> None:
        person = Actor(request.person.user_id)
        choices = {
            "apply": (("accept", OWNER), ("reject", OWNER), ("cancel", person)),
            "invite": (("accept", person), ("reject", person), ("cancel", OWNER)),
        }
        what, sender = self._rng.choice(choices[request.kind])
        family = "request" if request.kind == "apply" else "invite"
        await self._send(room, sender, f"{family}.{what}", request_id=request.request_id)

    async def _publish(self, room: str) -> None:
        for _ in range(self._rng.randint(0, 3)):
            await self._pause(1.0)
            body = b'{"score":%d}' % self._rng.randint(1, 3)
            try:
                call = self._any_node().put_document(room, SERVICE, "x-score", body)
                await self._risk(call, 0.2)
            except SeatsyncError as refusal:
                self._referee.saw("not set", refusal.code)

    # What goes wrong

    async def _go_away(self) -> None:
        for _ in range(self._rng.choice((0, 1, 2))):
            await self._pause(2.0)
            for name in self._rng.choice((("a",), ("b",), NAMES)):
                self._weathers[name].away = True
            await self._pause(self._rng.choice((0.5, 4.0)))
            for weather in self._weathers.values():
                weather.away = False

    async def _restart_later(self, name: str) -> None:
        await self._pause(2.0)
        await self._restart(name)

    async def _promote(self) -> None:
        await self._pause(2.0)
        self._disk.raise_epoch(lost=self._rng.choice((0, 1, 2)))
        self._referee.saw("promotion")

    async def _cut_off(self) -> None:
        await self._pause(2.0)
        self._air.cut(self._rng.choice(NAMES))

    # The end

    async def _settle(self) -> None:
        self._calm = True
        for weather in self._weathers.values():
            weather.calm()
        await self._finish_writes()
        await asyncio.sleep(COMPARED_S)  # notices may go on to be lost
        self._check_level()
        self._air.calm()
        if self._rng.random() < 0.6:
            await self._listen_again()
        if self._rng.random() < 0.3:
            self._disk.raise_epoch(lost=self._rng.choice((0, 1)))
            await asyncio.sleep(COMPARED_S)
            self._check_level()
        await asyncio.sleep(POLLED_S)
        for reader in self._readers:
            self._check_converged(reader)
            self._check_readable(reader)
        self._check_requests_heard()
        self._check_durable()

    async def _listen_again(self) -> None:
        """A node that heard nothing for a while is level soon after it listens again."""
        name, room = self._rng.choice(NAMES), self._rng.choice(self._rooms)
        other = self._nodes[NAMES[name == "a"]]
        node = self._nodes[name]
        await self._until(lambda: name in self._air.listeners)
        self._air.cut(name)
        if self._rng.random() < 0.5:
            await asyncio.sleep(self._rng.uniform(0.0, 2.5))
        else:
            await self._until(lambda: name in {*self._air.subscribing, *self._air.listeners})
        await self._change(room, other.name)
        await self._until(lambda: name in self._air.listeners)
        await asyncio.sleep(LEVEL_S)
        self._check_level(node)

    async def _change(self, room: str, name: str) -> None:
        """Change two documents of a room by way of one node, in a moment."""
        await asyncio.sleep(self._rng.uniform(0.0, 0.1))
        node = self._nodes[name]
        body = b'{"score":%f}' % (9 + self._rng.random())
        live = self._disk.final(room).state.session is not None
        command = self._request("session.end" if live else "session.start")
        try:
            await node.execute(room, OWNER, command)
            await node.put_document(room, SERVICE, "x-score", body)
        except Unavailable as error:
            self._referee.broken("a calm store answers", error)

    def _check_readable(self, reader: Reader) -> None:
        """Nobody follows what they may not read any more."""
        if reader.wire is None or not reader.wire.follows(Key(reader.room, "requests")):
            return
        try:
            check_readable("requests", self._disk.final(reader.room).state, reader.bearer.actor)
        except SeatsyncError:
            self._referee.broken("nobody follows what they may not read", reader.name)


def run_traffic(seed: int, parts: Parts | None = None) -> int:
    """Run the schedule of one seed.

    Returns:
        the steps it took.

    Raises:
        RuleBroken: a rule did not hold.
    """
    return Traffic(seed, parts or Parts()).run()
