"""The real parts of two nodes with one planted bug each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sim_bus import Antenna
from sim_plants import ACKED, ENDS, LEVEL, PUSHED, Plant, plant
from sim_plants_push import EVEN, KeepsReading, staying

from gateway.commits.committer import Committer
from gateway.commits.workings import Pending, Working
from gateway.presence import GRACE_MS, PresenceLoops
from gateway.presence.keeper import LeaseKeeper
from gateway.presence.reaper import Reaper
from gateway.push.announcer import Announcer
from gateway.rooms import Rooms
from gateway.watch import Watch
from room.actor import Actor
from room.commands import SystemReap
from room.documents import Requests
from room.external import read_document
from room.snapshot import Edition, StoredDocument
from store.bus import Listener, Notice
from store.leases import Lapse, Seated
from store.port import AlreadyKept, Consulted, Precondition, Write


class ReadsThenSubscribes(Antenna):
    """Says that there was a gap before the subscription is in force."""

    async def _subscribe(self, listener: Listener) -> None:
        listener.on_gap()
        await asyncio.sleep(self._air.rng.uniform(0.0, 0.2))
        self._air.listeners[self._name] = listener


class DeafToGaps(Watch):
    """Compares now and then, but not when notices may have been lost."""

    def on_gap(self) -> None:
        """Do nothing."""


class NeverCompares(Watch):
    """Relies on notices."""

    async def compare(self) -> None:
        """Do nothing."""


class StateAlone(Watch):
    """Follows the rooms and forgets the documents of services."""

    async def compare(self) -> None:
        rooms = (key for key in self._hub.followed() if not key.doc.startswith("x-"))
        self._waiting.update({key._replace(doc="state"): None for key in rooms})
        self._start_reads()

    def on_notice(self, notice: Notice) -> None:
        if notice.doc == "state":
            super().on_notice(notice)


class AnswersFirst(Committer):
    """Answers as soon as the store has it, and holds it a moment later."""

    async def _commit(self, working: Working) -> None:
        base = working.base.revision
        if not working.has_effect:
            return
        await self._store.commit(base, Write(working.stored, tuple(working.acks)))
        working.answer()
        await asyncio.sleep(0.001)
        if working.stored.revision != base:
            self._poller.put(Edition(working.stored))
            self._committed(working.room)


class AnswersBeforeItIsDurable(Committer):
    """Answers, and then commits."""

    async def _commit(self, working: Working) -> None:
        working.answer()
        await super()._commit(working)


class RefusesFromMemory(Committer):
    """Refuses what this node holds to be impossible, whatever the store holds."""

    async def _carry_out(self, room: str, batch: list[Pending]) -> None:
        held = self._poller.held(room)
        if held is not None:
            working = await self._compute(Consulted(held.stored, {}), batch, set())
            if working.has_refusals and not working.has_effect:
                return working.answer()
        return await super()._carry_out(room, batch)


class ForgetsReceipts(Committer):
    """Computes anew what was kept already, and commits it without its ack."""

    _kept: frozenset[Any] = frozenset()

    async def _consult(self, room: str, batch: list[Pending]) -> Consulted:
        return msgspec.structs.replace(await super()._consult(room, batch), receipts={})

    async def _commit(self, working: Working) -> None:
        working.acks = [ack for ack in working.acks if ack.key not in self._kept]
        try:
            await super()._commit(working)
        except AlreadyKept as known:
            self._kept |= set(known.receipts)
            raise


class KeepsToItself(Announcer):
    """Publishes requests to nobody."""

    def announce(self, edition: Edition, before: Edition | None) -> None:
        if before is None or edition.position > before.position:
            self._hub.publish(edition)
            self._tell_standings(edition, before)
        if before is not None and edition.stored.requests != before.stored.requests:
            self._tell_requests(edition, before.stored.requests)
        for observer in self._observers:
            observer(edition, before)


class TellsTheAskerAlone(Announcer):
    """Tells how requests ended only while they waited here before."""

    def _tell_requests(self, edition: Edition, before: Requests) -> None:
        """Tell of what waits, and not of what has ended."""
        super()._tell_requests(
            edition, msgspec.structs.replace(before, ended=edition.stored.requests.ended)
        )


class QuietRooms(Rooms):
    """Sets documents without holding them."""

    async def _put_document(
        self, room: str, actor: Actor, doc: str, body: bytes, precondition: Precondition | None
    ) -> tuple[StoredDocument, bool]:
        return await self._store.put_document(
            room, doc, *read_document(body), self._clock_ms(), precondition
        )


class Impatient(Reaper):
    """Reaps at once, without a grace."""

    def _is_over(self, lapse: Lapse) -> bool:
        return True


class LooksOnce(Reaper):
    """Remembers who lapsed, and reaps them when the grace is over, whatever came in between."""

    _seen: dict[Seated, int] | None = None

    async def step(self) -> None:
        self._seen = {} if self._seen is None else self._seen
        now_ms = self._monotonic_ms()
        for lapse in await self._tenure.lapsed(100):
            self._seen.setdefault(lapse.seated, now_ms - lapse.ago_ms)
        await super().step()
        for seated, since_ms in tuple(self._seen.items()):
            if now_ms - since_ms >= GRACE_MS:
                del self._seen[seated]
                occupant = self._occupied.find(*seated)
                if occupant is not None:
                    reap = SystemReap(occupant.participation_id, "lease_expired")
                    await self._rooms.apply(seated.room, reap)


class NotQuiet(Reaper):
    """Believes leases at once after the store was away."""

    async def step(self) -> None:
        self._tenure.quiet._since_ms = -(10**9)
        await super().step()

    def _is_over(self, lapse: Lapse) -> bool:
        return lapse.ago_ms >= GRACE_MS


class Slow(Reaper):
    """Reaps when the grace has been over for another."""

    def _is_over(self, lapse: Lapse) -> bool:
        return super()._is_over(lapse) and lapse.ago_ms >= 2 * GRACE_MS


class RenewsConnectionsOnce(LeaseKeeper):
    """Renews what touched, and forgets that connections are signs of life."""

    async def _keep(self, rooms: Sequence[str], with_claims: bool) -> None:
        self._presence._audience = _Nobody()  # type: ignore[assignment]
        await super()._keep(rooms, with_claims)


class _Nobody:
    def is_present(self, room: str, user_id: str) -> bool:
        return False


def loops_with(**parts: Any) -> type[PresenceLoops]:
    """Give presence with one planted part."""

    class Planted(PresenceLoops):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            for name, kind in parts.items():
                getattr(self, name).__class__ = kind

    return Planted


HEARD: Final = "parties of a request hear its outcome"
THERE: Final = "nobody is reaped who is there"
IN_TIME: Final = "an abandoned seat is empty in time"

TRAFFIC_PLANTS: Final[dict[str, Plant]] = {
    "subscription after the read": plant(300, EVEN, antenna=ReadsThenSubscribes),
    "a gap is not compared": plant(50, EVEN, watch=DeafToGaps),
    "nothing is ever compared": plant(20, EVEN, ENDS, watch=NeverCompares),
    "documents of services are not watched": plant(50, EVEN, ENDS, watch=StateAlone),
    "answer before the node holds it": plant(200, ACKED, LEVEL, PUSHED, committer=AnswersFirst),
    "answer before it is durable": plant(
        200,
        "what was acked is durable",
        "a command has one ack",
        ACKED,
        committer=AnswersBeforeItIsDurable,
    ),
    "refusal from memory": plant(
        100, "a refusal is the word of the store", committer=RefusesFromMemory
    ),
    "receipts are ignored": plant(
        50, "a command is applied once", "a command has one ack", committer=ForgetsReceipts
    ),
    "requests are published to nobody": plant(50, EVEN, LEVEL, ENDS, announcer=KeepsToItself),
    "outcomes are not told": plant(100, HEARD, announcer=TellsTheAskerAlone),
    "rights that were lost are kept": plant(
        100,
        "nobody follows what they may not read",
        "nobody is sent what they may not read",
        LEVEL,
        EVEN,
        conversation=staying(KeepsReading),
    ),
    "document is set and not held": plant(
        100, ACKED, EVEN, LEVEL, "a created room is found", rooms=QuietRooms
    ),
}
SEATS_PLANTS: Final[dict[str, Plant]] = {
    "no grace": plant(50, THERE, presence=loops_with(reaper=Impatient)),
    "the reaper does not look again": plant(50, THERE, presence=loops_with(reaper=LooksOnce)),
    "leases are believed after an outage": plant(100, THERE, presence=loops_with(reaper=NotQuiet)),
    "reaped too late": plant(50, IN_TIME, presence=loops_with(reaper=Slow)),
    "connections do not renew": plant(50, THERE, presence=loops_with(keeper=RenewsConnectionsOnce)),
}
