from __future__ import annotations

import msgspec
import pytest
from room_samples import idle_room, live_room, stay

from room.documents import OWNER_SEAT, SEAT_COUNT_BY_KIND, Ban


def test_seat_counts_are_those_of_the_domain() -> None:
    assert SEAT_COUNT_BY_KIND == {"voice": 9, "video": 5}
    assert OWNER_SEAT == 0


def test_seat_of_finds_the_occupant_and_nobody_else() -> None:
    state = live_room({0: "owner", 3: "member"})
    assert state.seat_of("owner") == 0
    assert state.seat_of("member") == 3
    assert state.seat_of("other") is None
    assert idle_room().seat_of("owner") is None


def test_documents_cannot_be_edited_in_place() -> None:
    state = live_room({1: "member"})
    with pytest.raises(AttributeError):
        setattr(state, "seat_mode", "apply")  # noqa: B010 - a type checker refuses the plain form
    with pytest.raises(AttributeError):
        setattr(stay("member"), "mic_on", True)  # noqa: B010 - as above


def test_state_survives_json_unchanged() -> None:
    state = live_room({0: "owner", 2: "member"}, locked=(3,), muted_users=("member",))
    assert msgspec.json.decode(msgspec.json.encode(state), type=type(state)) == state


@pytest.mark.parametrize(
    ("until_ms", "now_ms", "holds"),
    [(None, 10**15, True), (100, 99, True), (100, 100, False), (100, 101, False)],
)
def test_ban_holds_until_its_end(until_ms: int | None, now_ms: int, holds: bool) -> None:
    assert Ban("u", until_ms).holds_at(now_ms) is holds


def test_seated_users_are_those_with_a_seat() -> None:
    assert live_room({0: "owner", 3: "member"}).seated_users() == {"owner", "member"}
    assert idle_room().seated_users() == frozenset()
