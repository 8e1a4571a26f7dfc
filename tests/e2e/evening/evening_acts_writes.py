"""Acts 6 and 7: the same command twice, and a document of another service."""

from __future__ import annotations

from typing import Any

from evening_director import NOTHING, Evening
from evening_http import ROOT
from evening_ledger import position_of


async def twice(play: Evening) -> None:
    """Act 6."""
    cast = play.cast
    play.script.act(
        "6. Say it twice",
        """
        A phone that lost the answer sends the command again, with the same id: it gets the first
        answer again, from either gateway, and nothing happens a second time. The same id with other
        content is a mistake and is called one. Whoever wants a command to count only for what they
        see says so with if_version.
        """,
    )
    take: dict[str, Any] = {"cmd_id": "grace-takes", "seat_index": 7}
    first = await play.does(cast.grace, "seat.take", **take)
    await play.does(cast.erin, "mic.set", on=False)
    for node in ("B", "A"):
        body = {"cmd": "seat.take", "cmd_id": "grace-takes", "args": {"seat_index": 7}}
        again = await play.asks(cast.grace, "POST", f"{ROOT}/commands", body, expect=200, node=node)
        assert again.json == first, "the first ack, though the room has moved on"
        await play.hear(NOTHING)
    other: dict[str, Any] = {"cmd_id": "grace-takes", "seat_index": 4}
    await play.refused(cast.grace, 422, "IDEMPOTENCY_KEY_REUSED", "seat.take", **other)
    await by_header(play)
    epoch, version = play.at["state"]
    stale = f"{epoch}.{version - 1}"
    problem = await play.refused(
        cast.olga, 412, "VERSION_MISMATCH", "seat.lock", if_version=stale, seat_index=7
    )
    assert position_of(problem) == play.at["state"], "where things stand"


async def by_header(play: Evening) -> None:
    """Send the id as a header."""
    path, grace = f"{ROOT}/commands", play.cast.grace
    headers = {"Idempotency-Key": "grace-leaves"}
    body = {"cmd": "seat.leave", "args": {}}
    answer = await play.asks(grace, "POST", path, body, headers, expect=200)
    play.check_ack(answer.json, "grace-leaves", ("state",))
    await play.hear(("state",))
    differ = {**body, "cmd_id": "another"}
    await play.asks(grace, "POST", path, differ, headers, expect=400, code="INVALID_ARGUMENT")
    await play.asks(grace, "POST", path, body, expect=400, code="INVALID_ARGUMENT")


async def foreign_document(play: Evening) -> None:
    """Act 7."""
    cast = play.cast
    play.script.act(
        "7. Another service joins in",
        """
        A score, a poll, a playlist: another service may keep a document of its own in the room. It
        is an object of JSON that seatsync does not look into; it travels like everything else, with
        a version of its own. If-Match keeps two writers from overwriting each other.
        """,
    )
    first = {"red": 0, "blue": 0}
    await play.polls(cast.viewer, "x-score", expect=404, code="DOC_NOT_FOUND")
    await play.asks(cast.olga, "PUT", f"{ROOT}/x-score", first, expect=403, code="FORBIDDEN")
    await play.asks(cast.score, "PUT", f"{ROOT}/x-other", first, expect=403, code="FORBIDDEN")
    await play.sets(cast.score, "x-score", first)
    await play.sets(cast.score, "x-score", first, changed=False)
    position = '"{}.{}"'.format(*play.at["x-score"])
    await play.sets(cast.score, "x-score", {"red": 1, "blue": 0}, if_match=position)
    headers = {"If-Match": position}
    late = {"red": 0, "blue": 1}
    await play.asks(
        cast.score,
        "PUT",
        f"{ROOT}/x-score",
        late,
        headers,
        expect=412,
        code="VERSION_MISMATCH",
    )
    seen = await play.polls(cast.viewer, "x-score", show=("ETag",))
    assert seen.json["data"] == {"red": 1, "blue": 0}
    play.script.verbatim([play.names.json(seen.json)], 2)
    same = await play.polls(cast.erin, "x-score", show=("ETag",))
    assert same.body == seen.body, "an x- document has one view"
