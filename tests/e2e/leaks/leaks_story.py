"""What happens in the room of the plants, and everything that anybody asks about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from leaks_capture import OTHER, ROOM, Capture
from leaks_plants import Plants

ADMIN_COMMANDS: dict[str, dict[str, Any]] = {
    "session.start": {},
    "session.end": {},
    "seat.lock": {"seat_index": 4},
    "seat.unlock": {"seat_index": 4},
    "seat.mute": {"seat_index": 4},
    "seat.mode.set": {"mode": "free"},
    "seat.count.set": {"count": 5},
    "system.expire": {},
}


async def plant(capture: Capture) -> None:
    """Fill the private corners of the room, before anybody listens."""
    plants = capture.plants
    await capture.ask("owner", "rooms", "PUT", f"/v1/rooms/{ROOM}", json={})
    await capture.ask("idle_admin", "rooms", "PUT", f"/v1/rooms/{OTHER}", json={})
    await do(capture, "owner", "session.start", seat_count=9)
    for admin in (plants.admin, plants.idle_admin):
        await do(capture, "owner", "role.grant", user_id=admin.user_id, role="admin")
    await do(capture, "owner", "seat.take", seat_index=0)
    for who, index in (("seated", 1), ("kicked", 2)):
        ack = await do(capture, who, "seat.take", seat_index=index)
        plants.learnt[f"{who}.participation_id"] = ack["result"]["participation_id"]
    kicked, muted, banned = plants.kicked, plants.muted, plants.banned
    await do(capture, "owner", "seat.kick", user_id=kicked.user_id, cooldown_s=600)
    await do(capture, "owner", "user.mute", user_id=muted.user_id)
    await do(capture, "owner", "user.ban", user_id=banned.user_id)
    await do(capture, "owner", "seat.mode.set", mode="apply")
    for room, word in ((ROOM, "document here"), (OTHER, "document elsewhere")):
        plants.learnt[word] = f"word-of-{room}"
        body = {"word": plants.learnt[word]}
        await capture.ask("service", "rooms", "PUT", f"/v1/rooms/{room}/x-score", json=body)


async def happen(capture: Capture) -> None:
    """Let requests wait while everybody listens."""
    plants = capture.plants
    ack = await do(capture, "applicant", "request.apply", seat_index=3)
    plants.learnt["application"] = ack["result"]["request_id"]
    invitee = plants.invitee.user_id
    ack = await do(capture, "admin", "invite.send", user_id=invitee, seat_index=5)
    plants.learnt["invitation"] = ack["result"]["request_id"]
    await do(capture, "seated", "mic.set", on=True)


async def ask_everything(capture: Capture) -> None:
    """Ask for everything that there is, as everybody."""
    for caller in capture.plants.callers:
        await poll(capture, caller)
        await refuse(capture, caller)
        await look_around(capture, caller)
    await capture.ask(
        "anonymous", "metrics", "GET", f"http://{capture.node.running.metrics_address}/metrics"
    )
    capture.sei()


async def poll(capture: Capture, caller: str) -> None:
    """Poll each document in each way."""
    room = f"/v1/rooms/{ROOM}"
    for doc in ("state", "requests", "play", "x-score", "x-none"):
        path = f"{room}/{doc}"
        for headers in ({}, {"Accept-Encoding": "gzip"}, {"If-None-Match": "*"}):
            await capture.ask(caller, "poll", "GET", path, headers)
        await capture.ask(caller, "poll", "GET", f"{path}?after=9007199254740991.1")
        await capture.ask(caller, "poll", "GET", f"{path}?after=0.0")
        await capture.ask(caller, "poll", "HEAD", path)
    docs = "state,requests,play,x-score,x-none"
    await capture.ask(caller, "entry", "GET", f"{room}/entry?docs={docs}")
    await capture.ask(caller, "elsewhere", "GET", f"/v1/rooms/{OTHER}/x-score")


async def refuse(capture: Capture, caller: str) -> None:
    """Have commands refused that name people, seats and requests."""
    for cmd, args in refused(capture.plants, caller):
        await capture.command(caller, "error", cmd, **args)
    await capture.command(caller, "error", "session.start", room="no-such-room")


def refused(plants: Plants, caller: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name the commands that must not succeed as this caller."""
    application = {"request_id": plants.learnt["application"]}
    invitation = {"request_id": plants.learnt["invitation"]}
    if caller not in ("owner", "admin", "operator"):
        yield from ADMIN_COMMANDS.items()
        yield from (("request.accept", application), ("request.reject", application))
        for who in plants.people().values():
            for cmd in ("seat.kick", "user.mute", "user.ban", "user.unban", "invite.send"):
                yield cmd, {"user_id": who.user_id}
    if caller != "invitee":
        yield from (("invite.accept", invitation), ("invite.reject", invitation))
    if caller != "applicant":
        yield "request.cancel", application
    if caller not in ("admin", "owner"):
        yield "seat.take", {"seat_index": 1}
    yield from (("seat.take", {"seat_index": "x"}), ("no.such", {}), ("seat.take", {}))


async def look_around(capture: Capture, caller: str) -> None:
    """Ask for what is no document, and for what is not there."""
    room = f"/v1/rooms/{ROOM}"
    for path in (
        *(f"{room}/media", "/livez", "/readyz", "/", "/metrics", "/v1/rooms", "/v1/push"),
        *(f"{room}/push", f"{room}/commands", f"{room}/receipts", f"{room}/audience"),
        *("/demo/users", "/openapi.yaml", "/v1/rooms/no-such-room/state"),
        *(f"{room}/entry?docs=", f"{room}/state?after=x", f"{room}/state?schema=0"),
        *(f"{room}/events?schema=0", f"{room}/%2e%2e/state", "/v1/rooms/%00/state"),
    ):
        await capture.ask(caller, "around", "GET", path)
    for method, path in (("DELETE", room), ("PATCH", f"{room}/state"), ("PUT", f"{room}/state")):
        await capture.ask(caller, "around", method, path)
    await capture.ask(caller, "around", "PUT", room, data=b"{")
    preflight = {"Origin": capture.node.url, "Access-Control-Request-Method": "GET"}
    await capture.ask(caller, "around", "OPTIONS", f"{room}/state", preflight)
    foreign = {"Origin": "https://foreign.example"}
    await capture.ask(caller, "around", "GET", f"{room}/state", foreign)
    if caller != "service":
        await capture.ask(caller, "around", "PUT", f"{room}/x-score", json={"word": "no"})
    if caller not in ("operator", "service"):
        await capture.ask(caller, "around", "PUT", room, json={})


async def do(capture: Capture, caller: str, cmd: str, **args: Any) -> dict[str, Any]:
    """Send a command that must succeed."""
    ack: dict[str, Any] = json.loads(await capture.command(caller, "ack", cmd, **args))
    assert ack.get("type") == "ack", (caller, cmd, ack)
    return ack
