from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.errors import InvalidArgument, SeatsyncError
from room.names import check_doc, check_room, is_external


@pytest.mark.parametrize("room", ["a", "Z9_-", "-", "_", "demo", "x" * 64])
def test_room_id_of_the_alphabet_is_given_back(room: str) -> None:
    assert check_room(room) == room


@pytest.mark.parametrize(
    "room",
    [
        "",
        "x" * 65,
        "a b",
        "a/b",
        "a.b",
        "a%2Fb",
        "a\n",
        "\na",
        "a\x00",
        "é",
        "\u0661",
        "{a}",
        "a:b",
    ],
)
def test_any_other_room_id_is_invalid(room: str) -> None:
    with pytest.raises(InvalidArgument):
        check_room(room)


@pytest.mark.parametrize("doc", ["state", "requests", "play", "x-a", "x-0", "x--", "x-" + "a" * 32])
def test_document_of_a_known_name_is_given_back(doc: str) -> None:
    assert check_doc(doc) == doc


@pytest.mark.parametrize(
    "doc",
    ["", "State", "states", "x", "x-", "x-A", "x-a_b", "x-" + "a" * 33, "state\n", "x-a\n", "y-a"],
)
def test_document_of_another_name_is_not_found(doc: str) -> None:
    with pytest.raises(SeatsyncError) as caught:
        check_doc(doc)
    assert caught.value.code == "DOC_NOT_FOUND"


@given(st.text())
def test_arbitrary_names_raise_only_their_own_errors(text: str) -> None:
    codes = []
    for check in (check_room, check_doc):
        try:
            assert check(text) == text
        except SeatsyncError as error:
            codes.append(error.code)
    assert set(codes) <= {"INVALID_ARGUMENT", "DOC_NOT_FOUND"}


@pytest.mark.parametrize(
    ("doc", "external"),
    [("x-scores", True), ("state", False), ("requests", False), ("play", False)],
)
def test_document_of_another_service_is_told_by_its_name(doc: str, external: bool) -> None:
    assert is_external(doc) is external
