"""Two nodes, few commands, long times: who is gone loses the seat, who is there keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from sim_node import START_MS, Node, Parts
from sim_pair import COMPARED_S, NAMES, Pair
from sim_reader import Reader
from sim_signs import Signs
from sim_stage import OWNER
from sim_store import Commit
from sim_wire import Wire

from gateway.presence.pace import forever
from gateway.tokens.bearer import Bearer
from room.actor import Actor
from room.errors import SeatsyncError

SEATED: Final = tuple(Actor(name) for name in ("ann", "bob", "cee"))
ROOM: Final = "one"
BOUND_S: Final = 45.0
"""Within which an abandoned seat is empty (DOMAIN.md 5)."""
EARLIEST_S: Final = 15.0 + 20.0 - 5.0 - 2.0
"""Lease and grace, less a pause of the keeper, and the time that a request takes."""
LATE_RENEWAL_S: Final = 5.0 + 5.0
"""Who has been back for longer was seen by the keeper, whatever one request does."""
HUNG_S: Final = 15.0
"""What two renewals that hang one after the other take away, where the store hangs at all."""
LOOK_S: Final = 1.0
DEADLINES_S: Final = 2.0
"""Deadlines are looked at less often than in a gateway: half of all steps were theirs."""
EXPIRED_S: Final = 5.0 + 2 * DEADLINES_S
"""After its time, a request has ended: two nodes try, at first and again after 5 s."""
LEASE_S: Final = 15.0 + 5.0
"""A node may begin a lease for one whom another has just reaped; it runs out, and is seen."""
IDLE_S: Final = 310.0


class Seats(Pair):
    """Minutes of people who come, go, lose their connection and come back."""

    def __init__(self, seed: int, parts: Parts) -> None:
        super().__init__(seed, parts)
        self._rooms = (ROOM,)
        self._signs = {actor.user_id: Signs() for actor in SEATED}
        self._trouble_at_s = 0.0
        self._is_steady = self._rng.random() < 0.8
        """Whether the store answers all that it is asked, but for when it is away."""
        for weather in self._weathers.values():
            weather.mild(self._rng.choice((0.001, 0.05)), 0.0 if self._is_steady else 0.05)

    async def _run(self, node: Node) -> None:
        loops = node.presence
        async with asyncio.TaskGroup() as group:
            group.create_task(node.watch.run())
            for part in (loops.keeper, loops.reaper, loops.counter):
                group.create_task(part.run())
            group.create_task(
                forever(node.tasks, loops.deadlines.step, lambda: DEADLINES_S, asyncio.sleep)
            )

    def _actors(self) -> list[Coroutine[Any, Any, None]]:
        lives = [self._live(actor) for actor in SEATED]
        return [*lives, self._direct(), self._store_trouble(), self._node_trouble()]

    def _reading(self) -> list[Coroutine[Any, Any, None]]:
        readers = [self._reader(f"pushed-{name}", ROOM, who=Bearer(OWNER)) for name in NAMES]
        self._homes.update(zip(readers, NAMES, strict=True))
        return [*map(self._keep_connected, readers), self._keep_looking()]

    # People

    async def _direct(self) -> None:
        await self._send(ROOM, OWNER, "session.start", 0.0)
        for _ in range(self._rng.choice((0, 1, 2))):
            await asyncio.sleep(self._rng.uniform(5.0, 40.0))
            await self._send(ROOM, OWNER, "invite.send", 0.0, user_id="dee")

    async def _live(self, actor: Actor) -> None:
        """Sit down, stay for a while by one road or the other, be gone for a while, and again."""
        await asyncio.sleep(self._rng.uniform(0.5, 10.0))
        for _ in range(self._rng.randint(1, 4)):
            await self._send(ROOM, actor, "seat.take", 0.0, seat_index=-1)
            self._signs[actor.user_id].give(self._loop.time())
            stay_s = self._rng.choice((1.0, 10.0, 40.0, 60.0))
            await self._rng.choice((self._connect_for, self._poll_for))(actor, stay_s)
            if self._rng.random() < 0.2:
                await self._send(ROOM, actor, "seat.leave", 0.0)
            await asyncio.sleep(self._rng.choice((0.2, 5.0, 12.0, 20.0, 37.0, 60.0)))
        self._referee.saw(actor.user_id, "is gone for good")

    async def _connect_for(self, actor: Actor, stay_s: float) -> None:
        reader = self._reader(actor.user_id, ROOM, who=Bearer(actor))
        self._homes[reader] = self._rng.choice(NAMES)
        signs = self._signs[actor.user_id]
        until_s = self._loop.time() + stay_s
        while self._loop.time() < until_s:
            try:
                async with asyncio.timeout_at(until_s):
                    await self._stay_connected(reader, signs)
            except TimeoutError:
                break
            except SeatsyncError as error:
                self._referee.saw(reader.name, "turned away", error.code)
            await asyncio.sleep(0.5)
        self._readers.remove(reader)

    async def _stay_connected(self, reader: Reader, signs: Signs | None) -> None:
        """One connection, until it is cut; whoever it is of is present as long as it is open."""
        node = self._pick_node(reader)
        try:
            with node.wire(reader.bearer, ROOM, self._rng) as wire:
                await wire.begin(reader.docs, reader.have())
                wire.join()
                reader.begin(wire, self._now_ms())
                if signs is not None:
                    signs.connect(self._loop.time())
                await self._take_all(reader, wire)
        finally:
            if signs is not None:
                signs.disconnect(self._loop.time())
            reader.end()

    async def _keep_connected(self, reader: Reader) -> None:
        while not self._over:
            try:
                await self._stay_connected(reader, None)
            except SeatsyncError as error:
                self._referee.saw(reader.name, "turned away", error.code)
            await asyncio.sleep(0.5)

    async def _poll_for(self, actor: Actor, stay_s: float) -> None:
        home = self._rng.choice(NAMES)
        until_s = self._loop.time() + stay_s
        while self._loop.time() < until_s:
            node = self._nodes[home]
            if await node.poll(ROOM, None) is not None:
                node.presence.touch(ROOM, actor.user_id)
                self._signs[actor.user_id].give(self._loop.time())
            await asyncio.sleep(self._rng.uniform(2.4, 3.6))

    # What goes wrong

    async def _store_trouble(self) -> None:
        for _ in range(self._rng.choice((0, 0, 1, 2))):
            await asyncio.sleep(self._rng.uniform(1.0, 70.0))
            self._set_away(True)
            await asyncio.sleep(self._rng.choice((1.0, 6.0, 18.0, 50.0)))
            self._set_away(False)
            if self._rng.random() < 0.5:
                self._promote()
            self._trouble_at_s = self._loop.time()

    def _set_away(self, away: bool) -> None:
        for weather in self._weathers.values():
            weather.away = away
        self._referee.saw("the store is", "away" if away else "back")

    def _promote(self) -> None:
        """Another server takes over; some leases had not reached it."""
        self._disk.raise_epoch(lost=0)
        for seated in tuple(self._leases._until_ms):
            if self._rng.random() < 0.5:
                del self._leases._until_ms[seated]
        self._referee.saw("promotion")

    async def _node_trouble(self) -> None:
        for _ in range(self._rng.choice((0, 1, 2))):
            await asyncio.sleep(self._rng.uniform(1.0, 60.0))
            name = self._rng.choice(NAMES)
            if self._rng.random() < 0.5:
                await self._restart(name)
            else:
                self._air.cut(name)

    # What must hold

    def _on_commit(self, commit: Commit) -> None:
        super()._on_commit(commit)
        before, after = commit.before.state, commit.write.stored.state
        if commit.write.acks or after.session is None:
            return
        for user_id in before.seated_users() - after.seated_users():
            signs, now_s = self._signs[user_id], self._loop.time()
            self._referee.saw("reaped", user_id)
            spare_s = 0.0 if self._is_steady else HUNG_S
            earliest_s = EARLIEST_S - spare_s
            is_back_long = signs.back_for_s(now_s) > LATE_RENEWAL_S + spare_s
            came_back_late = not is_back_long and signs.was_silent_s >= earliest_s / 2
            is_fair = signs.silent_s(now_s) >= earliest_s or came_back_late
            rule = "nobody is reaped who is there"
            self._referee.check(is_fair, rule, user_id, signs, now_s)

    async def _keep_looking(self) -> None:
        """Look once in a while for seats that should be empty and requests that ran out."""
        while not self._over:
            await asyncio.sleep(LOOK_S)
            if not self._disk.holds(ROOM):
                continue
            now_s, state = self._loop.time(), self._disk.final(ROOM).state
            if any(weather.away for weather in self._weathers.values()):
                self._trouble_at_s = now_s
            began_s = min(node.started_s for node in self._nodes.values())
            calm_since_s = max(self._trouble_at_s, began_s)
            stays = [seat.occupant for seat in state.seats if seat.occupant is not None]
            for stay in stays if self._is_steady else ():
                user_id, since_s = stay.person.user_id, (stay.since_ms - START_MS) / 1000
                last_s = self._signs[user_id].last_s(now_s)
                gone_s = now_s - max(last_s, since_s, calm_since_s)
                rule = "an abandoned seat is empty in time"
                self._referee.check(gone_s <= BOUND_S + LOOK_S, rule, user_id, gone_s)
            self._check_expired(now_s - calm_since_s)

    def _check_expired(self, calm_for_s: float) -> None:
        late_ms = EXPIRED_S * 1000
        for item in self._disk.final(ROOM).requests.items:
            late = self._now_ms() - item.expires_at_ms > late_ms and calm_for_s > EXPIRED_S
            self._referee.check(not late, "what ran out has ended", item.request_id)

    # The end

    async def _settle(self) -> None:
        self._calm = True
        for weather in self._weathers.values():
            weather.calm()
        self._air.calm()
        guests = [self._loop.create_task(self._visit()) for _ in range(2)]
        await asyncio.sleep(COMPARED_S + 5.0)
        self._check_online()
        self._check_links()
        for guest in guests:
            guest.cancel()
        await asyncio.wait(guests)
        self._trouble_at_s = max(self._trouble_at_s, self._loop.time() - LOOK_S)
        if self._is_steady and self._rng.random() < 0.15:
            await asyncio.sleep(BOUND_S + LOOK_S + 1.0)
            seated = self._disk.final(ROOM).state.seated_users()
            self._referee.check(not seated, "an abandoned seat is empty in time", *seated)
            await asyncio.sleep(LEASE_S)
            leases = self._leases._until_ms
            self._referee.check(not leases, "no lease is left of an empty seat", *leases)
            await asyncio.sleep(IDLE_S - LEASE_S)
            session = self._disk.final(ROOM).state.session
            self._referee.check(session is None, "an empty session ends")
        settled = self._disk.final(ROOM).position
        await asyncio.sleep(COMPARED_S)
        for reader in self._readers:
            level = reader.position is not None and reader.position >= settled
            rule = "every reader ends at the final position"
            self._referee.check(level, rule, reader.name, reader.position, settled)

    async def _visit(self) -> None:
        """Somebody who sat comes back by a connection, and stays till they are told to go."""
        actor = self._rng.choice(SEATED)
        reader = self._reader(f"{actor.user_id}-back", ROOM, who=Bearer(actor))
        try:
            await self._stay_connected(reader, self._signs[actor.user_id])
        finally:
            self._readers.remove(reader)

    def _check_online(self) -> None:
        """Everybody was told how many are connected, on both nodes together."""
        total = sum(node.audience.count(ROOM) for node in self._nodes.values())
        for reader in self._readers:
            if reader.wire is not None:
                told = reader.online
                self._referee.check(told == total, "all are counted", reader.name, told, total)

    def _check_links(self) -> None:
        """Nobody who is connected is shown as lost."""
        now_s = self._loop.time()
        for seat in self._disk.final(ROOM).state.seats:
            if seat.occupant is not None and seat.occupant.link == "lost":
                signs = self._signs[seat.occupant.person.user_id]
                here = signs.connections and signs.back_for_s(now_s) > LATE_RENEWAL_S
                rule = "nobody who is there is shown as lost"
                self._referee.check(not here, rule, seat.occupant.person.user_id)

    async def _take_all(self, reader: Reader, wire: Wire) -> None:
        while not self._over:
            item = await wire.next(within_s=5.0)
            if item is not None and not reader.take(item):
                return


def run_seats(seed: int, parts: Parts | None = None) -> int:
    """Run the schedule of one seed.

    Returns:
        the steps it took.

    Raises:
        RuleBroken: a rule did not hold.
    """
    return Seats(seed, parts or Parts()).run()
