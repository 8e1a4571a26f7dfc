"""No view shows a field that its allow-list does not name, whatever fields there are.

The documents are built from their types with a mark in every string and every number, so a field
that somebody adds is private until it is named here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec.inspect import (
    BoolType,
    IntType,
    LiteralType,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from room.documents import Requests, State
from room.position import Position
from room.snapshot import Edition, Stored
from room.views import VIEWS

T = TypeVar("T")

SESSION = {"session.session_id", "session.started_at_ms"}
FOR_MEMBERS = {
    "owner_id",
    "seats.occupant.participation_id",
    "seats.occupant.person.user_id",
    "seats.occupant.person.nickname",
    "seats.occupant.person.avatar",
    "seats.occupant.since_ms",
}
REQUESTS = {
    "items.request_id",
    "items.person.user_id",
    "items.person.nickname",
    "items.person.avatar",
    "items.seat_index",
    "items.by",
    "items.created_at_ms",
    "items.expires_at_ms",
}
SHOWN = {
    ("state", "anonymous"): SESSION,
    ("state", "member"): SESSION | FOR_MEMBERS,
    ("requests", "anonymous"): REQUESTS,
    ("requests", "member"): REQUESTS,
}
"""The readers of ``requests`` are chosen before its one view is given (room.policy)."""


class Marker:
    """Builds values with a mark of its own in each leaf, and knows whose mark is whose."""

    def __init__(self) -> None:
        self.paths: dict[str, str] = {}
        self._numbers = itertools.count(8_000_000_001)

    def build(self, kind: type[T]) -> T:
        value: T = self._build(type_info(kind), ())
        return value

    def _build(self, kind: Type, path: tuple[str, ...]) -> Any:
        match kind:
            case StructType():
                fields = {
                    field.name: self._build(field.type, (*path, field.name))
                    for field in kind.fields
                }
                return kind.cls(**fields)
            case VarTupleType():
                return tuple(self._build(kind.item_type, path) for _ in range(2))
            case UnionType():
                (there,) = (item for item in kind.types if not isinstance(item, NoneType))
                return self._build(there, path)
            case LiteralType():
                return kind.values[0]
            case BoolType():
                return True
            case StrType() | IntType():
                number = next(self._numbers)
                self.paths[str(number)] = ".".join(path)
                return f"m{number}" if isinstance(kind, StrType) else number
            case _:
                raise AssertionError(f"no mark is known for {kind} at {path}")


@pytest.fixture
def marker() -> Marker:
    return Marker()


def marks(body: bytes) -> Iterator[str]:
    return (number.decode() for number in re.findall(rb"80000\d{5}", body))


@pytest.mark.parametrize(("doc", "view"), SHOWN)
def test_view_shows_the_fields_that_it_names_and_no_other(
    marker: Marker, doc: str, view: Any
) -> None:
    state, requests = marker.build(State), marker.build(Requests)
    stored = Stored("demo", state, Position(1, 2), 3, requests, 4, 5)
    body = Edition(stored).document(doc).view(view).body
    assert {marker.paths[mark] for mark in marks(body)} == SHOWN[doc, view]


def test_every_leaf_of_both_documents_carries_a_mark(marker: Marker) -> None:
    documents = marker.build(State), marker.build(Requests)
    assert set(marks(msgspec.json.encode(documents))) == marker.paths.keys()
    private = {"bans.user_id", "bans.until_ms", "cooldowns.user_id", "muted_users", "admins"}
    ended = {f"ended.request.{path.removeprefix('items.')}" for path in REQUESTS}
    assert private | ended | FOR_MEMBERS | REQUESTS <= set(marker.paths.values())


def test_anonymous_and_member_are_all_the_views_there_are() -> None:
    assert {view for _, view in SHOWN} == set(VIEWS)
