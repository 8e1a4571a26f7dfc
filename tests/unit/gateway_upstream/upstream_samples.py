"""An upstream without a network, a clock that the test turns, and the documents between them."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from gateway.loop.tasks import Tasks
from gateway.upstream.answers import Answer, Whole
from gateway.upstream.documents import UpstreamDocuments
from gateway.upstream.faults import Reason, UpstreamFault
from gateway.upstream.lifetimes import Lifetime
from gateway.upstream.rounds import Rounds
from room.snapshot import External

TTL_S = 1.0
WALL_MS = 1_732_146_400_123
KEY = ("demo", "x-seats")


def body(version: int = 1, epoch: int = 1, **members: Any) -> bytes:
    return json.dumps({"epoch": epoch, "version": version, **members}).encode()


def whole(
    version: int = 1,
    epoch: int = 1,
    *,
    etag: str | None = None,
    lifetime: Lifetime | None = None,
    **members: Any,
) -> Whole:
    return Whole(body(version, epoch, **members), etag, lifetime or Lifetime(TTL_S))


class Service:
    """An upstream that answers what the test says, when it says so."""

    ttl_s = TTL_S

    def __init__(self) -> None:
        self.answer: Answer | Reason = whole()
        self.asked: list[tuple[str, str | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, room: str, etag: str | None) -> Answer:
        self.asked.append((room, etag))
        answer = self.answer
        await self.gate.wait()
        if isinstance(answer, str):
            raise UpstreamFault(answer)
        return answer


class Bench:
    """Documents of one upstream, and everything that they tell."""

    def __init__(self, **bounds: int) -> None:
        self.now_s = 1000.0
        self.service = Service()
        self.tasks = Tasks()
        self.announced: list[tuple[str, str, str | None]] = []
        self.outcomes: list[str] = []
        self.faults: list[tuple[str, str | None]] = []
        self.following: list[tuple[str, str]] = []
        self.documents = UpstreamDocuments(
            {"x-seats": self.service},
            clock_s=lambda: self.now_s,
            clock_ms=lambda: WALL_MS + int(self.now_s),
            spawn=self.tasks.spawn,
            rng=random.Random(1),
            announce=self._announce,
            witness=self,
            **({"max_held_bytes": bounds["held"]} if bounds else {}),
        )
        self.rounds = Rounds(self.documents, self, self.tasks, clock_s=lambda: self.now_s)

    def _announce(self, edition: External, before: External | None) -> None:
        told = None if before is None else str(before.position)
        self.announced.append((edition.room, str(edition.position), told))

    def on_read(self, key: tuple[str, str], outcome: str) -> None:
        self.outcomes.append(outcome)

    def on_fault(
        self, key: tuple[str, str], fault: UpstreamFault, before: UpstreamFault | None
    ) -> None:
        self.faults.append((fault.reason, None if before is None else before.reason))

    def is_followed(self, key: tuple[str, str]) -> bool:
        return key in self.following

    def followed(self) -> list[tuple[str, str]]:
        return list(self.following)

    async def settle(self) -> None:
        await self.tasks.settle()

    async def position(self) -> str:
        return str((await self.documents.find(KEY)).edition.position)
