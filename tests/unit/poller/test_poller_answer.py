"""Status, headers and body, exactly as PROTOCOL.md 4 has them."""

from __future__ import annotations

import base64
import gzip
import hashlib

import pytest
from poller_samples import EPOCH, edition

from poller import Answer, Found, Freshness, Poll, answer
from poller.conditional import read_conditions
from room.position import Position
from room.views import View

VARY = ("Vary", "Authorization, Accept-Encoding")
PACE = ("Seatsync-Poll-Ms", "3000")
EDITION = edition(7)


def found(freshness: Freshness = Freshness.HIT, age_s: float = 0.0) -> Found:
    """What a poll came upon."""
    return Found(EDITION, freshness, age_s)


def headers_of(given: Answer) -> dict[str, str]:
    """Headers by name; none is sent twice."""
    headers = dict(given.headers)
    assert len(headers) == len(given.headers)
    return headers


@pytest.mark.parametrize(
    ("view", "tag", "cache_control"),
    [
        ("anonymous", f'"{EPOCH}.7"', "public, max-age=1, stale-while-revalidate=4"),
        ("member", f'"{EPOCH}.7-m"', "private, no-cache"),
    ],
)
def test_identity_coded_answer(view: View, tag: str, cache_control: str) -> None:
    given = answer(found(), Poll(view), 3000)
    body = EDITION.view(view).body
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert given.status == 200
    assert given.body is body
    assert set(given.headers) == {
        ("ETag", tag),
        ("Cache-Control", cache_control),
        VARY,
        ("Cache-Status", "seatsync; hit"),
        PACE,
        ("Content-Type", "application/json"),
        ("Repr-Digest", f"sha-256=:{digest}:"),
    }


@pytest.mark.parametrize(
    ("view", "tag"), [("anonymous", f'"{EPOCH}.7.gz"'), ("member", f'"{EPOCH}.7-m.gz"')]
)
def test_gzip_coded_answer_has_no_digest(view: View, tag: str) -> None:
    given = answer(found(), Poll(view, gzip=True), 3000)
    headers = headers_of(given)
    assert given.status == 200
    assert gzip.decompress(given.body) == EDITION.view(view).body
    assert headers["ETag"] == tag
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Type"] == "application/json"
    assert "Repr-Digest" not in headers


def test_gzip_is_coded_once() -> None:
    poll = Poll("anonymous", gzip=True)
    assert answer(found(), poll, 3000).body is answer(found(), poll, 3000).body


@pytest.mark.parametrize("held", [f'"{EPOCH}.7"', f'W/"{EPOCH}.7"', f'"a", "{EPOCH}.7"', "*"])
def test_held_snapshot_is_304_without_body(held: str) -> None:
    given = answer(found(), Poll("anonymous", conditions=read_conditions(held)), 3000)
    assert (given.status, given.body) == (304, b"")
    assert set(given.headers) == {
        ("ETag", f'"{EPOCH}.7"'),
        ("Cache-Control", "public, max-age=1, stale-while-revalidate=4"),
        VARY,
        ("Cache-Status", "seatsync; hit"),
        PACE,
    }


def test_304_of_the_gzip_coded_answer_names_it() -> None:
    poll = Poll("member", read_conditions(f'"{EPOCH}.7-m.gz"'), gzip=True)
    given = answer(found(), poll, 3000)
    assert given.status == 304
    headers = headers_of(given)
    assert headers["ETag"] == f'"{EPOCH}.7-m.gz"'
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Vary"] == VARY[1]
    assert not {"Content-Encoding", "Content-Type", "Repr-Digest"} & set(headers)


@pytest.mark.parametrize("held", [f'"{EPOCH}.6"', f'"{EPOCH}.7-m"', "nonsense"])
def test_another_snapshot_held_is_200(held: str) -> None:
    assert answer(found(), Poll("anonymous", conditions=read_conditions(held)), 3000).status == 200


@pytest.mark.parametrize("after", [Position(EPOCH, 7), Position(EPOCH, 8), Position(EPOCH + 1, 0)])
def test_nothing_newer_is_204_not_stored(after: Position) -> None:
    given = answer(found(), Poll("anonymous", after=after), 3000)
    assert (given.status, given.body) == (204, b"")
    assert set(given.headers) == {("Cache-Control", "no-store"), VARY, PACE}


@pytest.mark.parametrize("after", [Position(EPOCH, 6), Position(EPOCH - 1, 900), Position(0, 0)])
def test_newer_than_after_is_200(after: Position) -> None:
    assert answer(found(), Poll("anonymous", after=after), 3000).status == 200


@pytest.mark.parametrize(
    ("freshness", "age_s", "status"),
    [
        (Freshness.HIT, 0.4, "seatsync; hit"),
        (Freshness.STALE, 0.5, "seatsync; hit; ttl=-1"),
        (Freshness.STALE, 1.2, "seatsync; hit; ttl=-1"),
        (Freshness.STALE, 2.0, "seatsync; hit; ttl=-1"),
        (Freshness.STALE, 4.0, "seatsync; hit; ttl=-3"),
        (Freshness.STALE, 60.9, "seatsync; hit; ttl=-60"),
        (Freshness.MISS, 0.0, "seatsync; fwd=miss"),
        (Freshness.COLLAPSED, 0.0, "seatsync; fwd=miss; collapsed"),
    ],
)
def test_cache_status_says_where_it_came_from(
    freshness: Freshness, age_s: float, status: str
) -> None:
    given = answer(found(freshness, age_s), Poll("anonymous"), 3000)
    assert headers_of(given)["Cache-Status"] == status


@pytest.mark.parametrize(
    ("freshness", "age_s", "age"),
    [
        (Freshness.STALE, 2.9, "2"),
        (Freshness.STALE, 60.0, "60"),
        (Freshness.HIT, 0.9, None),
        (Freshness.MISS, 0.0, None),
        (Freshness.COLLAPSED, 0.0, None),
    ],
)
def test_age_stands_on_stale_answers_alone(
    freshness: Freshness, age_s: float, age: str | None
) -> None:
    assert headers_of(answer(found(freshness, age_s), Poll("anonymous"), 3000)).get("Age") == age


def test_pace_is_told_on_every_answer() -> None:
    polls = (
        Poll("anonymous"),
        Poll("anonymous", conditions=read_conditions("*")),
        Poll("anonymous", after=Position(EPOCH, 7)),
    )
    given = [answer(found(), poll, 12_345) for poll in polls]
    assert [one.status for one in given] == [200, 304, 204]
    assert {headers_of(one)["Seatsync-Poll-Ms"] for one in given} == {"12345"}
