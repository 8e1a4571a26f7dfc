from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sei.counts import Counts
from sei.errors import BadMedia, SourceFailed
from sei.probe.fetch import Fetched
from sei.probe.judge import Expected, ProbeReport
from sei.probe.probe import ProbeLoop, probe


class Over(Exception):
    """The looks that a test provides are used up."""


def fixed(body: bytes) -> object:
    @asynccontextmanager
    async def fetch(url: str) -> AsyncIterator[Fetched]:
        async def chunks() -> AsyncIterator[bytes]:
            yield body

        yield Fetched(url, chunks())

    return fetch


async def looked(fetch: object) -> ProbeReport:
    return await probe(
        "http://cdn.example/live.flv",
        "demo",
        1.0,
        fetch=fetch,  # type: ignore[arg-type]  # of the right shape
        expected=lambda: Expected(1),
    )


@pytest.mark.parametrize("error", [SourceFailed("away"), BadMedia("refused")])
async def test_what_cannot_be_reached_is_not_stripped(error: Exception) -> None:
    @asynccontextmanager
    async def fetch(_url: str) -> AsyncIterator[Fetched]:
        raise error
        yield

    report = await looked(fetch)
    assert report.verdict == "unreachable"
    assert report.reason == str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Please log in</html>",
        b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00",
        b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00nonsense that is no tag",
        b"#EXTM3U\n",
        b"#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n",
        b"#EXTM3U\n#EXTINF:2,\nhttp://127.0.0.1/secret\n",
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.flv\n",
    ],
)
async def test_what_is_no_stream_is_unreachable_too(body: bytes) -> None:
    assert (await looked(fixed(body))).verdict == "unreachable"


async def test_findings_stand_in_the_counts_and_changes_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    found = ["whole", "stripped", "stripped", "unreachable", "damaged", "whole"]
    reports = iter([ProbeReport(verdict, "so it is") for verdict in found])  # type: ignore[arg-type]  # they are
    counts = Counts()
    story, waits = [], []

    async def look() -> ProbeReport:
        try:
            return next(reports)
        except StopIteration:
            raise Over from None

    async def sleep(wait_s: float) -> None:
        story.append((counts.stripped, counts.probe))
        waits.append(wait_s)

    loop = ProbeLoop(look, 60.0, counts, "stage", draw=lambda: 0.5, sleep=sleep)
    with pytest.raises(Over):
        await loop.run()
    assert [stripped for stripped, _ in story] == [False, False, True, True, False, True, False]
    assert story[2][1] == "stripped: so it is"
    assert waits == [5.0, *[60.0] * 6]
    assert [getattr(record, "code", None) for record in caplog.records] == [
        "",
        "SEI_STRIPPED",
        "UNAVAILABLE",
        "SEI_DAMAGED",
        "",
    ]
