"""The pure core: a command reduced, a state encoded, each beside the JSON work it can't avoid."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bench.measure import Row, cpu_per_call, in_turns, microseconds, row
from room import wire
from room.actor import Actor
from room.commands import MicSet, SeatTake, SessionStart
from room.documents import State
from room.position import Position
from room.reconcile import Reconciler
from room.rules import Context, reduce
from room.snapshot import Stored, encode_state, read_head

CALLS = 20_000


def full_room() -> Stored:
    """Build a live room of nine seats, all taken."""
    state = State(owner_id="u0")
    ids = iter(range(1000))
    commands = [("u0", SessionStart())] + [(f"u{n}", SeatTake(n)) for n in range(9)]
    for user, command in commands:
        actor = Actor(user, nickname=f"Nickname {user}", avatar=f"face/{user}")
        state = reduce(state, command, Context(actor, 0, lambda: f"{next(ids):024d}")).state
    return Stored("demo", state, Position(1_700_000_000_000, 7), 1_700_000_000_123)


def rows() -> Iterable[Row]:
    """Measure."""
    stored = full_room()
    body = encode_state(stored, "member").body
    decoded = msgspec.json.decode(body)
    actor = Actor("u3")
    context = Context(actor, 0, lambda: "id")
    turned = iter(range(CALLS * 100))

    def json_encode() -> float:
        return cpu_per_call(lambda: wire.encode(decoded), CALLS)

    def turn_mic() -> None:
        reduce(stored.state, MicSet(next(turned) % 2 == 0), context)

    raw = in_turns(lambda: cpu_per_call(turn_mic, CALLS), json_encode)
    yield row("reduce one command", "encode its state as plain JSON", raw, microseconds)
    raw = in_turns(lambda: cpu_per_call(lambda: encode_state(stored, "member"), CALLS), json_encode)
    yield row("project and encode a member view", "encode it as plain JSON", raw, microseconds)
    reconciler, head = Reconciler(), read_head(body)

    def judge() -> None:
        reconciler.offer("state", head.position, "member", "ws")

    raw = in_turns(
        lambda: cpu_per_call(judge, CALLS),
        lambda: cpu_per_call(lambda: msgspec.json.decode(body), CALLS),
    )
    yield row("judge a snapshot", "decode it as plain JSON", raw, microseconds)
