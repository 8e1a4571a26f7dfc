from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from poller_samples import EPOCH, edition

from poller.conditional import accepts_gzip, entity_tag, read_conditions
from room.snapshot import Snapshot

ANONYMOUS = edition(7).view("anonymous")
MEMBER = edition(7).view("member")
TAG = f'"{EPOCH}.7"'


def held_tag(field: str, snapshot: Snapshot, *, gzipped: bool) -> str | None:
    selected, other = (entity_tag(snapshot, gzipped=coded) for coded in (gzipped, not gzipped))
    return read_conditions(field).held(selected, other)


def matches(field: str, snapshot: Snapshot) -> bool:
    return held_tag(field, snapshot, gzipped=False) is not None


def test_tag_names_position_view_and_coding() -> None:
    assert entity_tag(ANONYMOUS, gzipped=False) == f'"{EPOCH}.7"'
    assert entity_tag(ANONYMOUS, gzipped=True) == f'"{EPOCH}.7.gz"'
    assert entity_tag(MEMBER, gzipped=False) == f'"{EPOCH}.7-m"'
    assert entity_tag(MEMBER, gzipped=True) == f'"{EPOCH}.7-m.gz"'


@pytest.mark.parametrize(
    "field",
    [
        TAG,
        f"W/{TAG}",
        f'"{EPOCH}.7.gz"',
        f'W/"{EPOCH}.7.gz"',
        f'"other", {TAG}',
        f'"other",W/"more" ,\t{TAG} , "last"',
        f'"with, comma", {TAG}',
        f'"", {TAG}',
        "*",
        "  *\t",
    ],
)
def test_held_snapshot_matches(field: str) -> None:
    assert matches(field, ANONYMOUS)


@pytest.mark.parametrize(
    "field",
    [
        "",
        '""',
        f'"{EPOCH}.6"',
        f'"{EPOCH}.70"',
        f'"{EPOCH}.7-m"',
        f'"{EPOCH}.7-m.gz"',
        f'"{EPOCH + 1}.7"',
        f"{EPOCH}.7",
        f'"x, {EPOCH}.7"',
        f'"{EPOCH}.7',
        '"*"',
        "**",
    ],
)
def test_anything_else_does_not_match(field: str) -> None:
    assert not matches(field, ANONYMOUS)


def test_view_is_part_of_what_is_held() -> None:
    assert matches(f'"{EPOCH}.7-m"', MEMBER)
    assert not matches(TAG, MEMBER)


@given(st.text())
@example('"' * 3)
@example("W/" * 1000)
def test_arbitrary_text_matches_only_by_tag_or_star(field: str) -> None:
    assert matches(field, ANONYMOUS) == (field.strip() == "*" or TAG in field)


TAGS = st.from_regex(r'\A(W/)?"[a-z0-9.,-]{0,12}"\Z')


@given(st.lists(TAGS), st.lists(TAGS), st.sampled_from([",", ", ", " ,\t"]))
def test_tag_is_found_anywhere_in_a_list(before: list[str], after: list[str], comma: str) -> None:
    assert matches(comma.join([*before, TAG, *after]), ANONYMOUS)
    assert not matches(comma.join([*before, *after]), ANONYMOUS)


@pytest.mark.parametrize(
    ("field", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("identity", False),
        ("br, deflate", False),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0", False),
        ("gzip;q=0.000", False),
        ("gzip; Q=0", False),
        ("gzip;q=0.001", True),
        ("gzip;q=1", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip, *;q=0", True),
        ("gzip;q=0, *", False),
        ("gzip;q=0, x-gzip", False),
        ("identity;q=1, *;q=0", False),
        (" gzip ; q=0.5 ", True),
    ],
)
def test_gzip_is_used_where_its_quality_is_above_zero(field: str, accepted: bool) -> None:
    assert accepts_gzip(field) is accepted


@given(st.text())
@example(";;,,;=,q")
def test_arbitrary_text_accepts_gzip_only_by_name_or_star(field: str) -> None:
    assert not accepts_gzip(field) or "gzip" in field.lower() or "*" in field


def test_answer_names_the_coding_that_the_reader_holds() -> None:
    zipped = entity_tag(ANONYMOUS, gzipped=True)
    assert held_tag(TAG, ANONYMOUS, gzipped=True) == TAG
    assert held_tag(zipped, ANONYMOUS, gzipped=False) == zipped
    assert held_tag(f"{TAG}, {zipped}", ANONYMOUS, gzipped=True) == zipped
    assert held_tag("*", ANONYMOUS, gzipped=True) == zipped
