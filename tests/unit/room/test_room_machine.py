"""Random commands by random people: the invariants of DOMAIN.md 4 hold after each of them.

I11 (a ``cmd_id`` is applied at most once) and I12, I14 are about stores, time and readers.
"""

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
from room_codes import EVERYWHERE, OWN_CODES, STAFF_MAY
from room_samples import EVERYBODY, NOW_MS, OWNER, SYSTEM, idle_room, sitting
from room_traffic import COMMANDS, PEOPLE, STARTS, random_answer, random_care, random_sent

from room.actor import Actor, outranks
from room.commands import (
    NAMES,
    Command,
    InviteAccept,
    InviteSend,
    MicSet,
    RequestAccept,
    RequestApply,
    SeatLeave,
    SeatTake,
    SessionEnd,
    SessionStart,
    SystemLink,
)
from room.documents import Participation, Requests, State
from room.errors import Refused
from room.policy import POLICY, allowed_commands, changed_standings
from room.position import Position
from room.requests_news import request_news
from room.rules import Change, Context, reduce
from room.snapshot import Edition, Stored
from room.views import VIEWS

ALLOWED_KEYS = {
    "": {"type", "doc", "schema", "view", "room", "epoch", "version", "ts"}
    | {"session", "seat_mode", "owner_seat", "seats"},
    "session": {"session_id", "kind", "status", "started_at"},
    "seats": {"index", "status", "locked", "audio_locked", "user", "mic_on", "muted", "link"},
    "user": {"nickname"},
}
BODY_KEYS = {"session", "seat_mode", "owner_seat", "seats"}
REQUEST_KEYS = {"request_id", "kind", "user", "seat_index", "by", "created_at", "expires_at"}
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
        self.requests = Requests()
        self.now_ms = NOW_MS
        self.ids = itertools.count()
        self.position = Position(1, 1)
        self.requests_version = 1
        self.invited_stays: set[str] = set()
        if start is not None:
            self.submit(OWNER, start)

    @rule(after_ms=st.sampled_from([1, 999, 1000, 29_999, 60_000, 300_000, 700_000]))
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

    @rule(seed=st.integers(0, 2**32))
    def somebody_answers(self, seed: int) -> None:
        if self.requests.items or self.requests.ended:
            self.submit(*random_answer(random.Random(seed), self.requests))

    @rule(seed=st.integers(0, 2**32))
    def server_looks_after_the_room(self, seed: int) -> None:
        self.submit(*random_care(random.Random(seed), self.state))

    @rule(seed=st.integers(0, 2**32), count=st.integers(1, 40))
    def crowd_sends(self, seed: int, count: int) -> None:
        """Many commands of a seeded crowd: drawn one by one they would seldom fill a room."""
        rng = random.Random(seed)
        for _ in range(count):
            self.submit(*random_sent(rng, self.state, self.requests))
            self.now_ms += rng.choice([0, 0, 1, 500, 2_000])

    def submit(self, actor: Actor, command: Command) -> None:
        type(self).commands_sent += 1
        before, requests = self.state, self.requests
        bytes_before = msgspec.json.encode((before, requests))
        context = Context(actor, self.now_ms, lambda: f"i{next(self.ids)}", requests)
        try:
            change = reduce(before, command, context)
        except Refused as refusal:
            self.check_refusal(command, refusal)
        else:
            self.check_change(actor, command, before, change)
            self.check_requests(actor, command, change)
            self.commit(change)
        assert msgspec.json.encode((before, requests)) == bytes_before
        self.check_state()

    def commit(self, change: Change) -> None:
        """I10: a document that changed is said to have changed, and only then."""
        epoch, version = self.position
        assert (change.state is self.state) is (change.state == self.state)
        if change.state is not self.state:
            self.position = Position(epoch, version + 1)
        if change.requests is not None:
            assert change.requests != self.requests
            self.requests_version += 1
            self.requests = change.requests
        self.state = change.state

    def check_refusal(self, command: Command, refusal: Refused) -> None:
        assert refusal.code in EVERYWHERE | OWN_CODES[type(command)]
        assert refusal.retry_after_ms is None or refusal.retry_after_ms > 0
        assert refusal.retry_after_ms is None or refusal.code == "USER_BANNED"

    def check_change(self, actor: Actor, command: Command, before: State, change: Change) -> None:
        after = change.state
        name = NAMES[type(command)]
        leaving = isinstance(command, SeatLeave)
        assert name in allowed_commands(before, actor, self.now_ms) or leaving
        assert (POLICY[name] == {"system"}) is (actor.kind == "system")
        banned = {ban.user_id for ban in before.bans if ban.holds_at(self.now_ms)}
        assert actor.kind != "member" or actor.user_id not in banned
        if after == before:
            assert change.ended == ()
        self.check_stays(actor, command, before, change)
        self.check_ranks(actor, command, before, change)
        self.check_locked_seats(actor, command, before, after)
        told = changed_standings(before, after)
        for person in PEOPLE:
            now_ms = self.now_ms
            was, is_now = (allowed_commands(state, person, now_ms) for state in (before, after))
            is_listed = person.user_id in {ban.user_id for ban in (*before.bans, *after.bans)}
            assert person.user_id in told or was == is_now
            assert is_listed or (person.user_id in told) is (was != is_now)

    def begun(self, command: Command, actor: Actor, change: Change) -> set[str]:
        """Who a command may seat: who takes or accepts, or the applicant who is accepted."""
        if isinstance(command, SeatTake | InviteAccept):
            return {actor.user_id}
        return {change.result["user_id"]} if isinstance(command, RequestAccept) else set()

    def check_stays(self, actor: Actor, command: Command, before: State, change: Change) -> None:
        """A stay begins as its command says, ends with notice, and keeps what it is (I3)."""
        old, new = stays(before), stays(change.state)
        ended = {end.participation_id: end for end in change.ended}
        assert ended.keys() == old.keys() - new.keys()
        for participation_id, end in ended.items():
            index, stay = old[participation_id]
            assert (end.user_id, end.seat_index) == (stay.person.user_id, index)
        begun = new.keys() - old.keys()
        assert {new[key][1].person.user_id for key in begun} == self.begun(command, actor, change)
        for participation_id in begun:
            assert change.result["seat_index"] == new[participation_id][0]
            assert change.result["participation_id"] == participation_id
            if isinstance(command, InviteAccept):
                self.invited_stays.add(participation_id)
        for participation_id in old.keys() & new.keys():
            was, now = old[participation_id][1], new[participation_id][1]
            assert msgspec.structs.replace(now, mic_on=was.mic_on, link=was.link) == was
            wish = isinstance(command, MicSet) and was.person.user_id == actor.user_id
            assert wish or now.mic_on == was.mic_on
            assert isinstance(command, SystemLink) or now.link == was.link

    def check_ranks(self, actor: Actor, command: Command, before: State, change: Change) -> None:
        """Nobody acts on an equal or higher rank but on themselves; staff by permission."""
        after = change.state
        if actor is SYSTEM or STAFF_MAY.get(type(command), set()).intersection(actor.roles):
            return
        if isinstance(command, SessionEnd):
            return
        places = {user: index for index, user in sitting(before).items()}
        places_now = {user: index for index, user in sitting(after).items()}
        touched = {user for user, index in places.items() if places_now.get(user) != index}
        touched |= set(before.muted_users) ^ set(after.muted_users)
        touched |= {ban.user_id for ban in set(after.bans) - set(before.bans)}
        assert all(outranks(before, actor.user_id, user_id) for user_id in touched)

    def check_locked_seats(
        self, actor: Actor, command: Command, before: State, after: State
    ) -> None:
        """I6: only owner and admins put somebody on a locked seat, or an invite that names it."""
        old, new = sitting(before), sitting(after)
        for index, seat in enumerate(before.seats):
            if seat.locked and index in new and new[index] != old.get(index):
                assert actor.kind == "member"
                assert not isinstance(command, RequestAccept)
                if isinstance(command, InviteAccept):
                    named = {item.request_id: item.seat_index for item in self.requests.items}
                    assert named[command.request_id] == index
                else:
                    assert before.rank_of(actor.user_id) != "member"

    def check_requests(self, actor: Actor, command: Command, change: Change) -> None:
        """No request vanishes without an outcome, and outcomes are what happened."""
        if change.requests is None:
            return
        before, after = self.requests, change.requests
        news = request_news(before, after)
        ended = {request.request_id: outcome for request, outcome in news if outcome is not None}
        waited = {item.request_id: item for item in before.items}
        waits = {item.request_id for item in after.items}
        assert ended.keys() == waited.keys() - waits
        answered = isinstance(command, RequestAccept | InviteAccept)
        assert list(ended.values()).count("accepted") == answered
        for request_id, outcome in ended.items():
            late = waited[request_id].expires_at_ms <= self.now_ms
            assert late is (outcome == "expired")
        new = waits - waited.keys()
        asks = isinstance(command, RequestApply | InviteSend)
        assert len(new) == asks
        assert all(change.result["request_id"] == request_id for request_id in new)

    def check_state(self) -> None:
        self.check_queue()
        state = self.state
        assert len(set(state.admins)) == len(state.admins)
        assert len({ban.user_id for ban in state.bans}) == len(state.bans)
        if state.session is None:
            assert (state.seats, state.muted_users, state.cooldowns) == ((), (), ())
            return
        assert 1 <= len(state.seats) <= 50  # I4
        users = list(sitting(state).values())
        assert len(set(users)) == len(users)  # I1
        assert len(stays(state)) == len(users)  # I2, I3
        assert set(users) <= {actor.user_id for actor in PEOPLE}
        assert (state.session.empty_since_ms is None) is bool(users)
        assert not state.seats[0].locked  # I5
        assert sitting(state).get(0, "owner") == "owner"
        assert list(state.muted_users) == sorted(set(state.muted_users))
        cooling = {kick.user_id for kick in state.cooldowns if kick.until_ms > self.now_ms}
        for participation_id, (_, stay) in stays(state).items():
            assert participation_id in self.invited_stays or stay.person.user_id not in cooling
        assert len({kick.user_id for kick in state.cooldowns}) == len(state.cooldowns)

    def check_queue(self) -> None:
        state, items = self.state, self.requests.items
        banned = {ban.user_id for ban in state.bans if ban.holds_at(self.now_ms)}
        wanted = [(item.kind, item.person.user_id) for item in items]
        assert len(set(wanted)) == len(wanted)  # I9
        assert not {user_id for _, user_id in wanted} & state.seated_users()  # I9
        assert not banned & ({user_id for _, user_id in wanted} | state.seated_users())  # I8
        assert state.session is not None or not items
        assert len(self.requests.ended) <= 200
        assert all(was.at_ms <= self.now_ms for was in self.requests.ended)

    @invariant()
    def views_hold_only_what_they_allow(self) -> None:
        """I13, and I7: who is shown as muted is the session's mute set."""
        edition = Edition(
            Stored(
                "demo",
                self.state,
                self.position,
                self.now_ms,
                self.requests,
                self.requests_version,
                self.now_ms,
            )
        )
        for view in VIEWS:
            document = json.loads(edition.view(view).body)
            assert_allowed(document, "", view)
            assert [seat["index"] for seat in document["seats"]] == list(
                range(len(self.state.seats))
            )
            for index, user_id in sitting(self.state).items():
                assert document["seats"][index]["muted"] is (user_id in self.state.muted_users)
        anonymous = edition.view("anonymous").body
        for user_id in sitting(self.state).values():
            assert f'"{user_id}"'.encode() not in anonymous
        queue = json.loads(edition.requests.view("member").body)
        assert queue.keys() == ALLOWED_KEYS[""] - BODY_KEYS | {"items", "total"}
        assert queue["total"] == len(queue["items"]) == len(self.requests.items)
        assert all(item.keys() == REQUEST_KEYS for item in queue["items"])


COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_invariants_hold_over_random_commands() -> None:
    run_machine(RoomMachine, settings=settings(COMMON, max_examples=80, stateful_step_count=40))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_invariants_hold_over_a_hundred_thousand_commands() -> None:
    RoomMachine.commands_sent = 0
    run_machine(RoomMachine, settings=settings(COMMON, max_examples=1000, stateful_step_count=60))
    assert RoomMachine.commands_sent >= 100_000
