"""What a crowd sends: strategies for single commands, and a seeded stream that fills a room."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal, NamedTuple

from hypothesis import strategies as st
from room_samples import EVERYBODY, SYSTEM

from room.actor import Actor
from room.commands import (
    NAMES,
    Command,
    InviteAccept,
    InviteCancel,
    InviteReject,
    InviteSend,
    MicSet,
    RequestAccept,
    RequestApply,
    RequestCancel,
    RequestReject,
    RoleGrant,
    RoleRevoke,
    SeatCountSet,
    SeatKick,
    SeatLeave,
    SeatLock,
    SeatModeSet,
    SeatMove,
    SeatMute,
    SeatTake,
    SeatUnlock,
    SeatUnmute,
    SessionEnd,
    SessionStart,
    SystemExpire,
    SystemLink,
    SystemReap,
    UserBan,
    UserMute,
    UserUnban,
    UserUnmute,
)
from room.documents import Requests, State
from room.policy import allowed_commands

PEOPLE = [actor for actor in EVERYBODY if actor.kind == "member"]
BY_ID = {actor.user_id: actor for actor in EVERYBODY}
USERS = st.sampled_from([actor.user_id for actor in EVERYBODY])
INDEXES = st.integers(-1, 6)
TARGETS = INDEXES | st.just("all")
MODES: tuple[Literal["free", "apply", "invite"], ...] = ("free", "apply", "invite")

COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(SeatTake, INDEXES),
    st.builds(SeatTake, INDEXES),
    st.just(SeatLeave()),
    st.builds(SeatMove, INDEXES, st.none() | USERS, st.sampled_from(["abort", "swap", "replace"])),
    st.builds(SeatKick, USERS, st.none() | INDEXES, st.sampled_from([0, 1, 60])),
    st.builds(SeatLock, TARGETS, st.booleans()),
    st.builds(SeatUnlock, TARGETS),
    st.builds(SeatMute, INDEXES),
    st.builds(SeatUnmute, INDEXES),
    st.builds(UserMute, USERS),
    st.builds(UserUnmute, USERS),
    st.builds(MicSet, st.booleans()),
    st.builds(SeatModeSet, st.sampled_from(MODES)),
    st.builds(SeatCountSet, st.integers(1, 8), st.booleans()),
    st.builds(RequestApply, st.none() | INDEXES),
    st.builds(InviteSend, USERS, st.none() | INDEXES),
    st.builds(RoleGrant, USERS, st.just("admin")),
    st.builds(RoleRevoke, USERS, st.just("admin")),
    st.builds(UserBan, USERS, st.none() | st.sampled_from([1, 60])),
    st.builds(UserUnban, USERS),
    st.just(SystemExpire()),
)

ANSWERS: tuple[Callable[[str], Command], ...] = (
    RequestAccept,
    RequestCancel,
    RequestReject,
    InviteAccept,
    InviteCancel,
    InviteReject,
)


class Sent(NamedTuple):
    """A command, and who sends it."""

    actor: Actor
    command: Command


def random_command(rng: random.Random, state: State) -> Command:
    """One command about a seat or a person that is likely to be there."""
    index = rng.randint(-1, len(state.seats))
    seated = sorted(state.seated_users())
    user_id = rng.choice(seated if seated and rng.random() < 0.5 else list(BY_ID))
    policy: Literal["abort", "swap", "replace"] = rng.choice(("abort", "swap", "replace"))
    makers: tuple[Callable[[], Command], ...] = (
        *[lambda: SeatTake(index)] * 3,
        *[lambda: SeatTake(-1)] * 3,
        *[lambda: SeatMove(index, policy=policy)] * 3,
        *[lambda: RequestApply(rng.choice((None, index)))] * 4,
        *[lambda: InviteSend(user_id, rng.choice((None, index)))] * 4,
        SeatLeave,
        lambda: SeatMove(index, user_id, policy),
        lambda: SeatKick(user_id, rng.choice((None, index)), rng.choice((0, 1, 60))),
        lambda: SeatLock(rng.choice((index, index, "all")), rng.random() < 0.3),
        lambda: SeatUnlock(rng.choice((index, "all"))),
        lambda: SeatMute(index),
        lambda: SeatUnmute(index),
        lambda: UserMute(user_id),
        lambda: UserUnmute(user_id),
        lambda: MicSet(rng.random() < 0.7),
        lambda: SeatModeSet(rng.choice(("free", "apply", "apply", "invite"))),
        lambda: SeatCountSet(rng.randint(1, 8), rng.random() < 0.3),
        lambda: RoleGrant(user_id, "admin"),
        lambda: RoleRevoke(user_id, "admin"),
        lambda: UserBan(user_id, rng.choice((None, 1, 1, 5, 60))),
        lambda: UserUnban(user_id),
    )
    return rng.choice(makers)()


def random_answer(rng: random.Random, requests: Requests) -> Sent:
    """An answer to a request that waits or ended lately, often by who may give it."""
    ended = [item.request for item in requests.ended[-3:]]
    waits = requests.items and (not ended or rng.random() < 0.8)
    request = rng.choice(requests.items if waits else ended)
    seated = BY_ID.get(request.person.user_id, EVERYBODY[0])
    if rng.random() < 0.2:
        return Sent(rng.choice(EVERYBODY), rng.choice(ANSWERS)(request.request_id))
    if request.kind == "invite" and rng.random() < 0.7:
        return Sent(seated, rng.choice((InviteReject, InviteAccept))(request.request_id))
    if request.kind == "invite":
        return Sent(rng.choice(EVERYBODY[:3]), InviteCancel(request.request_id))
    if rng.random() < 0.3:
        return Sent(seated, RequestCancel(request.request_id))
    makers = (RequestAccept, RequestAccept, RequestReject)
    return Sent(rng.choice(EVERYBODY[:3]), rng.choice(makers)(request.request_id))


def random_care(rng: random.Random, state: State) -> Sent:
    """What the server does of its own accord, to somebody seated where there is one."""
    stays = [seat.occupant.participation_id for seat in state.seats if seat.occupant is not None]
    participation_id = rng.choice([*stays, "p_gone"])
    makers: tuple[Callable[[], Command], ...] = (
        SystemExpire,
        lambda: SystemReap(participation_id, "lease_expired"),
        *[lambda: SystemLink(participation_id, rng.choice(("ok", "weak", "lost")))] * 5,
    )
    return Sent(SYSTEM, rng.choice(makers)())


def random_sent(rng: random.Random, state: State, requests: Requests) -> Sent:
    """One command that somebody in the crowd sends into a room as it stands."""
    if state.session is None:
        return Sent(EVERYBODY[0], SessionStart(None, rng.randint(2, 7)))
    dice = rng.random()
    if dice < 0.2 and (requests.items or requests.ended):
        return random_answer(rng, requests)
    if dice < 0.22:
        return random_care(rng, state)
    if dice < 0.223:
        return Sent(rng.choice(EVERYBODY), SessionEnd())
    command = random_command(rng, state)
    actors = [
        actor for actor in EVERYBODY if NAMES[type(command)] in allowed_commands(state, actor)
    ]
    return Sent(rng.choice(actors if actors and rng.random() < 0.7 else EVERYBODY), command)


STARTS = st.builds(
    SessionStart,
    st.sampled_from([None, "voice", "video"]),
    st.none() | st.integers(1, 6),
    st.sampled_from([None, "free", "free", "apply", "invite"]),
)
