from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commits.precondition import NEVER, read_if_match
from room.errors import InvalidArgument
from room.position import Position
from store.port import Precondition


def standing(*pairs: tuple[int, int]) -> Precondition:
    return Precondition(tuple(Position(*pair) for pair in pairs))


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ((), None),
        (("*",), Precondition()),
        ((" * ",), Precondition()),
        (('"7.3"',), standing((7, 3))),
        (('"7.3-m"',), standing((7, 3))),
        (('"7.3.gz"',), standing((7, 3))),
        (('"7.3-m.gz"',), standing((7, 3))),
        (('"7.3", "7.4"',), standing((7, 3), (7, 4))),
        (('"7.3","7.4",',), standing((7, 3), (7, 4))),
        ((', ,"7.3"',), standing((7, 3))),
        (('"7.3"', '"7.4"'), standing((7, 3), (7, 4))),
        (('W/"7.2", "7.3"',), standing((7, 3))),
        (('"a,b", "7.3"',), standing((7, 3))),
        (('"W/", "7.3"',), standing((7, 3))),
    ],
)
def test_what_must_hold_is_read_from_the_header(
    headers: tuple[str, ...], wanted: Precondition | None
) -> None:
    assert read_if_match(headers) == wanted


@pytest.mark.parametrize(
    "header",
    ['W/"7.3"', 'W/"7.3-m", W/"7.4"', '"abc"', '""', '"7.3-x"', '"7.3.gz-m"', '"07.3"', '"7"', ""],
)
def test_a_weak_tag_or_one_that_is_not_ours_matches_nothing(header: str) -> None:
    assert read_if_match((header,)) == NEVER


def test_no_document_stands_where_nothing_matches() -> None:
    assert min(NEVER.any_of[0]) < 0


@pytest.mark.parametrize(
    "header",
    ["7.3", "abc", '"7.3', '7.3"', "'7.3'", '*, "7.3"', "**", '"7.3" "7.4"', 'w/"7.3"', '"a b"'],
)
def test_a_header_of_another_form_is_refused_rather_than_passed_over(header: str) -> None:
    with pytest.raises(InvalidArgument):
        read_if_match((header,))


@given(st.lists(st.text('W/"*,. 12-mgz\udcff\x7fé', max_size=30), max_size=3))
def test_any_headers_give_a_condition_or_invalid_argument(headers: list[str]) -> None:
    try:
        precondition = read_if_match(headers)
    except InvalidArgument:
        return
    assert (precondition is None) == (not headers)
