"""A real gateway with rooms in every state, and callers of every kind, for generated requests."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests
import yaml

from gateway.config import Bounds, Stream
from gateway.keys import KeyFile
from gateway.server import clock_ms
from sei.wire.keys import PublicKey, public_part, write_key_set
from store.memory import MemoryStore
from tests.e2e.gateway.gateway_kit import running_node, token

PUBLISHED: Final = Path(__file__).parents[3] / "docs" / "openapi.yaml"

CALLERS: Final[dict[str, dict[str, Any] | None]] = {
    "owner": {"user": "olga", "nickname": "Olga", "avatar": "face/1"},
    "member": {"user": "mona", "nickname": "Mona", "avatar": "face/2"},
    "operator": {"user": "oper", "kind": "staff", "roles": ["operator"]},
    "service": {"user": "scores", "kind": "service", "docs": ["*"]},
    "anonymous": None,
}
PEOPLE: Final = ("olga", "mona", "adam", "seth", "zoe")
STREAMS: Final = (Stream("flv", "http://video.example/{room}.flv", width=1280, height=720),)

_numbers: Final = itertools.count()


def read_yaml(text: str) -> Any:
    """Read YAML by the loader in C, which is quick enough to be asked often."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def published() -> dict[str, Any]:
    """Read the document that the repository publishes."""
    document: dict[str, Any] = read_yaml(PUBLISHED.read_text())
    return document


def strict() -> dict[str, Any]:
    """Give the published document, closed: what it does not name may not be in an answer."""
    document = published()
    schemas = document["components"]["schemas"]
    sent = {"NewRoom", "Command", "ProblemDetails"}
    for name, schema in schemas.items():
        if name in sent or "." in name or schema.get("type", "object") != "object":
            continue
        closed = "unevaluatedProperties" if "allOf" in schema else "additionalProperties"
        schema[closed] = False
    return document


class Stage:
    """A gateway on a loop of its own, and a plain client for what tests prepare."""

    def __init__(self, url: str) -> None:
        self.url: Final = url
        self._session = requests.Session()
        self._read_only: str | None = None

    def headers(self, caller: str) -> dict[str, str]:
        """Give what a caller sends of themselves."""
        claims = CALLERS[caller]
        return {} if claims is None else {"Authorization": f"Bearer {token(**claims)}"}

    def room_for(self, label: str) -> str:
        """Give the room that is only read, or one that an operation may change."""
        if not label.startswith("GET "):
            return self.room()
        if self._read_only is None:
            self._read_only = self.room()
        return self._read_only

    def room(self) -> str:
        """Prepare a room: a live session, people on seats, a queue, an invite, a document."""
        room = f"stage-{next(_numbers)}"
        self._send("PUT", f"/v1/rooms/{room}", "olga", {})
        self._do(room, "olga", "session.start", seat_mode="apply", seat_count=6)
        self._do(room, "olga", "role.grant", user_id="adam", role="admin")
        for user in ("olga", "adam"):
            self._do(room, user, "seat.take", seat_index=0 if user == "olga" else 1)
        self._do(room, "seth", "request.apply")
        self._do(room, "olga", "invite.send", user_id="zoe", seat_index=3)
        body = {"round": 3}
        self._send("PUT", f"/v1/rooms/{room}/x-score", "s", body, kind="service", docs=["*"])
        return room

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def _do(self, room: str, user: str, cmd: str, **args: Any) -> None:
        body = {"cmd": cmd, "cmd_id": f"stage-{next(_numbers)}", "args": args}
        self._send("POST", f"/v1/rooms/{room}/commands", user, body)

    def _send(self, method: str, path: str, user: str, body: Any, **claims: Any) -> None:
        bearer = {"Authorization": f"Bearer {token(user, **claims)}"}
        answer = self._session.request(
            method, self.url + path, json=body, headers=bearer, timeout=10
        )
        assert answer.status_code in (200, 201), answer.text


@contextmanager
def running_stage() -> Iterator[Stage]:
    """Run a gateway beside the test, whose client is synchronous; both end together."""
    ready: list[str] = []
    started, ended = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    async def serve() -> None:
        store = MemoryStore(clock_ms)
        bounds = Bounds(user_commands=None, room_commands=None)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "keys.json"
            path.write_bytes(write_key_set([PublicKey("k1", b"\x02" * 32)]))
            keys = KeyFile(path, public_part)
            settings = {"bounds": bounds, "streams": STREAMS, "sei_keys": keys}
            async with running_node(store, **settings) as node:
                ready.append(node.url)
                started.set()
                await asyncio.to_thread(ended.wait)

    def run(work: Coroutine[Any, Any, None]) -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            failures.append(error)
            started.set()

    thread = threading.Thread(target=run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(30), "the gateway does not start"
        if failures:
            raise failures[0]
        stage = Stage(ready[0])
        yield stage
        stage.close()
    finally:
        ended.set()
        thread.join(30)
    if failures:
        raise failures[0]
