"""Random commands by random people: the invariants of DOMAIN.md 4 hold after each of them."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from room_samples import EVERYBODY, NOW_MS, OWNER, idle_room, sitting
from room_traffic import COMMANDS, PEOPLE, STARTS, random_command

from room.actor import Actor, outranks
from room.commands import (
    NAMES,
    Command,
    MicSet,
    SeatKick,
    SeatLeave,
    SeatLock,
    SeatMove,
    SeatMute,
    SeatTake,
    SeatUnlock,
    SeatUnmute,
    SessionEnd,
    SessionStart,
    UserMute,
    UserUnmute,
)
from room.documents import Participation, State
from room.errors import Refused
from room.policy import allowed_commands, changed_standings
from room.position import Position
from room.rules import Change, Context, reduce
from room.snapshot import Stored, encode_state
from room.views import VIEWS

EVERYWHERE = {"FORBIDDEN", "SESSION_NOT_LIVE"}
OWN_CODES: dict[type[Command], set[str]] = {
    SessionStart: {"SESSION_ALREADY_LIVE"},
    SessionEnd: set(),
    SeatTake: {
        "SEAT_NOT_FOUND",
        "SEAT_OCCUPIED",
        "SEAT_LOCKED",
        "SEAT_RESERVED",
        "NO_FREE_SEAT",
        "ALREADY_ON_SEAT",
        "APPROVAL_REQUIRED",
        "INVITE_REQUIRED",
        "USER_BANNED",
    },
    SeatLeave: set(),
    SeatMove: {
        "NOT_ON_SEAT",
        "SEAT_NOT_FOUND",
        "SEAT_RESERVED",
        "SEAT_OCCUPIED",
        "SEAT_LOCKED",
        "TARGET_OUTRANKS",
    },
    SeatKick: {"SEAT_NOT_FOUND", "SEAT_CHANGED", "TARGET_OUTRANKS"},
    SeatLock: {"SEAT_NOT_FOUND", "SEAT_RESERVED", "TARGET_OUTRANKS"},
    SeatUnlock: {"SEAT_NOT_FOUND"},
    SeatMute: {"SEAT_NOT_FOUND", "TARGET_OUTRANKS"},
    SeatUnmute: {"SEAT_NOT_FOUND"},
    UserMute: {"TARGET_OUTRANKS"},
    UserUnmute: {"TARGET_OUTRANKS"},
    MicSet: {"NOT_ON_SEAT", "MUTED_BY_ADMIN"},
}
STAFF_MAY: dict[type[Command], set[str]] = {
    SessionEnd: {"operator", "reviewer"},
    SeatKick: {"operator", "reviewer"},
    UserMute: {"operator", "reviewer"},
    UserUnmute: {"operator", "reviewer"},
    SeatMute: {"reviewer"},
}
"""Where DOMAIN.md 3 lets staff act upon people, whatever their rank."""

ALLOWED_KEYS = {
    "": {"type", "doc", "schema", "view", "room", "epoch", "version", "ts"}
    | {"session", "seat_mode", "owner_seat", "seats"},
    "session": {"session_id", "kind", "status", "started_at"},
    "seats": {"index", "status", "locked", "audio_locked", "user", "mic_on", "muted", "link"},
    "user": {"nickname"},
}
FOR_MEMBERS = {
    "": set[str](),
    "session": {"owner_id"},
    "seats": {"participation_id", "since"},
    "user": {"user_id", "avatar", "role"},
}


def stays(state: State) -> dict[str, tuple[int, Participation]]:
    """Every participation with the seat it is on, by its id."""
    return {
        seat.occupant.participation_id: (index, seat.occupant)
        for index, seat in enumerate(state.seats)
        if seat.occupant is not None
    }


def assert_allowed(value: Any, place: str, view: str) -> None:
    """Every key of a document stands in the allow-list of its place."""
    if isinstance(value, list):
        for item in value:
            assert_allowed(item, place, view)
    elif isinstance(value, dict):
        extra = FOR_MEMBERS[place] if view == "member" else set()
        assert value.keys() <= ALLOWED_KEYS[place] | extra
        for key, item in value.items():
            assert_allowed(item, key, view)


class RoomMachine(RuleBasedStateMachine):
    """One room, and everybody who may have business there."""

    commands_sent: ClassVar[int] = 0

    @initialize(mode=st.sampled_from(["free", "apply"]), start=st.none() | STARTS)
    def create(self, mode: str, start: SessionStart | None) -> None:
        self.state = idle_room(room_seat_mode=mode, seat_mode=mode)
        self.now_ms = NOW_MS
        self.ids = itertools.count()
        self.version = 1
        if start is not None:
            self.submit(OWNER, start)

    @rule(after_ms=st.sampled_from([1, 999, 1000, 60_000]))
    def time_passes(self, after_ms: int) -> None:
        self.now_ms += after_ms

    @rule(actor=st.sampled_from(EVERYBODY), command=STARTS)
    def somebody_starts(self, actor: Actor, command: SessionStart) -> None:
        self.submit(actor, command)

    @rule(actor=st.sampled_from(EVERYBODY), sure=st.integers(0, 7))
    def somebody_ends(self, actor: Actor, sure: int) -> None:
        if not sure:
            self.submit(actor, SessionEnd())

    @rule(actor=st.sampled_from(EVERYBODY), commands=st.lists(COMMANDS, min_size=1, max_size=4))
    def somebody_sends(self, actor: Actor, commands: list[Command]) -> None:
        for command in commands:
            self.submit(actor, command)

    @rule(seed=st.integers(0, 2**32), count=st.integers(1, 40))
    def crowd_sends(self, seed: int, count: int) -> None:
        """Many commands of a seeded crowd: drawn one by one they would seldom fill a room."""
        rng = random.Random(seed)
        if self.state.session is None:
            self.submit(OWNER, SessionStart(None, rng.randint(1, 6)))
        for _ in range(count):
            self.submit(rng.choice([*PEOPLE, *EVERYBODY]), random_command(rng))
            self.now_ms += rng.choice([0, 1, 500])

    def submit(self, actor: Actor, command: Command) -> None:
        type(self).commands_sent += 1
        before = self.state
        bytes_before = msgspec.json.encode(before)
        context = Context(actor, self.now_ms, lambda: f"i{next(self.ids)}")
        try:
            change = reduce(before, command, context)
        except Refused as refusal:
            self.check_refusal(command, refusal)
        else:
            self.check_change(actor, command, before, change)
            self.version += change.state != before
            self.state = change.state
        assert msgspec.json.encode(before) == bytes_before
        self.check_state()

    def check_refusal(self, command: Command, refusal: Refused) -> None:
        assert refusal.code in EVERYWHERE | OWN_CODES[type(command)]
        assert (refusal.retry_after_ms is not None) is (refusal.code == "USER_BANNED")

    def check_change(self, actor: Actor, command: Command, before: State, change: Change) -> None:
        after = change.state
        leaving = isinstance(command, SeatLeave)
        assert NAMES[type(command)] in allowed_commands(before, actor) or leaving
        if after == before:
            assert change.ended == ()
        self.check_stays(actor, command, before, change)
        self.check_ranks(actor, command, before, after)
        self.check_locked_seats(actor, before, after)
        told = changed_standings(before, after)
        for person in PEOPLE:
            changed = allowed_commands(before, person) != allowed_commands(after, person)
            assert (person.user_id in told) is changed

    def check_stays(self, actor: Actor, command: Command, before: State, change: Change) -> None:
        """A stay begins by its person's take, ends with notice, and keeps what it is (I3)."""
        old, new = stays(before), stays(change.state)
        ended = {end.participation_id: end for end in change.ended}
        assert ended.keys() == old.keys() - new.keys()
        for participation_id, end in ended.items():
            index, stay = old[participation_id]
            assert (end.user_id, end.seat_index) == (stay.person.user_id, index)
        begun = new.keys() - old.keys()
        assert len(begun) == (1 if isinstance(command, SeatTake) else 0)
        for participation_id in begun:
            index, stay = new[participation_id]
            assert stay.person.user_id == actor.user_id
            assert change.result["seat_index"] == index
            assert change.result["participation_id"] == participation_id
        for participation_id in old.keys() & new.keys():
            was, now = old[participation_id][1], new[participation_id][1]
            assert msgspec.structs.replace(now, mic_on=was.mic_on) == was
            wish = isinstance(command, MicSet) and was.person.user_id == actor.user_id
            assert wish or now.mic_on == was.mic_on

    def check_ranks(self, actor: Actor, command: Command, before: State, after: State) -> None:
        """Nobody acts on an equal or higher rank but on themselves; staff by permission."""
        if STAFF_MAY.get(type(command), set()).intersection(actor.roles):
            return
        if isinstance(command, SessionEnd):
            return
        places = {user: index for index, user in sitting(before).items()}
        places_now = {user: index for index, user in sitting(after).items()}
        touched = {user for user, index in places.items() if places_now.get(user) != index}
        touched |= set(before.muted_users) ^ set(after.muted_users)
        assert all(outranks(before, actor.user_id, user_id) for user_id in touched)

    def check_locked_seats(self, actor: Actor, before: State, after: State) -> None:
        """I6: only owner and admins put somebody on a locked seat."""
        old, new = sitting(before), sitting(after)
        for index, seat in enumerate(before.seats):
            if seat.locked and index in new and new[index] != old.get(index):
                assert actor.kind == "member"
                assert before.rank_of(actor.user_id) != "member"

    def check_state(self) -> None:
        state = self.state
        if state.session is None:
            assert (state.seats, state.muted_users, state.cooldowns) == ((), (), ())
            return
        assert 1 <= len(state.seats) <= 50  # I4
        users = list(sitting(state).values())
        assert len(set(users)) == len(users)  # I1
        assert len(stays(state)) == len(users)  # I2, I3
        assert set(users) <= {actor.user_id for actor in PEOPLE}
        assert not state.seats[0].locked  # I5
        assert sitting(state).get(0, "owner") == "owner"
        assert list(state.muted_users) == sorted(set(state.muted_users))
        banned = {kick.user_id for kick in state.cooldowns if kick.until_ms > self.now_ms}
        assert not banned.intersection(users)  # I8
        assert len({kick.user_id for kick in state.cooldowns}) == len(state.cooldowns)

    @invariant()
    def views_hold_only_what_they_allow(self) -> None:
        """I13, and I7: who is shown as muted is the session's mute set."""
        stored = Stored("demo", self.state, Position(1, self.version), self.now_ms)
        for view in VIEWS:
            body = encode_state(stored, view).body
            document = json.loads(body)
            assert_allowed(document, "", view)
            assert [seat["index"] for seat in document["seats"]] == list(
                range(len(self.state.seats))
            )
            for index, user_id in sitting(self.state).items():
                assert document["seats"][index]["muted"] is (user_id in self.state.muted_users)
        anonymous = encode_state(stored, "anonymous").body
        for user_id in sitting(self.state).values():
            assert f'"{user_id}"'.encode() not in anonymous


COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_invariants_hold_over_random_commands() -> None:
    run_machine(RoomMachine, settings=settings(COMMON, max_examples=200, stateful_step_count=40))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_invariants_hold_over_a_hundred_thousand_commands() -> None:
    RoomMachine.commands_sent = 0
    run_machine(RoomMachine, settings=settings(COMMON, max_examples=1000, stateful_step_count=60))
    assert RoomMachine.commands_sent >= 100_000
