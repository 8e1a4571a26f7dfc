"""Keeper and reaper of two nodes on one store's leases: who keeps a seat, and who loses it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presence_samples import EPOCH, GRACE_MS, LEASE_MS, Node, World

from room.commands import SystemReap
from room.errors import SeatsyncError, Unavailable

BOUND_MS = 45_000
QUIET_MS = LEASE_MS + GRACE_MS
USERS = ("ann", "bob", "cem")


class Theatre:
    """Two nodes, their users' signs of life, and what may never happen."""

    def __init__(self) -> None:
        self.world = World()
        self.world.open()
        self.nodes = [Node(self.world, "n0"), Node(self.world, "n1")]
        self.last_sign_ms = dict.fromkeys(USERS, EPOCH)
        self.disturbed_ms = EPOCH
        """When a node last started, or the store was last away."""

    def sign(self, user_id: str) -> None:
        self.last_sign_ms[user_id] = self.world.clock()

    async def take(self, node: Node, user_id: str) -> None:
        """Even a refused command is a sign of life, unless the store is away."""
        try:
            await node.take(user_id)
        except Unavailable:
            assert self.world.leases.away
        except SeatsyncError as refusal:
            assert refusal.code == "ALREADY_ON_SEAT"  # noqa: PT017 - others are failures
            self.sign(user_id)
        else:
            self.sign(user_id)

    async def poll(self, node: Node, user_id: str) -> None:
        await node.find("demo")
        node.loops.touch("demo", user_id)
        self.sign(user_id)
        await self.carry(node.loops.keeper.revive())

    async def connect(self, node: Node, user_id: str) -> None:
        """A connection reads its room before it enters, and whoever came back is shown at once."""
        await node.find("demo")
        node.people.enter("demo", user_id)
        node.loops.touch("demo", user_id)
        self.sign(user_id)
        await self.carry(node.loops.keeper.revive())

    def disconnect(self, node: Node, user_id: str) -> None:
        if node.people.is_present("demo", user_id):
            self.sign(user_id)
        node.people.connected.pop(("demo", user_id), None)

    async def leave(self, node: Node, user_id: str) -> None:
        await node.stand_up(user_id)

    async def act(self, act: str, node: Node, user_id: str) -> None:
        """Do what a name says."""
        match act:
            case "take" | "poll" | "leave" | "connect":
                await getattr(self, act)(node, user_id)
            case "disconnect":
                self.disconnect(node, user_id)
            case "restart":
                self.restart(node)
            case "away" | "back":
                self.store(away=act == "away")

    def restart(self, node: Node) -> None:
        """A node dies with all it knew, and another one starts in its place."""
        for user_id in USERS:
            self.disconnect(node, user_id)
        self.world.nodes.remove(node)
        self.nodes[self.nodes.index(node)] = Node(self.world, "again")
        self.disturbed_ms = self.world.clock()

    def store(self, *, away: bool) -> None:
        self.world.leases.away = away
        self.disturbed_ms = self.world.clock()

    async def second(self) -> None:
        """One second of two nodes, whose steps fall on different moments."""
        self.world.clock.pass_ms(1000)
        second = (self.world.clock() - EPOCH) // 1000
        for offset, node in enumerate(self.nodes):
            for user_id in USERS:
                if node.people.is_present("demo", user_id):
                    self.sign(user_id)
            seated = set(self.world.stays())
            if (second + 2 * offset) % 5 == 0:
                await self.carry(node.loops.keeper.step())
            await self.carry(node.loops.keeper.revive())
            if (second + offset) % 2 == 0:
                await self.carry(node.loops.reaper.step())
            self.check(reaped=seated - set(self.world.stays()))

    async def carry(self, step: object) -> None:
        try:
            await step  # type: ignore[misc]  # every step is a coroutine
        except Unavailable:
            assert self.world.leases.away
            self.disturbed_ms = self.world.clock()

    def check(self, reaped: Iterable[str]) -> None:
        now_ms = self.world.clock()
        for user_id in reaped:
            assert now_ms - self.last_sign_ms[user_id] > LEASE_MS, "reaped though renewed"
        for user_id in self.world.stays():
            abandoned_ms = now_ms - max(self.last_sign_ms[user_id], self.disturbed_ms)
            known = any("demo" in node.held for node in self.nodes)
            assert not known or self.world.leases.away or abandoned_ms <= BOUND_MS, "a ghost"


ACTS = st.tuples(
    st.sampled_from(
        ["take", "take", "poll", "connect", "disconnect", "leave", "restart", "away", "back"]
        + ["wait"] * 4
    ),
    st.integers(0, 1),
    st.sampled_from(USERS),
    st.integers(0, 30),
)


async def play(acts: list[tuple[str, int, str, int]]) -> None:
    theatre = Theatre()
    for act, which, user_id, seconds in acts:
        await theatre.act(act, theatre.nodes[which], user_id)
        for _ in range(seconds):
            await theatre.second()
    theatre.store(away=False)
    for node in theatre.nodes:
        await node.find("demo")
        node.people.connected.clear()
    for _ in range(BOUND_MS // 1000 + 3):
        await theatre.second()
    assert theatre.world.stays() == {}


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTS, max_size=25))
def test_nobody_is_reaped_who_renewed_and_every_abandoned_seat_is_empty_in_time(
    acts: list[tuple[str, int, str, int]],
) -> None:
    asyncio.run(play(acts))


async def test_user_of_one_node_is_safe_from_the_reaper_of_the_other() -> None:
    theatre = Theatre()
    here, there = theatre.nodes
    await there.find("demo")
    await theatre.take(here, "ann")
    await theatre.connect(here, "ann")
    await theatre.take(there, "bob")
    for _ in range(300):
        await theatre.second()
    assert set(theatre.world.stays()) == {"ann"}
    assert theatre.world.stays()["ann"].link == "ok"


async def test_two_nodes_reap_one_stay_once() -> None:
    theatre = Theatre()
    here, there = theatre.nodes
    await there.find("demo")
    await theatre.take(here, "ann")
    for _ in range(50):
        await theatre.second()
    reaps = [one for one in theatre.world.changed if isinstance(one, SystemReap)]
    assert len(reaps) == 1


@pytest.mark.parametrize("sign_s", range(1, 6))
async def test_seat_is_empty_45_s_after_the_last_sign_wherever_that_falls(sign_s: int) -> None:
    theatre = Theatre()
    here, _ = theatre.nodes
    for _ in range(40):
        await theatre.second()
    await theatre.take(here, "ann")
    for _ in range(sign_s):
        await theatre.second()
    await theatre.poll(here, "ann")
    seconds = 0
    while "ann" in theatre.world.stays():
        await theatre.second()
        seconds += 1
    assert QUIET_MS <= seconds * 1000 <= BOUND_MS


async def test_user_who_comes_back_within_the_grace_keeps_the_participation() -> None:
    theatre = Theatre()
    here, there = theatre.nodes
    await here.find("demo")
    for _ in range(40):
        await theatre.second()
    await theatre.take(here, "ann")
    stay = theatre.world.stays()["ann"]
    for _ in range((LEASE_MS + GRACE_MS) // 1000 - 2):
        await theatre.second()
    assert theatre.world.stays()["ann"].link == "lost"
    await theatre.poll(there, "ann")
    assert theatre.world.stays()["ann"] == stay
    for _ in range(LEASE_MS // 1000 - 1):
        await theatre.second()
    assert theatre.world.stays()["ann"] == stay


async def test_present_users_outlast_any_absence_of_the_store() -> None:
    theatre = Theatre()
    here, there = theatre.nodes
    await there.find("demo")
    await theatre.take(here, "ann")
    await theatre.connect(here, "ann")
    theatre.store(away=True)
    for _ in range(600):
        await theatre.second()
    theatre.store(away=False)
    for _ in range(120):
        await theatre.second()
    assert theatre.world.stays()["ann"].link == "ok"
    assert theatre.world.changed == []
