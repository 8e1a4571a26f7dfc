from __future__ import annotations

import pytest

from gateway.push.entrance import check_home, offered_token, read_wish
from room.errors import InvalidArgument, SeatsyncError
from room.position import Position


def test_state_is_followed_where_nothing_is_named() -> None:
    assert read_wish({}) == (("state",), {})


def test_documents_and_what_is_held_of_them_are_named_in_the_query() -> None:
    wish = read_wish({"docs": "state,,x-a", "have": "state:7.3,x-a:7.1"})
    assert wish.docs == ("state", "x-a")
    assert wish.have == {"state": Position(7, 3), "x-a": Position(7, 1)}


def test_last_event_id_goes_before_what_the_query_says_is_held() -> None:
    assert read_wish({"have": "state:7.3"}, "state:7.9").have == {"state": Position(7, 9)}
    assert read_wish({"have": "state:7.3"}, "").have == {"state": Position(7, 3)}


@pytest.mark.parametrize(
    "query", [{"have": "state"}, {"have": "state:x"}, {"have": "?:1.1"}, {"schema": "x"}]
)
def test_what_is_not_well_formed_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        read_wish(query)


def test_reader_of_an_older_schema_is_told_to_upgrade() -> None:
    with pytest.raises(SeatsyncError) as caught:
        read_wish({"schema": "0"})
    assert caught.value.code == "UPGRADE_REQUIRED"


@pytest.mark.parametrize(
    ("offered", "token"),
    [
        ([], None),
        (["seatsync.v1"], None),
        (["seatsync.v1", "bearer.abc"], "abc"),
        (["bearer.abc", "bearer.def"], "abc"),
    ],
)
def test_first_token_among_the_subprotocols_is_taken(offered: list[str], token: str | None) -> None:
    assert offered_token(offered) == token


def test_room_of_the_path_is_checked_where_there_is_one() -> None:
    assert (check_home(None), check_home("demo")) == (None, "demo")
    with pytest.raises(InvalidArgument):
        check_home("no/room")
