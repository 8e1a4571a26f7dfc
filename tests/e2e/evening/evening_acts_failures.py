"""Acts 9, 10 and 11: a gateway dies, the store dies, the evening ends."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from evening_director import Evening
from evening_http import ROOT
from evening_ledger import position_of
from evening_listener import PATIENCE_S, EventListener, Listener


async def lost_gateway(play: Evening) -> None:
    """Act 9."""
    cast, stage = play.cast, play.stage
    play.script.act(
        "9. A gateway dies",
        """
        Gateway A is killed with kill -9 right after an ack. Its connections break; B serves on, and
        knows everything that A has acknowledged. Whoever was at A comes back and says what they
        have: what they have is not sent again, what they missed is, in one snapshot. Nobody loses a
        seat: it belongs to the person, not to the connection.
        """,
    )
    heard = await play.does(cast.erin, "mic.set", cmd_id="erin-is-heard", on=True)
    play.script.gap()
    play.script.line("kill -9 A")
    lost = [one for one in play.hearing.live() if one.node == "A"]
    await stage.kill_gateway("A")
    for listener in lost:
        await listener.until_ended()
    play.script.line(f"the connection breaks: {', '.join(one.name for one in lost)}", 1)
    seen = await play.polls(cast.viewer, node="B")
    assert position_of(seen.json) == play.at["state"], "what was acknowledged is there"
    again = {"cmd": "mic.set", "cmd_id": "erin-is-heard", "args": {"on": True}}
    answer = await play.asks(cast.erin, "POST", f"{ROOT}/commands", again, expect=200, node="B")
    assert answer.json == heard, "the ack of the dead gateway, from the other one"
    have = {one.name: one.have() for one in lost}
    await play.listens(cast.erin, docs=("state", "x-score"), node="B", have=have["erin"])
    await play.does(cast.dave, "seat.lock", seat_index=4)
    await play.listens(cast.olga, docs=("state", "requests"), node="B", have=have["olga"])
    (guest,) = (one for one in lost if isinstance(one, EventListener))
    await play.listens_to_events(cast.guest, ("state", "x-score"), back=guest, node="B")
    play.script.gap()
    play.script.line("A is started again")
    await stage.start_gateway("A")
    await play.listens(cast.carol, "'s phone", have=have["carol's phone"])
    await play.listens(cast.ivan, have=play.hearing.named("erin").have())
    await play.does(cast.carol, "mic.set", on=True)
    seats = play.hearing.named("olga").held["state"]["seats"]
    sitting = [seat["user"]["user_id"] for seat in seats if seat["status"] == "occupied"]
    assert sitting == ["olga", "dave", "grace", "erin", "carol", "ivan"]


async def lost_store(play: Evening) -> None:
    """Act 10."""
    cast, stage = play.cast, play.stage
    play.script.act(
        "10. The store dies, and forgets",
        """
        Now the worst: the line from Redis to its replica is held up, two more commands are
        acknowledged and seen by all, and the primary dies. While there is no store, what is known
        is served on and commands are refused, to be sent again. Then the replica is promoted. It
        never heard of the two commands, and their positions are about to be given out a second
        time.

        This is what the epoch is for: the store notices that it is another primary and raises it.
        The older version at the higher epoch is newer than everything before, so every reader
        follows at once. The next command counts on, and Heidi's phone, which sends its lost command
        again, gets the seat.
        """,
    )
    kept = dict(play.at)
    await stage.hold_replication()
    play.script.line("from now on nothing reaches the replica")
    take: dict[str, Any] = {"cmd_id": "heidi-takes", "seat_index": 7}
    await play.does(cast.heidi, "seat.take", **take)
    await play.does(cast.erin, "mic.set", on=False)
    seen = play.at["state"]
    play.script.gap()
    play.script.line("kill -9 the primary")
    await stage.lose_primary()
    await without_store(play)
    play.script.gap()
    play.script.line("the replica is promoted; the gateways find it where the primary was")
    await stage.promote_replica()
    await follow(play, kept)
    epoch, version = seen
    await play.polls(cast.viewer, query=f"?after={epoch}.{version}")
    await play.does(cast.dave, "mic.set", on=True)
    await play.does(cast.heidi, "seat.take", **take)
    for node in ("A", "B"):
        answer = await play.polls(cast.viewer, node=node)
        assert position_of(answer.json) == play.at["state"]


async def without_store(play: Evening) -> None:
    """See what two gateways do whose store is away."""
    cast = play.cast
    body = {"cmd": "mic.set", "cmd_id": "dave-tries", "args": {"on": True}}
    answer = await play.asks(
        cast.dave, "POST", f"{ROOT}/commands", body, expect=503, code="UNAVAILABLE"
    )
    assert answer.json["retryable"] is True
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["retry_after_ms"] > 0
    end = time.monotonic() + PATIENCE_S
    while True:  # what is in memory counts as fresh for a moment
        seen = await play.ask(cast.viewer, "GET", f"{ROOT}/state")
        if "Age" in seen.headers or time.monotonic() > end:
            break
        await asyncio.sleep(0.05)
    play.tell_request(cast.viewer, "GET", f"{ROOT}/state")
    play.check(seen, 200)
    play.check_poll(cast.viewer, seen)
    assert "Age" in seen.headers, "it says that it is old"
    assert "ttl=-" in seen.headers["Cache-Status"], seen.headers["Cache-Status"]
    play.tell_answer(seen)
    play.script.line("with Age and a stale Cache-Status", 1)
    assert position_of(seen.json) == play.at["state"]
    await play.asks(cast.viewer, "GET", "/readyz", expect=200)


async def follow(play: Evening, kept: dict[str, tuple[int, int]]) -> None:
    """Wait until every reader shows what the promoted replica holds, at its own epoch."""
    live = play.hearing.live()
    old = play.at["state"][0]
    docs: dict[Listener, list[str]] = {
        one: [doc for doc in one.docs if doc in kept] for one in live
    }
    for listener, followed in docs.items():
        for doc in followed:
            await listener.until_at(doc, (old + 1, 0))
    for doc, (_, version) in kept.items():
        heard = {one.at(doc) for one in live if doc in one.held}
        assert len(heard) == 1, f"one epoch at both gateways: {heard}"
        (position,) = heard
        assert position is not None
        assert position[1] == version, "the version that the replica has"
        play.at[doc] = position
    assert len({position[0] for position in play.at.values()}) == 1, "one epoch a room"
    await asyncio.gather(*(listener.settle() for listener in live))
    play.hearing.tell(docs)
    for node in ("A", "B"):
        answer = await play.polls(play.cast.viewer, node=node)
        assert position_of(answer.json) == play.at["state"]


async def ending(play: Evening) -> None:
    """Act 11."""
    cast = play.cast
    play.script.act(
        "11. Good night",
        """
        The owner ends the session, and every stay with it. The room goes on, and its state is a
        state like any other: no session, no seats, one version more. Whoever comes now gets it at
        once.
        """,
    )
    await play.does(cast.olga, "session.end", node="B")
    await play.refused(cast.carol, 409, "SESSION_NOT_LIVE", "seat.take", seat_index=2)
    seen = await play.polls(cast.viewer, show=("ETag",))
    assert (seen.json["session"], seen.json["seats"]) == (None, [])
    late = await play.listens(cast.frank, "'s laptop")
    play.script.verbatim([play.names.json(late.held["state"])], 2)
    play.script.prose("And tomorrow is another evening:")
    await play.does(cast.olga, "session.start", node="B")
