"""One suite for every kind of leases: who is still there, and whose one seat is where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from store.leases import Leases, Seated

PassTime = Callable[[int], Awaitable[None]]

LEASE_MS = 15_000
SOON_MS = 5_000
"""A server's clock runs on by itself while the test does: margins are seconds."""

ALICE = Seated("demo", "alice")
BOB = Seated("demo", "bob")
ALICE_ELSEWHERE = Seated("other", "alice")


async def lapsed(leases: Leases, limit: int = 1000) -> list[Seated]:
    return [lapse.seated for lapse in await leases.lapsed(limit)]


async def test_at_first_nothing_has_lapsed(leases: Leases) -> None:
    assert await leases.lapsed() == []


async def test_lease_holds_for_its_time_and_lapses_after(
    leases: Leases, pass_time: PassTime
) -> None:
    await leases.renew([ALICE], LEASE_MS)
    await pass_time(LEASE_MS - SOON_MS)
    assert await lapsed(leases) == []
    await pass_time(2 * SOON_MS)
    (lapse,) = await leases.lapsed()
    assert lapse.seated == ALICE
    assert SOON_MS <= lapse.ago_ms < 2 * SOON_MS


async def test_lapsed_lease_is_listed_until_it_is_renewed_or_stopped(
    leases: Leases, pass_time: PassTime
) -> None:
    await leases.renew([ALICE, BOB], LEASE_MS)
    await pass_time(LEASE_MS + SOON_MS)
    assert sorted(await lapsed(leases)) == [ALICE, BOB]
    assert sorted(await lapsed(leases)) == [ALICE, BOB]
    await leases.renew([ALICE], LEASE_MS)
    assert await lapsed(leases) == [BOB]
    await leases.stop([BOB])
    assert await lapsed(leases) == []


async def test_renewed_lease_runs_from_the_renewal(leases: Leases, pass_time: PassTime) -> None:
    await leases.renew([ALICE], LEASE_MS)
    await pass_time(LEASE_MS - SOON_MS)
    await leases.renew([ALICE], LEASE_MS)
    await pass_time(LEASE_MS - SOON_MS)
    assert await lapsed(leases) == []
    await pass_time(2 * SOON_MS)
    assert await lapsed(leases) == [ALICE]


async def test_renewal_never_shortens_a_lease(leases: Leases, pass_time: PassTime) -> None:
    await leases.renew([ALICE], 10 * LEASE_MS)
    await leases.renew([ALICE], LEASE_MS)
    await pass_time(2 * LEASE_MS)
    assert await lapsed(leases) == []


async def test_ensure_starts_what_is_not_there(leases: Leases, pass_time: PassTime) -> None:
    await leases.ensure([ALICE], LEASE_MS)
    await pass_time(LEASE_MS - SOON_MS)
    assert await lapsed(leases) == []
    await pass_time(2 * SOON_MS)
    assert await lapsed(leases) == [ALICE]


async def test_ensure_neither_lengthens_nor_revives_a_lease(
    leases: Leases, pass_time: PassTime
) -> None:
    await leases.renew([ALICE], LEASE_MS)
    await leases.ensure([ALICE], 10 * LEASE_MS)
    await pass_time(LEASE_MS + SOON_MS)
    await leases.ensure([ALICE], LEASE_MS)
    assert await lapsed(leases) == [ALICE]


async def test_stopped_lease_never_lapses(leases: Leases, pass_time: PassTime) -> None:
    await leases.renew([ALICE], LEASE_MS)
    await leases.stop([ALICE])
    await leases.stop([ALICE, BOB])
    await pass_time(2 * LEASE_MS)
    assert await lapsed(leases) == []


async def test_one_user_has_a_lease_in_each_room(leases: Leases, pass_time: PassTime) -> None:
    await leases.renew([ALICE, ALICE_ELSEWHERE], LEASE_MS)
    await leases.stop([ALICE])
    await pass_time(LEASE_MS + SOON_MS)
    assert await lapsed(leases) == [ALICE_ELSEWHERE]


async def test_room_and_user_do_not_run_together(leases: Leases, pass_time: PassTime) -> None:
    odd = [Seated("a", "b:c"), Seated("a-b", "c"), Seated("a", "b.c@d"), Seated("a_b", "c|d")]
    await leases.renew(odd, LEASE_MS)
    await pass_time(LEASE_MS + SOON_MS)
    assert sorted(await lapsed(leases)) == sorted(odd)


async def test_oldest_lapse_comes_first_and_the_list_is_bounded(
    leases: Leases, pass_time: PassTime
) -> None:
    people = [Seated("demo", f"u{n}") for n in range(5)]
    for person in reversed(people):
        await leases.renew([person], LEASE_MS)
        await pass_time(1_000)
    await pass_time(LEASE_MS + SOON_MS)
    assert await lapsed(leases) == people[::-1]
    assert await lapsed(leases, limit=2) == people[:2:-1]


async def test_nobody_is_nothing_to_do(leases: Leases) -> None:
    await leases.renew([], LEASE_MS)
    await leases.ensure([], LEASE_MS)
    await leases.stop([])
    assert await leases.lapsed() == []


async def test_many_are_renewed_at_once(leases: Leases, pass_time: PassTime) -> None:
    people = [Seated(f"room{n % 100}", f"u{n}") for n in range(3_000)]
    await leases.renew(people, LEASE_MS)
    await pass_time(LEASE_MS + SOON_MS)
    await leases.stop(people[:-10])
    assert sorted(await lapsed(leases)) == sorted(people[-10:])


async def test_claim_keeps_a_user_to_one_room(leases: Leases) -> None:
    assert await leases.claim("alice", "demo", LEASE_MS) is None
    assert await leases.claim("alice", "other", LEASE_MS) == "demo"
    assert await leases.claim("bob", "other", LEASE_MS) is None


async def test_claim_of_the_same_room_renews_it(leases: Leases, pass_time: PassTime) -> None:
    await leases.claim("alice", "demo", LEASE_MS)
    await pass_time(LEASE_MS - SOON_MS)
    assert await leases.claim("alice", "demo", LEASE_MS) is None
    await pass_time(LEASE_MS - SOON_MS)
    assert await leases.claim("alice", "other", LEASE_MS) == "demo"


async def test_claim_that_ran_out_is_free(leases: Leases, pass_time: PassTime) -> None:
    await leases.claim("alice", "demo", LEASE_MS)
    await pass_time(LEASE_MS + SOON_MS)
    assert await leases.claim("alice", "other", LEASE_MS) is None
    assert await leases.claim("alice", "demo", LEASE_MS) == "other"


async def test_released_claim_is_free(leases: Leases) -> None:
    await leases.claim("alice", "demo", LEASE_MS)
    await leases.release("alice", "demo")
    assert await leases.claim("alice", "other", LEASE_MS) is None


async def test_only_the_room_that_holds_a_claim_can_release_it(leases: Leases) -> None:
    await leases.claim("alice", "demo", LEASE_MS)
    await leases.release("alice", "other")
    await leases.release("bob", "demo")
    assert await leases.claim("alice", "other", LEASE_MS) == "demo"
