"""Act 8: somebody has to go."""

from __future__ import annotations

from typing import Any

from evening_director import BOTH, NOTHING, REQUESTS, Evening


async def order(play: Evening) -> None:
    """Act 8."""
    cast = play.cast
    play.script.act(
        "8. Somebody has to go",
        """
        A kick takes a person off the seat, and where a cooldown is given keeps them off for that
        long. It names the person, and may name the seat as a guard against a screen that shows
        yesterday's news. A ban goes further: nothing that the banned person sends is carried out.
        They may go on watching.
        """,
    )
    await play.refused(cast.dave, 409, "SEAT_CHANGED", "seat.kick", user_id="frank", seat_index=3)
    kick: dict[str, Any] = {"user_id": "frank", "seat_index": 2, "cooldown_s": 600}
    await play.does(cast.dave, "seat.kick", **kick)
    problem = await play.refused(cast.frank, 403, "USER_BANNED", "seat.take", seat_index=2)
    assert 0 < problem["retry_after_ms"] <= 600_000
    await play.does(cast.dave, "seat.kick", changes=NOTHING, user_id="frank")
    await play.does(cast.grace, "seat.take", seat_index=2)
    await play.does(cast.olga, "user.ban", user_id="grace")
    grace = play.hearing.named("grace")
    assert grace.held["state"]["seats"][2]["status"] == "empty"
    await play.refused(cast.grace, 403, "USER_BANNED", "seat.take", seat_index=2)
    await play.refused(cast.grace, 403, "USER_BANNED", "seat.leave")
    await play.refused(cast.grace, 403, "USER_BANNED", "request.apply")
    seen = await play.polls(cast.grace, show=("ETag",))
    assert seen.json["view"] == "member"
    await play.does(cast.olga, "user.unban", user_id="grace")
    await play.does(cast.grace, "seat.take", seat_index=2)
    await out_of_the_queue(play)


async def out_of_the_queue(play: Evening) -> None:
    """Ban somebody who waits for a seat."""
    cast = play.cast
    heidi, olga = play.hearing.named("heidi"), play.hearing.named("olga")
    play.script.prose("Whoever waits in the queue when banned waits no longer:")
    await play.does(cast.olga, "seat.mode.set", mode="apply")
    parties = {heidi: None, olga: None}
    await play.does(cast.heidi, "request.apply", changes=REQUESTS, told=parties)
    ended = {heidi: "failed", olga: "failed"}
    await play.does(cast.dave, "user.ban", changes=BOTH, told=ended, user_id="heidi", ttl_s=600)
    assert olga.held["requests"]["items"] == []
    problem = await play.refused(cast.heidi, 403, "USER_BANNED", "request.apply")
    assert 0 < problem["retry_after_ms"] <= 600_000
    await play.does(cast.dave, "user.unban", user_id="heidi")
    await play.does(cast.olga, "seat.mode.set", mode="free")
