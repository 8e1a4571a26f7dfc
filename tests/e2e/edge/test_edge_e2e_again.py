"""Steady pollers side by side: each is answered as if alone, and sees a change at once."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any, NamedTuple

from tests.e2e.edge.edge_kit import HURRY, Answered, Server, next_answer, served
from tests.e2e.edge.edge_mixture import line
from tests.e2e.gateway.gateway_kit import OWNER, auth

ROOMS = ("again-1", "again-2")
ROUNDS = 40


class Poller(NamedTuple):
    """One kept connection that asks the same thing again and again."""

    room: str
    doc: str
    user: str | None
    method: str
    coding: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self) -> Answered:
        lines = (f"Accept-Encoding: {self.coding}",)
        path = f"/v1/rooms/{self.room}/{self.doc}"
        self.writer.write(line(path, self.user, *lines, method=self.method))
        answer = await next_answer(self.reader, self.method)
        self.judge(answer)
        return answer

    def judge(self, answer: Answered) -> None:
        """Room, document, view and coding are those that were asked for, on every answer."""
        if self.doc == "requests" and self.user != OWNER:
            assert answer.status == 403
            return
        assert answer.status == 200
        is_coded = answer.headers.get("content-encoding") == "gzip"
        assert is_coded <= (self.coding == "gzip")
        if self.method == "HEAD":
            assert answer.body == b""
            return
        body = gzip.decompress(answer.body) if is_coded else answer.body
        found = answer._replace(body=body).json
        assert (found["room"], found["doc"]) == (self.room, self.doc)
        if self.doc == "state":
            assert found["view"] == ("member" if self.user else "anonymous")
            assert (b"user_id" in body) is (self.user is not None)


async def pollers(server: Server) -> list[Poller]:
    """Everybody who may ask for anything, in every form, on a connection of their own."""
    return [
        Poller(room, doc, user, method, coding, *await asyncio.open_connection(*server.address))
        for room in ROOMS
        for doc in ("state", "requests", "x-scores")
        for user in (OWNER, "bob", None)
        for method in ("GET", "HEAD")
        for coding in ("gzip", "identity")
    ]


def stands_at(answer: Answered) -> str:
    """Read the position out of the tag."""
    return answer.headers["etag"].strip('"').partition("-")[0].removesuffix(".gz")


async def test_each_is_answered_as_if_it_were_alone_and_sees_every_change(start: Any) -> None:
    async with served(start, *HURRY) as server:
        node = server.node
        for room in ROOMS:
            await node.live(room, seat_count=30)
            await node.do("bob", "seat.take", room, seat_index=1)
            scores = {"scores": list(range(100))}
            headers = auth("service", kind="service", docs="*")
            path = f"/v1/rooms/{room}/x-scores"
            assert (await node.ask("PUT", path, headers=headers, json=scores)).status == 200
        everybody = await pollers(server)
        for number in range(ROUNDS):
            ack = await node.do("bob", "seat.move", ROOMS[number % 2], to=2 + number % 25)
            for _ in range(3):
                for poller in everybody:
                    answer = await poller.ask()
                    if (poller.room, poller.doc) == (ROOMS[number % 2], "state"):
                        assert stands_at(answer) == f"{ack['epoch']}.{ack['version']}"
        for poller in everybody:
            poller.writer.transport.abort()
