"""Acts 1 and 2: a room opens, people listen on every channel, people sit down."""

from __future__ import annotations

import asyncio

from evening_director import NOTHING, Evening
from evening_http import ROOT
from evening_ledger import position_of
from evening_words import whole


async def opening(play: Evening) -> None:
    """Act 1."""
    cast = play.cast
    play.script.act(
        "1. A room opens",
        """
        A room belongs to whoever creates it. It lasts; the show in it is called a session. Before
        the first session a room has a state all the same: no session, no seats, version 1.

        Every answer and every push carries a position, written epoch.version. The version counts
        changes; the epoch only rises when the store can't prove that nothing was lost. Whoever
        reads keeps the highest position, and that is all there is to know.
        """,
    )
    await play.polls(cast.viewer, expect=404, code="ROOM_NOT_FOUND")
    body = {"seat_count": 8}
    made = await play.asks(cast.olga, "PUT", ROOT, body, expect=201)
    first = await play.polls(cast.viewer, show=("ETag", "Cache-Control"))
    assert (first.json["version"], first.json["session"], first.json["seats"]) == (1, None, [])
    play.at["state"] = position_of(first.json)
    again = await play.asks(cast.olga, "PUT", ROOT, body, expect=200)
    assert again.json != made.json or again.json == {}, "the second says that nothing changed"
    await play.does(cast.olga, "session.start")
    play.script.prose(
        """
        Three people look in. Carol has a token and a WebSocket: she gets a welcome, a list of what
        she may send, and the whole state in the member view, at once. This is all of it:
        """
    )
    await play.listens(cast.carol, "'s phone")
    play.script.prose(
        """
        The viewer has no token and polls. The anonymous view names nobody. What was seen is not
        sent again: a 304 for a known ETag, a 204 for a known position.
        """
    )
    seen = await play.polls(cast.viewer, show=("ETag", "Cache-Control"))
    etag = seen.headers["ETag"]
    await play.polls(cast.viewer, have=etag, expect=304, show=("ETag", "Cache-Control"))
    await play.polls(cast.viewer, have=first.headers["ETag"])
    epoch, version = play.at["state"]
    await play.polls(cast.viewer, query=f"?after={epoch}.{version - 1}")
    await play.polls(cast.viewer, query=f"?after={epoch}.{version}", expect=204)
    await play.polls(cast.viewer, query="?after=soon", expect=400, code="INVALID_ARGUMENT")
    play.script.prose(
        """
        The guest takes Server-Sent Events: the same bytes as every other anonymous reader gets,
        whatever the channel and the gateway. The guest also asks for a document that does not exist
        yet; it will come when there is one.
        """
    )
    await play.listens_to_events(cast.guest, ("state", "x-score"))


async def free_seats(play: Evening) -> None:
    """Act 2."""
    cast = play.cast
    play.script.act(
        "2. Take a seat",
        """
        In free mode whoever finds a seat free may sit down; seat 0 is the owner's alone. One user
        is one person, however many devices: a second phone sees the seat that the first has taken,
        and can't take another. An ack says where the state stands after it, and everybody hears of
        it, those of the other gateway too. A refusal changes nothing and says where things stand.
        """,
    )
    await play.listens(cast.olga, docs=("state", "requests"))
    dave = await play.listens(cast.dave)
    await play.listens(cast.erin)
    await play.does(cast.olga, "seat.take", seat_index=0)
    await play.refused(cast.dave, 409, "SEAT_RESERVED", "seat.take", seat_index=0)
    ack = await play.does(cast.dave, "seat.take", seat_index=-1)
    assert ack["result"]["seat_index"] == 1, "any seat is never the owner's"
    assert ack["result"]["media_mode"] == "rtc"
    await play.does(cast.carol, "seat.take", seat_index=2)
    await play.listens(cast.carol, "'s laptop", node="B")
    await play.refused(cast.carol, 409, "ALREADY_ON_SEAT", "seat.take", node="B", seat_index=3)
    stay = dave.held["state"]["seats"][2]["participation_id"]
    await play.does(cast.carol, "seat.move", node="B", to=4)
    assert dave.held["state"]["seats"][4]["participation_id"] == stay, "the same stay"
    await play.refused(cast.erin, 409, "SEAT_OCCUPIED", "seat.take", seat_index=4)
    await play.refused(cast.erin, 404, "SEAT_NOT_FOUND", "seat.take", seat_index=8)
    await play.refused(cast.viewer, 401, "UNAUTHENTICATED", "seat.take", seat_index=3)
    await play.does(cast.olga, "seat.lock", seat_index=6)
    await play.refused(cast.erin, 409, "SEAT_LOCKED", "seat.take", seat_index=6)
    await by_socket(play)
    await fight(play)
    await play.does(cast.ivan, "seat.leave", changes=NOTHING)
    play.script.prose("So this is the room now, as Erin gets it, and as the viewer does:")
    for person in (cast.erin, cast.viewer):
        seen = await play.polls(person, show=("ETag", "Cache-Control"))
        play.script.verbatim(whole(seen.json, play.names), 2)


async def by_socket(play: Evening) -> None:
    """Send a command by WebSocket: its ack comes back on it."""
    erin = play.hearing.named("erin")
    cmd_id = play.cast.erin.fresh_id()
    message = {"type": "cmd", "cmd": "seat.take", "cmd_id": cmd_id, "args": {"seat_index": 3}}
    play.tell_request(play.cast.erin, "sends on the WebSocket", play.names.json(message))
    await erin.send(message)
    await erin.until_heard("an ack", lambda message: message["type"] == "ack")
    ack = next(m for m in erin.unread if m["type"] == "ack")
    play.check_ack(ack, cmd_id, ("state",))
    await play.hear(("state",))


async def fight(play: Evening) -> None:
    """Let twelve people want one seat at once, at both gateways."""
    fans = play.cast.fans
    epoch, version = play.at["state"]
    play.script.gap()
    play.script.line("fan-0 … fan-11, six at each gateway, all at once:")
    play.script.line('POST /v1/rooms/lounge/commands  {"cmd":"seat.take","args":{"seat_index":5}}')
    body = {"cmd": "seat.take", "args": {"seat_index": 5}}
    answers = await asyncio.gather(
        *(
            play.ask(fan, "POST", f"{ROOT}/commands", {**body, "cmd_id": fan.fresh_id()})
            for fan in fans
        )
    )
    won = [(fan, a) for fan, a in zip(fans, answers, strict=True) if a.status == 200]
    lost = [a for a in answers if a.status != 200]
    assert len(won) == 1, [a.status for a in answers]
    winner, ack = won[0]
    play.names.call(winner.user_id, "the winner")
    play.check_ack(ack.json, ack.json["cmd_id"], ("state",))
    assert position_of(ack.json) == (epoch, version + 1)
    for answer in lost:
        play.check(answer, 409, "SEAT_OCCUPIED")
        assert position_of(answer.json) == play.at["state"], "a refusal says where things stand"
    place = play.names.position(*play.at["state"])
    play.script.line(f"once 200  an ack at {place}", 1)
    play.script.line(f"{len(lost)} times 409  SEAT_OCCUPIED at {place}", 1)
    await play.hear(("state",))
    await play.does(winner, "seat.leave", cmd_id="winner-2", node="A")
