"""Act 3: who is heard."""

from __future__ import annotations

from functools import partial

from evening_director import NOTHING, Evening
from evening_listener import Listener


async def mutes(play: Evening) -> None:
    """Act 3."""
    cast = play.cast
    play.script.act(
        "3. Three reasons to be silent",
        """
        Whether somebody is heard is three facts, and none overwrites another: mic on is the
        person's own wish; muted is laid on a person and follows them to any seat; audio locked is
        laid on a seat, whoever sits there. Only somebody with the mic on and neither of the others
        is heard.
        """,
    )
    dave = play.hearing.named("dave")

    def seat(index: int) -> tuple[bool, bool, bool]:
        held = dave.held["state"]["seats"][index]
        return held.get("mic_on", False), held.get("muted", False), held["audio_locked"]

    await play.does(cast.carol, "mic.set", on=True)
    assert seat(4) == (True, False, False)
    await play.does(cast.carol, "mic.set", changes=NOTHING, on=True)
    await play.does(cast.olga, "user.mute", user_id="carol")
    assert seat(4) == (True, True, False), "the wish stays what it was"
    await play.does(cast.carol, "mic.set", on=False)
    await play.refused(cast.carol, 403, "MUTED_BY_ADMIN", "mic.set", on=True)
    await play.does(cast.olga, "seat.mute", seat_index=4)
    assert seat(4) == (False, True, True)
    await play.does(cast.carol, "seat.move", to=5)
    assert seat(5) == (False, True, False), "the person's mute comes along"
    assert seat(4) == (False, False, True), "the seat's stays"
    await play.does(cast.olga, "user.unmute", user_id="carol")
    await play.does(cast.olga, "user.unmute", changes=NOTHING, user_id="carol")
    await play.does(cast.olga, "seat.unmute", seat_index=4)
    await play.refused(cast.ivan, 409, "NOT_ON_SEAT", "mic.set", on=True)
    await play.refused(cast.erin, 403, "FORBIDDEN", "seat.mute", seat_index=5)
    await play.does(cast.erin, "mic.set", on=True)
    await speaking(play)


async def speaking(play: Evening) -> None:
    """Let somebody be seen to speak: no document changes."""
    erin, olga, dave = map(play.hearing.named, ("erin", "olga", "dave"))
    play.script.prose(
        """
        That somebody is speaking right now is worth a glow around a face, not a version: a small
        message that may be lost.
        """
    )
    play.script.line('erin sends on the WebSocket  {"type":"speaking","on":true}')
    await erin.send({"type": "speaking", "on": True})
    for listener in (olga, dave):
        await listener.until("that seat 3 speaks", partial(_speaks, listener, 3))
        play.script.line(f'{listener.name}·{listener.node} hears speaking: {{"seats":[3]}}', 1)
    await erin.send({"type": "speaking", "on": False})
    await play.hear(NOTHING)


def _speaks(listener: Listener, seat_index: int) -> bool:
    """Tell whether a listener has heard that a seat, and no other, speaks."""
    return any(
        message["type"] == "speaking" and message["seats"] == [seat_index]
        for message in listener.lossy
    )
