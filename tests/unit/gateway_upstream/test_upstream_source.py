from __future__ import annotations

import logging
import random

import pytest
from prometheus_client import CollectorRegistry

from gateway.config import Upstream
from gateway.upstream.account import Account
from gateway.upstream.answers import Confirmed, ResponseHead, Whole
from gateway.upstream.counts import Counts
from gateway.upstream.faults import OUTAGES, WORDS, Reason, UpstreamFault
from gateway.upstream.fetch import Received
from gateway.upstream.lifetimes import Lifetime
from gateway.upstream.source import Source
from poller.breaker import FAILURES, Breaker, Circuit

UPSTREAM = Upstream("x-seats", "http://a.example/{room}?r={room}", ttl_ms=2000, timeout_ms=500)


class Way:
    """A way to an upstream, with its breaker."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, float]] = []
        self.answer: Received | Reason = Received(ResponseHead(200, "application/json"), b"{}")
        self.breaker = Breaker(lambda: 0.0, random.Random(1))
        self.source = Source(UPSTREAM, self.get, self.breaker)

    async def get(self, url: str, etag: str | None, within_s: float) -> Received:
        self.asked.append((url, etag, within_s))
        if isinstance(self.answer, str):
            raise UpstreamFault(self.answer)
        return self.answer

    async def fail(self, reason: Reason) -> str:
        self.answer = reason
        with pytest.raises(UpstreamFault) as fault:
            await self.source.read("r1", None)
        return fault.value.reason


async def test_the_room_is_put_in_wherever_it_stands() -> None:
    way = Way()
    await way.source.read("r_1-A", '"1"')
    assert way.asked == [("http://a.example/r_1-A?r=r_1-A", '"1"', 0.5)]


async def test_an_answer_becomes_what_it_says() -> None:
    way = Way()
    assert await way.source.read("r1", None) == Whole(b"{}", None, Lifetime(2.0))
    head = ResponseHead(200, "application/json", "", '"1"', "max-age=7")
    way.answer = Received(head, b"{}")
    assert await way.source.read("r1", None) == Whole(b"{}", '"1"', Lifetime(7.0))
    way.answer = Received(ResponseHead(304), b"")
    assert await way.source.read("r1", '"1"') == Confirmed(None)
    way.answer = Received(ResponseHead(304, cache_control="max-age=7"), b"")
    assert await way.source.read("r1", '"1"') == Confirmed(Lifetime(7.0))
    way.answer = Received(ResponseHead(404), b"")
    assert await way.source.read("r1", None) is None


@pytest.mark.parametrize("reason", sorted(OUTAGES))
async def test_while_the_circuit_is_open_nothing_is_sent(reason: Reason) -> None:
    way = Way()
    for _ in range(FAILURES):
        assert await way.fail(reason) == reason
    for _ in range(3):
        assert await way.fail(reason) == "open"
    assert len(way.asked) == FAILURES


@pytest.mark.parametrize("reason", sorted(WORDS.keys() - OUTAGES - {"open"}))
async def test_a_document_that_is_no_good_does_not_cut_the_others_off(reason: Reason) -> None:
    way = Way()
    for _ in range(3 * FAILURES):
        assert await way.fail(reason) == reason
    assert way.breaker.state is Circuit.CLOSED


async def test_a_bug_counts_as_a_failure_and_is_not_hidden() -> None:
    way = Way()

    async def broken(url: str, etag: str | None, within_s: float) -> Received:
        raise ZeroDivisionError

    source = Source(UPSTREAM, broken, way.breaker)
    for _ in range(FAILURES):
        with pytest.raises(ZeroDivisionError):
            await source.read("r1", None)
    assert way.breaker.state is Circuit.OPEN


KEY = ("r1", "x-seats")


def test_each_read_is_counted_and_only_news_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    account = Account(Counts(registry))
    slow, open_ = UpstreamFault("slow"), UpstreamFault("open")
    with caplog.at_level(logging.INFO):
        account.on_read(KEY, "same")
        account.on_fault(KEY, slow, None)
        account.on_fault(KEY, slow, slow)
        account.on_fault(KEY, open_, slow)
        account.on_circuit("x-seats", Circuit.OPEN)
    for outcome, count in (("same", 1), ("slow", 2), ("open", 1)):
        labels = {"doc": "x-seats", "outcome": outcome}
        assert registry.get_sample_value("seatsync_upstream_reads_total", labels) == count
    assert [record.message for record in caplog.records] == [
        "an upstream's document can't be read",
        "an upstream's circuit",
    ]


def test_an_open_circuit_is_shown() -> None:
    registry = CollectorRegistry()
    counts, is_open = Counts(registry), [False]
    counts.watch_circuit("x-seats", lambda: is_open[0])
    shown = []
    for is_open[0] in (False, True):
        shown.append(registry.get_sample_value("seatsync_upstream_open", {"doc": "x-seats"}))
    assert shown == [0.0, 1.0]
