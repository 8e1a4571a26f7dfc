from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from upstream_samples import KEY, TTL_S, WALL_MS, Bench, whole

from gateway.upstream.answers import Confirmed
from gateway.upstream.faults import Reason, UpstreamFault
from gateway.upstream.lifetimes import REVALIDATE_S, Lifetime
from poller import Freshness
from room.errors import SeatsyncError
from room.position import Position

CROWD = 500


def content(bench: Bench) -> Any:
    held = bench.documents.held(KEY)
    assert held is not None
    return json.loads(held.view("anonymous").body)


# How often


async def test_a_crowd_is_one_read(bench: Bench) -> None:
    bench.service.gate.clear()
    polls = [asyncio.create_task(bench.documents.find(KEY)) for _ in range(CROWD)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    bench.service.gate.set()
    found = await asyncio.gather(*polls)
    assert len(bench.service.asked) == 1
    assert sum(one.freshness is Freshness.MISS for one in found) == 1
    assert len({id(one.edition) for one in found}) == 1


async def test_what_is_fresh_is_not_asked_for_even_by_one_who_is_ahead(bench: Bench) -> None:
    await bench.documents.find(KEY)
    bench.now_s += TTL_S
    found = await bench.documents.find(KEY, Position(9, 9), "x-seats")
    assert (found.freshness, found.age_s, len(bench.service.asked)) == (Freshness.HIT, TTL_S, 1)


async def test_a_little_over_the_answer_comes_from_memory_and_one_read_follows(
    bench: Bench,
) -> None:
    await bench.documents.find(KEY)
    bench.service.answer = whole(2)
    bench.now_s += TTL_S + REVALIDATE_S
    for _ in range(3):
        found = bench.documents.find_now(KEY)
        assert found is not None
        assert (found.freshness, found.edition.position.version) == (Freshness.STALE, 1)
        assert (found.age_s, found.fresh_s) == (TTL_S + REVALIDATE_S, TTL_S)
    await bench.settle()
    assert (await bench.position(), len(bench.service.asked)) == ("1.2", 2)


async def test_what_is_older_is_asked_for_first(bench: Bench) -> None:
    await bench.documents.find(KEY)
    bench.service.answer = whole(2)
    bench.now_s += TTL_S + REVALIDATE_S + 0.1
    assert bench.documents.find_now(KEY) is None
    found = await bench.documents.find(KEY)
    assert (found.freshness, str(found.edition.position)) == (Freshness.MISS, "1.2")


async def test_the_answer_says_how_long_it_is_fresh(bench: Bench) -> None:
    bench.service.answer = whole(lifetime=Lifetime(30.0, 0.0))
    await bench.documents.find(KEY)
    bench.now_s += 30.0
    assert bench.documents.find_now(KEY) is not None
    bench.now_s += 0.1
    assert bench.documents.find_now(KEY) is None


async def test_a_caller_that_leaves_does_not_stop_the_read(bench: Bench) -> None:
    bench.service.gate.clear()
    first = asyncio.create_task(bench.documents.find(KEY))
    second = asyncio.create_task(bench.documents.find(KEY))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    bench.service.gate.set()
    assert (await second).edition.position.version == 1
    assert len(bench.service.asked) == 1


# What an answer makes of what is held


async def test_the_snapshot_has_the_upstreams_position_time_and_object(bench: Bench) -> None:
    bench.service.answer = whole(7, 3, ts=5, seats=[1])
    await bench.documents.find(KEY)
    snapshot = content(bench)
    assert (snapshot["epoch"], snapshot["version"], snapshot["ts"]) == (3, 7, 5)
    assert snapshot["data"] == {"epoch": 3, "version": 7, "ts": 5, "seats": [1]}
    assert bench.announced == [("demo", "3.7", None)]


async def test_without_a_time_of_the_upstream_it_is_when_the_position_was_first_seen(
    bench: Bench,
) -> None:
    await bench.documents.find(KEY)
    first_ms = content(bench)["ts"]
    assert first_ms == WALL_MS + 1000
    bench.now_s += 10
    await bench.documents.find(KEY)
    assert content(bench)["ts"] == first_ms
    bench.service.answer = whole(2)
    bench.now_s += 10
    await bench.documents.find(KEY)
    assert content(bench)["ts"] == first_ms + 20


async def test_a_newer_position_is_announced_and_an_equal_one_is_not(bench: Bench) -> None:
    for answer in (whole(1), whole(1), whole(2), whole(1, 2)):
        bench.service.answer = answer
        await bench.documents.find(KEY)
        bench.now_s += 10
    assert bench.announced == [
        ("demo", "1.1", None),
        ("demo", "1.2", "1.1"),
        ("demo", "2.1", "1.2"),
    ]
    assert bench.outcomes == ["changed", "same", "changed", "changed"]


@pytest.mark.parametrize(("version", "epoch"), [(4, 2), (9, 1)])
async def test_an_older_position_is_counted_and_dropped(
    bench: Bench, version: int, epoch: int
) -> None:
    bench.service.answer = whole(5, 2, etag='"new"')
    await bench.documents.find(KEY)
    bench.service.answer = whole(version, epoch, etag='"old"')
    bench.now_s += 10
    found = await bench.documents.find(KEY)
    assert (str(found.edition.position), found.freshness) == ("2.5", Freshness.MISS)
    assert bench.outcomes == ["changed", "stale"]
    assert len(bench.announced) == 1
    bench.now_s += 10
    await bench.documents.find(KEY)
    assert [etag for _, etag in bench.service.asked] == [None, '"new"', '"new"']


@pytest.mark.parametrize("other", [{"seats": [2]}, {"seats": [1], "ts": 7}])
async def test_another_document_at_the_same_position_is_a_fault(
    bench: Bench, other: dict[str, Any]
) -> None:
    bench.service.answer = whole(seats=[1])
    await bench.documents.find(KEY)
    bench.service.answer = whole(**other)
    bench.now_s += 10
    found = await bench.documents.find(KEY)
    assert (found.freshness, content(bench)["data"]["seats"]) == (Freshness.STALE, [1])
    assert bench.faults == [("conflict", None)]
    assert len(bench.announced) == 1


async def test_the_same_values_in_other_words_are_the_same(bench: Bench) -> None:
    bench.service.answer = whole(a=1, b=2)
    await bench.documents.find(KEY)
    bench.service.answer = whole(b=2.0, a=1)
    bench.now_s += 10
    assert (await bench.documents.find(KEY)).freshness is Freshness.MISS
    assert bench.outcomes == ["changed", "same"]


async def test_the_tag_is_sent_back_and_not_modified_confirms(bench: Bench) -> None:
    bench.service.answer = whole(etag='"a"', lifetime=Lifetime(5.0, 0.0))
    await bench.documents.find(KEY)
    bench.service.answer = Confirmed(None)
    bench.now_s += 6
    await bench.documents.find(KEY)
    bench.now_s += 5  # as fresh as before: the answer did not say
    assert (await bench.documents.find(KEY)).freshness is Freshness.HIT
    bench.service.answer = Confirmed(Lifetime(20.0, 0.0))
    bench.now_s += 1
    await bench.documents.find(KEY)
    bench.now_s += 20
    assert (await bench.documents.find(KEY)).freshness is Freshness.HIT
    assert [etag for _, etag in bench.service.asked] == [None, '"a"', '"a"']
    assert bench.outcomes == ["changed", "same", "same"]


# Faults


async def test_a_fault_with_nothing_held_is_said_in_words_until_the_next_read_is_due(
    bench: Bench,
) -> None:
    bench.service.answer = "no_position"
    errors = []
    for _ in range(5):
        with pytest.raises(UpstreamFault, match="names no position") as fault:
            await bench.documents.find(KEY)
        errors.append(fault.value)
    assert len(bench.service.asked) == 1
    assert len({id(error) for error in errors}) == 5
    bench.service.answer = whole()
    bench.now_s += 1.2 * TTL_S
    assert await bench.position() == "1.1"


async def test_a_crowd_that_hears_of_a_fault_hears_it_one_by_one(bench: Bench) -> None:
    bench.service.answer = "slow"
    polls = [asyncio.create_task(bench.documents.find(KEY)) for _ in range(20)]
    errors = await asyncio.gather(*polls, return_exceptions=True)
    assert {getattr(error, "reason", None) for error in errors} == {"slow"}
    assert len({id(error) for error in errors}) == 20


async def test_after_a_fault_what_is_held_is_served_and_one_read_a_ttl_is_tried(
    bench: Bench,
) -> None:
    await bench.documents.find(KEY)
    bench.service.answer = "unreachable"
    bench.now_s += 100
    for _ in range(10):
        found = await bench.documents.find(KEY)
        assert (found.freshness, found.age_s) == (Freshness.STALE, 100.0)
    assert len(bench.service.asked) == 2
    bench.now_s += 1.2 * TTL_S
    await bench.documents.find(KEY)
    assert len(bench.service.asked) == 3
    assert bench.faults == [("unreachable", None), ("unreachable", "unreachable")]
    bench.service.answer = whole(2)
    bench.now_s += 1.2 * TTL_S
    assert await bench.position() == "1.2"


async def test_within_the_ttl_after_a_fault_no_read_follows_a_stale_answer(bench: Bench) -> None:
    await bench.documents.find(KEY)
    bench.service.answer = "slow"
    bench.now_s += TTL_S + 0.1
    for _ in range(5):
        assert (await bench.documents.find(KEY)).freshness is Freshness.STALE
        await bench.settle()
    assert len(bench.service.asked) == 2


async def test_stale_if_error_ends(bench: Bench) -> None:
    bench.service.answer = whole(lifetime=Lifetime(TTL_S, 0.0, 10.0))
    await bench.documents.find(KEY)
    bench.service.answer = "failing"
    bench.now_s += TTL_S + 10.0
    assert (await bench.documents.find(KEY)).freshness is Freshness.STALE
    bench.now_s += 1.5
    assert bench.documents.held(KEY) is None
    for _ in range(2):
        with pytest.raises(UpstreamFault, match="can't answer now"):
            await bench.documents.find(KEY)
    assert len(bench.service.asked) == 3
    bench.service.answer = whole(2)
    bench.now_s += 1.2 * TTL_S
    assert await bench.position() == "1.2"


@pytest.mark.parametrize("reason", ["conflict", "open", "too_large"])
async def test_a_fault_is_told_with_the_one_before_it(bench: Bench, reason: Reason) -> None:
    for answer in ("slow", reason, whole(), reason):
        bench.service.answer = answer  # type: ignore[assignment]  # a reason, or an answer
        bench.documents.renew(KEY)
        await bench.settle()
    assert bench.faults == [("slow", None), (reason, "slow"), (reason, None)]


# Missing


async def test_what_is_missing_is_believed_for_a_moment_and_a_later_answer_clears_it(
    bench: Bench,
) -> None:
    bench.service.answer = None
    for _ in range(3):
        with pytest.raises(SeatsyncError) as missing:
            await bench.documents.find(KEY)
        assert missing.value.code == "DOC_NOT_FOUND"
    assert len(bench.service.asked) == 1
    bench.documents.forget_missing(KEY)
    with pytest.raises(SeatsyncError):
        bench.documents.find_now(KEY)
    bench.service.answer = whole()
    bench.now_s += 1.2 * TTL_S
    assert await bench.position() == "1.1"
    assert bench.outcomes == ["missing", "changed"]


async def test_what_is_gone_is_served_no_more(bench: Bench) -> None:
    await bench.documents.find(KEY)
    bench.service.answer = None
    bench.now_s += 10
    with pytest.raises(SeatsyncError) as missing:
        await bench.documents.find(KEY)
    assert missing.value.code == "DOC_NOT_FOUND"
    assert bench.documents.held(KEY) is None
    assert bench.faults == []


# Bounds


async def test_memory_is_bounded_by_bytes() -> None:
    bench = Bench(held=20_000)
    bench.service.answer = whole(text="x" * 1000)
    for number in range(10):
        await bench.documents.find((f"r{number}", "x-seats"))
    held = [bench.documents.held((f"r{number}", "x-seats")) for number in range(10)]
    assert held[0] is None
    assert held[-1] is not None


async def test_reads_under_way_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.upstream.documents.MAX_READS", 3)
    await bench.documents.find(KEY)
    bench.service.gate.clear()
    polls = [
        asyncio.create_task(bench.documents.find((f"r{number}", "x-seats"))) for number in range(3)
    ]
    await asyncio.sleep(0)
    with pytest.raises(SeatsyncError) as refusal:
        await bench.documents.find(("r9", "x-seats"))
    assert refusal.value.code == "OVERLOADED"
    bench.now_s += TTL_S + 1
    assert (await bench.documents.find(KEY)).freshness is Freshness.STALE
    bench.service.gate.set()
    await asyncio.gather(*polls)
    assert len(bench.service.asked) == 4


# Refreshed


async def test_a_refresh_reads_no_sooner_than_it_is_due(bench: Bench) -> None:
    await bench.documents.refresh(KEY)
    await bench.documents.refresh(KEY)
    assert len(bench.service.asked) == 1
    bench.now_s += 1.2 * TTL_S
    bench.service.answer = "slow"
    with pytest.raises(UpstreamFault):
        await bench.documents.refresh(KEY)
    assert len(bench.service.asked) == 2


def test_only_what_has_a_source_is_of_an_upstream() -> None:
    documents = Bench().documents
    assert "x-seats" in documents
    assert "x-other" not in documents
