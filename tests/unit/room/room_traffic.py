"""What a crowd sends: strategies for single commands, and a seeded stream that fills a room."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

from hypothesis import strategies as st
from room_samples import EVERYBODY

from room.commands import (
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
    SessionStart,
    UserMute,
    UserUnmute,
)

PEOPLE = [actor for actor in EVERYBODY if actor.kind == "member"]
USERS = st.sampled_from([actor.user_id for actor in EVERYBODY])
INDEXES = st.integers(-1, 6)
TARGETS = INDEXES | st.just("all")

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
)


def random_command(rng: random.Random) -> Command:
    """One command about a seat or a person that is likely to be there."""
    index = rng.randint(-1, 6)
    user_id = rng.choice(EVERYBODY).user_id
    policy: Literal["abort", "swap", "replace"] = rng.choice(("abort", "swap", "replace"))
    makers: tuple[Callable[[], Command], ...] = (
        *[lambda: SeatTake(index)] * 3,
        *[lambda: SeatTake(-1)] * 3,
        *[lambda: SeatMove(index, policy=policy)] * 3,
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
    )
    return rng.choice(makers)()


STARTS = st.builds(
    SessionStart,
    st.sampled_from([None, "voice", "video"]),
    st.none() | st.integers(1, 6),
    st.sampled_from([None, "free", "free", "apply", "invite"]),
)
