"""What the server does of its own accord."""

from __future__ import annotations

import pytest
from room_samples import (
    EVERYBODY,
    MEMBER,
    NOW_MS,
    OWNER,
    SYSTEM,
    idle_room,
    live_room,
    outcomes,
    queue,
    refused,
    send,
    sitting,
    waiting,
)

from room.actor import Actor
from room.commands import Command, SeatLeave, SystemExpire, SystemLink, SystemReap
from room.documents import Ban, Cooldown, EndReason, Link, Seat, Session, State
from room.rules import Ended


@pytest.mark.parametrize("cause", ["lease_expired", "moderated"])
def test_reap_ends_the_stay_with_its_cause(cause: EndReason) -> None:
    state = live_room({2: "member", 3: "other"}, locked=(2,), muted_users=("member",))
    change = send(state, SystemReap("p_member", cause), SYSTEM)
    assert sitting(change.state) == {3: "other"}
    assert change.state.seats[2] == Seat(locked=True)
    assert change.state.muted_users == ("member",)
    assert change.ended == (Ended("p_member", "member", 2, cause),)
    assert change.result == {}


def test_reap_of_the_last_one_leaves_the_session_empty_since_now() -> None:
    after = send(live_room({2: "member"}), SystemReap("p_member", "lease_expired"), SYSTEM).state
    assert after.session is not None
    assert after.session.empty_since_ms == NOW_MS


@pytest.mark.parametrize("link", ["ok", "weak", "lost"])
def test_link_is_shown_and_nothing_else_is_touched(link: Link) -> None:
    state = live_room({2: "member", 3: "other"})
    change = send(state, SystemLink("p_member", link), SYSTEM)
    occupant = change.state.seats[2].occupant
    assert occupant is not None
    assert occupant.link == link
    assert change.state.seats[3] == state.seats[3]
    assert (change.state is state) is (link == "ok")


@pytest.mark.parametrize("state", [live_room({2: "other"}), idle_room()], ids=["live", "idle"])
@pytest.mark.parametrize(
    "command", [SystemReap("p_member", "lease_expired"), SystemLink("p_member", "lost")]
)
def test_stay_that_is_over_changes_nothing(state: State, command: Command) -> None:
    change = send(state, command, SYSTEM)
    assert change.state is state
    assert (change.ended, change.requests) == ((), None)


def test_session_ends_after_five_minutes_with_nobody_seated() -> None:
    left = send(live_room({2: "member"}), SeatLeave(), MEMBER).state
    waiting_room = queue(waiting("apply", "other", expires_at_ms=NOW_MS + 400_000))
    early = send(left, SystemExpire(), SYSTEM, NOW_MS + 299_999, waiting_room)
    assert early.state is left
    assert early.requests is None
    late = send(left, SystemExpire(), SYSTEM, NOW_MS + 300_000, waiting_room)
    assert late.state == idle_room()
    assert outcomes(late) == {"r_apply_other": "failed"}


def test_session_with_somebody_seated_goes_on_for_ever() -> None:
    state = live_room({2: "member"})
    assert send(state, SystemExpire(), SYSTEM, NOW_MS + 10**9).state is state


def test_room_without_a_session_has_nothing_to_expire() -> None:
    state = idle_room()
    change = send(state, SystemExpire(), SYSTEM)
    assert change.state is state
    assert change.requests is None


def test_expire_leaves_bans_and_cooldowns_that_ran_out() -> None:
    cooldowns, bans = (Cooldown("a", 1),), (Ban("b", 1),)
    state = live_room({2: "member"}, cooldowns=cooldowns, bans=bans)
    assert send(state, SystemExpire(), SYSTEM).state is state
    session = Session("s_1", "voice", 0, NOW_MS - 300_000)
    over = send(live_room(session=session, bans=bans), SystemExpire(), SYSTEM).state
    assert (over.session, over.bans) == (None, bans)


@pytest.mark.parametrize("actor", EVERYBODY, ids=lambda actor: actor.user_id)
@pytest.mark.parametrize(
    "command",
    [SystemReap("p_member", "lease_expired"), SystemLink("p_member", "lost"), SystemExpire()],
    ids=lambda command: type(command).__name__,
)
def test_nobody_but_the_server_itself_sends_these(actor: Actor, command: Command) -> None:
    if actor is SYSTEM:
        return
    assert refused(live_room({2: "member"}), command, actor).code == "FORBIDDEN"


def test_server_itself_is_neither_owner_nor_member() -> None:
    assert refused(live_room(), SeatLeave(), SYSTEM).code == "FORBIDDEN"
    pretender = Actor(OWNER.user_id, kind="system")
    assert refused(live_room({2: "member"}), SeatLeave(), pretender).code == "FORBIDDEN"
