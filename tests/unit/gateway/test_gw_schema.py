from __future__ import annotations

import pytest

from gateway.schema import check_schema
from room.errors import InvalidArgument, SeatsyncError


@pytest.mark.parametrize("text", [None, "1", "2", "01", "999999999"])
def test_a_reader_of_this_schema_or_a_later_one_is_served(text: str | None) -> None:
    check_schema(text)


@pytest.mark.parametrize("text", ["0", "00"])
def test_a_reader_who_is_too_old_is_told_to_upgrade(text: str) -> None:
    with pytest.raises(SeatsyncError) as refused:
        check_schema(text)
    assert refused.value.code == "UPGRADE_REQUIRED"


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1.0", " 1", "1e0", "\u0661", "1" * 10, "1" * 5000]
)
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        check_schema(text)
