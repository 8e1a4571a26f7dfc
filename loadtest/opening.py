"""Open the rooms of a run: each is made and goes live unless it is so already."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

TIMEOUT_S = 30


class NotOpened(Exception):
    """A room can't be made, or not started."""


def open_rooms(host: str, token: str, rooms: Iterable[str]) -> None:
    """Open all of them.

    Args:
        host: where the server is, ``http://HOST:PORT``.
        token: of who is or becomes the owner.
        rooms: their ids.

    Raises:
        NotOpened: the server refused, and the room is not live already.
    """
    for room in rooms:
        _send("PUT", f"{host}/v1/rooms/{room}", token, {})
        start = {"cmd": "session.start", "cmd_id": uuid4().hex}
        _send("POST", f"{host}/v1/rooms/{room}/commands", token, start)


def _send(method: str, url: str, token: str, body: dict[str, str]) -> None:
    request = Request(  # noqa: S310 - the server that was named on the command line
        url,
        method=method,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - as above
            response.read()
    except HTTPError as error:
        with error:
            answer = error.read()
        if b"SESSION_ALREADY_LIVE" not in answer:
            raise NotOpened(f"{method} {url}: {answer.decode(errors='replace')}") from error
