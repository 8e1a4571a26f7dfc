"""HTTP as anybody speaks it: requests, answers, and both written down."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
from evening_cast import Person
from evening_ledger import Ledger, position_of
from evening_names import Names
from evening_stage import Stage
from evening_transcript import Transcript

ROOM = "lounge"
ROOT = f"/v1/rooms/{ROOM}"
TOLD_OF_A_PROBLEM = ("code", "retryable", "retry_after_ms", "epoch", "version")


class Answer(NamedTuple):
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Read the body."""
        return json.loads(self.body)


class Line:
    """The way to the gateways; each request and answer goes into the transcript."""

    def __init__(self, stage: Stage, http: aiohttp.ClientSession) -> None:
        self.stage = stage
        self.http = http
        self.names = Names()
        self.ledger = Ledger()
        self.script = Transcript()

    async def ask(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        node: str = "",
    ) -> Answer:
        """Send a request and give its answer; nothing is written down."""
        url = self.stage.urls[node or person.node] + path
        every = {**person.headers(), **(headers or {})}
        async with self.http.request(method, url, json=body, headers=every) as response:
            return Answer(response.status, response.headers, await response.read())

    def tell_request(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        node: str = "",
    ) -> None:
        """Write down who asks what."""
        user_id = self.names.text(person.user_id)
        self.script.gap()
        words = [f"{user_id} → {node or person.node}", method, self.names.text(path)]
        words += [f"{name}: {self.names.text(value)}" for name, value in (headers or {}).items()]
        words += [] if body is None else [self.names.json(body)]
        self.script.exact("  ".join(words))

    def tell_answer(self, answer: Answer, *headers: str) -> None:
        """Write down an answer; of a problem, what the protocol names."""
        words = [str(answer.status)]
        words += [f"{name}: {self.names.text(answer.headers[name])}" for name in headers]
        body: Any = answer.json if answer.body else None
        match body:
            case {"type": "snapshot"}:
                words.append(self.tell_position(body))
            case {"code": str()} if answer.status >= 400:
                told = {key: body[key] for key in TOLD_OF_A_PROBLEM if key in body}
                words.append(self.names.json(told))
            case None:
                words.append("(no body)")
            case _:
                words.append(self.names.json(body))
        self.script.exact("  ".join(words), 1)

    def tell_position(self, snapshot: dict[str, Any]) -> str:
        """Name a snapshot by document, position and view."""
        position = self.names.position(*position_of(snapshot))
        return f"{snapshot['doc']} {position} ({snapshot['view']})"

    async def asks(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        expect: int,
        code: str = "",
        show: tuple[str, ...] = (),
        node: str = "",
    ) -> Answer:
        """Send a request whose status must be as expected, and write both down."""
        self.tell_request(person, method, path, body, headers, node)
        answer = await self.ask(person, method, path, body, headers, node)
        self.check(answer, expect, code)
        self.tell_answer(answer, *show)
        return answer

    def check(self, answer: Answer, status: int, code: str = "") -> None:
        """Hold an answer to its status, and a problem to its form (PROTOCOL.md 3)."""
        assert answer.status == status, (answer.status, answer.body)
        if status >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
            problem = answer.json
            assert problem["code"] == code, problem
            assert isinstance(problem["retryable"], bool)

    async def polls(
        self,
        person: Person,
        doc: str = "state",
        query: str = "",
        *,
        expect: int = 200,
        code: str = "",
        have: str = "",
        show: tuple[str, ...] = (),
        node: str = "",
    ) -> Answer:
        """Poll a document; ``have`` is an ETag that the caller holds."""
        headers = {"If-None-Match": have} if have else {}
        answer = await self.asks(
            person,
            "GET",
            f"{ROOT}/{doc}{query}",
            headers=headers,
            expect=expect,
            code=code,
            show=show,
            node=node,
        )
        self.check_poll(person, answer)
        return answer

    def check_poll(self, person: Person, answer: Answer) -> None:
        """Hold the headers of a poll to PROTOCOL.md 4."""
        status, headers, body = answer
        if status >= 400 or status == 204:
            assert headers["Cache-Control"] == "no-store"
            return
        public = "public, max-age=1, stale-while-revalidate=4"
        tail = "-m" if headers["ETag"].endswith('-m"') else ""
        assert headers["Cache-Control"] == ("private, no-cache" if tail else public)
        assert headers["Vary"] == "Authorization, Accept-Encoding"
        if status == 304:
            assert body == b""
            return
        snapshot = self.ledger.check(body)
        assert (snapshot["view"] == "member") is bool(tail), headers["ETag"]
        assert not (tail and person.is_anonymous), "strangers get the anonymous view"
        assert headers["ETag"] == '"{}.{}{}"'.format(*position_of(snapshot), tail)
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        assert headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert headers["Cache-Status"].startswith("seatsync; ")
        assert int(headers["Seatsync-Poll-Ms"]) > 0
