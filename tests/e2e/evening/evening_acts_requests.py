"""Acts 4 and 5: raised hands, invitations, admins."""

from __future__ import annotations

from evening_director import BOTH, NOTHING, REQUESTS, Evening
from evening_http import ROOT
from evening_listener import SocketListener


def request_of(listener: SocketListener) -> str:
    """Give the id of the newest request that a listener holds."""
    items = listener.held["requests"]["items"]
    request_id: str = items[-1]["request_id"]
    return request_id


async def raised_hands(play: Evening) -> None:
    """Act 4."""
    cast = play.cast
    play.script.act(
        "4. Raise your hand",
        """
        In apply mode a seat is asked for. Taking one is refused, it never turns into a request by
        itself. The queue is a document of its own, for the owner and the admins, so a raised hand
        wakes no viewer; the two parties of a request hear of it by a message, and how it ended.
        Asking twice is asking once.
        """,
    )
    olga = play.hearing.named("olga")
    await play.does(cast.olga, "seat.mode.set", mode="apply")
    frank = await play.listens(cast.frank)
    grace = await play.listens(cast.grace)
    heidi = await play.listens(cast.heidi)
    await play.refused(cast.frank, 409, "APPROVAL_REQUIRED", "seat.take", seat_index=2)
    parties = {frank: None, olga: None}
    await play.does(cast.frank, "request.apply", changes=REQUESTS, told=parties, seat_index=2)
    request = request_of(olga)
    check_waiting(olga, "frank")
    again = await play.does(cast.frank, "request.apply", changes=NOTHING, seat_index=2)
    if "request_id" in again["result"]:
        assert again["result"]["request_id"] == request, "a second one returns the first"
    parties = {grace: None, olga: None}
    await play.does(cast.grace, "request.apply", changes=REQUESTS, told=parties)
    of_grace = request_of(olga)
    parties = {heidi: None, olga: None}
    await play.does(cast.heidi, "request.apply", changes=REQUESTS, told=parties)
    of_heidi = request_of(olga)
    check_waiting(olga, "frank", "grace", "heidi")
    await play.polls(cast.olga, "requests", show=("ETag",))
    await play.polls(cast.frank, "requests", expect=403, code="FORBIDDEN")
    await play.polls(cast.viewer, "requests", expect=403, code="FORBIDDEN")
    await play.refused(cast.frank, 403, "FORBIDDEN", "request.accept", request_id=request)
    ended = {frank: "accepted", olga: "accepted"}
    await play.does(cast.olga, "request.accept", changes=BOTH, told=ended, request_id=request)
    assert olga.held["state"]["seats"][2]["user"]["user_id"] == "frank"
    ended = {grace: "rejected", olga: "rejected"}
    await play.does(cast.olga, "request.reject", changes=REQUESTS, told=ended, request_id=of_grace)
    ended = {heidi: "cancelled", olga: "cancelled"}
    await play.does(cast.heidi, "request.cancel", changes=REQUESTS, told=ended, request_id=of_heidi)
    check_waiting(olga)
    await play.refused(cast.olga, 404, "REQUEST_NOT_FOUND", "request.accept", request_id=of_heidi)


def check_waiting(listener: SocketListener, *user_ids: str) -> None:
    """See who waits, in which order, and for how long."""
    held = listener.held["requests"]
    assert [item["user"]["user_id"] for item in held["items"]] == list(user_ids)
    assert held["total"] == len(user_ids)
    for item in held["items"]:
        span_ms = {"apply": 60_000, "invite": 30_000}[item["kind"]]
        assert item["expires_at"] - item["created_at"] == span_ms


async def admins(play: Evening) -> None:
    """Act 5."""
    cast = play.cast
    play.script.act(
        "5. Helping hands",
        """
        The owner makes Dave an admin. He hears at once what he may send from now on, and may read
        the queue. Rank protects: nobody acts on an equal or a higher one. An invitation names a
        person, and where it names a seat too, it opens that seat even when it is locked. In invite
        mode it is the only way in.
        """,
    )
    olga, dave = play.hearing.named("olga"), play.hearing.named("dave")
    ivan = await play.listens(cast.ivan)
    await play.refused(cast.dave, 403, "FORBIDDEN", "seat.kick", user_id="frank")
    await subscribe(play, dave, "FORBIDDEN")
    await play.does(cast.olga, "role.grant", user_id="dave", role="admin")
    await play.does(cast.olga, "role.grant", changes=NOTHING, user_id="dave", role="admin")
    await subscribe(play, dave)
    await play.refused(cast.dave, 403, "TARGET_OUTRANKS", "seat.kick", user_id="olga")
    await play.does(cast.olga, "role.grant", user_id="erin", role="admin")
    await play.refused(cast.dave, 403, "TARGET_OUTRANKS", "user.mute", user_id="erin")
    await play.does(cast.olga, "role.revoke", user_id="erin", role="admin")
    parties = {dave: None, ivan: None}
    await play.does(
        cast.dave, "invite.send", changes=REQUESTS, told=parties, user_id="ivan", seat_index=6
    )
    check_waiting(dave, "ivan")
    assert olga.held["state"]["seats"][6]["locked"]
    request = request_of(dave)
    ended = {dave: "accepted", ivan: "accepted"}
    await play.does(cast.ivan, "invite.accept", changes=BOTH, told=ended, request_id=request)
    assert olga.held["state"]["seats"][6]["user"]["user_id"] == "ivan"
    await play.does(cast.dave, "seat.mode.set", mode="invite")
    await play.refused(cast.grace, 409, "INVITE_REQUIRED", "seat.take", seat_index=4)
    grace, heidi = play.hearing.named("grace"), play.hearing.named("heidi")
    await play.does(
        cast.dave, "invite.send", changes=REQUESTS, told={dave: None, grace: None}, user_id="grace"
    )
    ended = {dave: "rejected", grace: "rejected"}
    await play.does(
        cast.grace, "invite.reject", changes=REQUESTS, told=ended, request_id=request_of(dave)
    )
    await play.does(
        cast.olga, "invite.send", changes=REQUESTS, told={olga: None, heidi: None}, user_id="heidi"
    )
    ended = {olga: "cancelled", heidi: "cancelled"}
    await play.does(
        cast.olga, "invite.cancel", changes=REQUESTS, told=ended, request_id=request_of(dave)
    )
    await play.refused(cast.dave, 409, "ALREADY_ON_SEAT", "invite.send", user_id="carol")
    await play.does(cast.dave, "seat.mode.set", mode="free")


async def subscribe(play: Evening, listener: SocketListener, refusal: str = "") -> None:
    """Ask for the queue on a connection that stands."""
    message = {"type": "subscribe", "room": ROOT.rpartition("/")[2], "docs": ["requests"]}
    play.tell_request(play.cast.dave, "sends on the WebSocket", play.names.json(message))
    listener.docs.append("requests")
    listener.has_subscribed = True
    await listener.send(message)
    if refusal:
        listener.docs.remove("requests")
        await listener.until_heard("an error", lambda message: message["type"] == "error")
        (error,) = (m for m in listener.unread if m["type"] == "error")
        assert (error["code"], error["doc"], error["room"]) == (refusal, "requests", "lounge")
        await play.hear(NOTHING)
    else:
        await listener.until_at("requests", play.at["requests"])
        await listener.settle()
        assert "policy" in [m["type"] for m in listener.unread], "a policy follows a subscribe"
        play.hearing.tell({listener: ["requests"]})
    listener.has_subscribed = False
