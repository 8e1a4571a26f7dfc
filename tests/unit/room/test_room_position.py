from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.errors import InvalidArgument
from room.position import LARGEST, Position, parse_position

NUMBERS = st.integers(0, LARGEST)
POSITIONS = st.builds(Position, NUMBERS, NUMBERS)


def test_largest_is_the_last_integer_that_javascript_counts_exactly() -> None:
    assert LARGEST == 9_007_199_254_740_991
    assert float(LARGEST) == LARGEST
    assert float(LARGEST + 2) != LARGEST + 2


@given(POSITIONS, POSITIONS)
def test_epoch_decides_before_version(a: Position, b: Position) -> None:
    newer = a.epoch > b.epoch or (a.epoch == b.epoch and a.version > b.version)
    assert (a > b) is newer


def test_smaller_version_of_a_newer_epoch_is_greater() -> None:
    assert Position(2, 0) > Position(1, LARGEST)


@given(POSITIONS)
def test_text_form_reads_back(position: Position) -> None:
    assert str(position) == f"{position.epoch}.{position.version}"
    assert parse_position(str(position)) == position


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("0.0", Position(0, 0)),
        ("1732146400123.1287", Position(1732146400123, 1287)),
        (f"{LARGEST}.{LARGEST}", Position(LARGEST, LARGEST)),
    ],
)
def test_position_is_two_decimal_numbers(text: str, position: Position) -> None:
    assert parse_position(text) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1",
        "1.",
        ".1",
        "1.2.3",
        "01.2",
        "1.02",
        "-1.2",
        "1.-2",
        "+1.2",
        "1,2",
        "1.2 ",
        " 1.2",
        "1.2\n",
        "1e3.2",
        "0x1.2",
        "1_0.2",
        "\u0661.\u0662",
        "\uff11.2",
        f"{LARGEST + 1}.0",
        f"0.{LARGEST + 1}",
        "9999999999999999.0",
        "12345678901234567.0",
        "9" * 5000 + ".0",
        '"1.2"',
    ],
)
def test_any_other_form_is_invalid(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_position(text)


@given(st.text())
def test_arbitrary_text_raises_only_invalid_argument(text: str) -> None:
    try:
        position = parse_position(text)
    except InvalidArgument:
        return
    assert str(position) == text


@given(st.from_regex(r"\A[0-9]{1,20}\.[0-9]{1,20}\Z"))
def test_accepted_text_is_the_canonical_one(text: str) -> None:
    try:
        position = parse_position(text)
    except InvalidArgument:
        return
    assert str(position) == text
    assert 0 <= min(position) <= max(position) <= LARGEST
