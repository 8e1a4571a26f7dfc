"""The evening as a whole: commands, who must hear what of them, and where every document stands."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import aiohttp
from evening_cast import Cast, Person
from evening_hearing import Hearing
from evening_http import ROOT, Line
from evening_ledger import Position, position_of
from evening_listener import EventListener, Listener, SocketListener
from evening_stage import Stage

STATE = ("state",)
REQUESTS = ("requests",)
BOTH = ("state", "requests")
NOTHING: tuple[str, ...] = ()

Told = Mapping[SocketListener, str | None]
"""Who gets a ``request`` message, and with which outcome."""


class Evening(Line):
    """Sends commands, holds every answer to the contract, and waits until all have heard."""

    def __init__(self, stage: Stage, http: aiohttp.ClientSession) -> None:
        super().__init__(stage, http)
        self.cast = Cast()
        self.hearing = Hearing(self.script, self.names)
        self.at: dict[str, Position] = {}

    # Commands

    async def does(
        self,
        person: Person,
        cmd: str,
        /,
        *,
        changes: Collection[str] = STATE,
        told: Told | None = None,
        cmd_id: str = "",
        node: str = "",
        **args: Any,
    ) -> dict[str, Any]:
        """Send a command that must succeed, and wait until everybody has heard of it.

        Args:
            person: who sends it.
            cmd: its name.
            changes: the documents whose version must rise by one.
            told: who must get a ``request`` message, and with which outcome.
            cmd_id: unless given, a new one.
            node: the gateway, where it is not the person's own.
            args: its arguments.
        """
        cmd_id = cmd_id or person.fresh_id()
        body = {"cmd": cmd, "cmd_id": cmd_id, "args": args}
        answer = await self.asks(person, "POST", f"{ROOT}/commands", body, expect=200, node=node)
        ack: dict[str, Any] = answer.json
        self.check_ack(ack, cmd_id, changes)
        await self.hear(changes, told)
        return ack

    def check_ack(self, ack: dict[str, Any], cmd_id: str, changes: Collection[str]) -> None:
        """Hold an ack to PROTOCOL.md 5; each changed document has a version one higher."""
        assert (ack["type"], ack["cmd_id"]) == ("ack", cmd_id), ack
        assert ack["changed"] is bool(changes), ack
        assert isinstance(ack["result"], dict), ack
        others = {doc for doc in changes if doc != "state"}
        assert set(ack.get("positions") or {}) == others, ack
        self._move("state", position_of(ack), by=int("state" in changes))
        for doc, text in (ack.get("positions") or {}).items():
            epoch, _, version = text.partition(".")
            self._move(doc, (int(epoch), int(version)), by=1)

    def _move(self, doc: str, position: Position, by: int) -> None:
        epoch, version = self.at.get(doc, (position[0], position[1] - by))
        assert position == (epoch, version + by), (doc, position, self.at)
        self.at[doc] = position

    async def refused(
        self,
        person: Person,
        status: int,
        code: str,
        cmd: str,
        /,
        *,
        cmd_id: str = "",
        if_version: str = "",
        headers: Mapping[str, str] | None = None,
        node: str = "",
        **args: Any,
    ) -> dict[str, Any]:
        """Send a command that must be refused; nobody hears of it, no version rises."""
        body: dict[str, Any] = {"cmd": cmd, "cmd_id": cmd_id or person.fresh_id(), "args": args}
        if if_version:
            body["if_version"] = if_version
        answer = await self.asks(
            person,
            "POST",
            f"{ROOT}/commands",
            body,
            headers,
            expect=status,
            code=code,
            node=node,
        )
        await self.hear(NOTHING)
        problem: dict[str, Any] = answer.json
        return problem

    async def sets(
        self,
        service: Person,
        doc: str,
        value: Any,
        *,
        if_match: str = "",
        changed: bool = True,
    ) -> None:
        """Let a service set its document, and wait until everybody has heard of it."""
        headers = {"If-Match": if_match} if if_match else {}
        answer = await self.asks(service, "PUT", f"{ROOT}/{doc}", value, headers, expect=200)
        set_ = answer.json
        assert set_["changed"] is changed, set_
        self._move(doc, position_of(set_), by=int(changed))
        assert self.at[doc][0] == self.at["state"][0], "one epoch a room"
        await self.hear([doc] if changed else NOTHING)

    # Listening

    async def listens(
        self,
        person: Person,
        device: str = "",
        docs: tuple[str, ...] = STATE,
        *,
        have: Mapping[str, str] | None = None,
        node: str = "",
    ) -> SocketListener:
        """Connect by WebSocket, and hear what stands there."""
        listener = SocketListener(
            f"{person.user_id}{device}", node or person.node, docs, self.ledger
        )
        query = f"?docs={','.join(docs)}"
        if have is not None:
            query += "&have=" + ",".join(f"{doc}:{position}" for doc, position in have.items())
        self.tell_request(person, "WebSocket", f"{ROOT}/push{query}", node=listener.node)
        listener.socket = await self.http.ws_connect(
            self.stage.urls[listener.node] + f"{ROOT}/push{query}",
            headers=person.headers(),
            protocols=("seatsync.v1",),
        )
        assert listener.socket.protocol == "seatsync.v1"
        listener.read(listener.read_socket())
        await self._welcome(listener, have or {})
        return listener

    async def listens_to_events(
        self,
        person: Person,
        docs: tuple[str, ...] = STATE,
        *,
        back: EventListener | None = None,
        node: str = "",
    ) -> EventListener:
        """Connect by Server-Sent Events, for the first time or to come back."""
        listener = EventListener(person.user_id, node or person.node, docs, self.ledger)
        have = {} if back is None else back.have()
        last_event_id = "" if back is None else back.last_event_id
        ids = set(filter(None, last_event_id.split(",")))
        assert ids == {f"{doc}:{position}" for doc, position in have.items()}, last_event_id
        path = f"{ROOT}/events?docs={','.join(docs)}"
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self.tell_request(person, "GET", path, None, headers, listener.node)
        listener.response = await self.http.get(
            self.stage.urls[listener.node] + path,
            headers={**person.headers(), **headers},
            timeout=aiohttp.ClientTimeout(),
        )
        assert listener.response.content_type == "text/event-stream"
        listener.read(listener.read_events())
        await self._welcome(listener, have)
        return listener

    async def _welcome(self, listener: Listener, have: Mapping[str, str]) -> None:
        """See that a welcome comes first, then the policy, then what ``have`` does not cover."""
        self.hearing.add(listener)
        missed = [
            doc
            for doc in listener.docs
            if doc in self.at and have.get(doc) != "{}.{}".format(*self.at[doc])
        ]
        for doc in missed:
            await listener.until_at(doc, self.at[doc])
        await listener.until("a welcome and a policy", lambda: len(listener.unread) >= 2)
        await listener.settle()
        kinds = [message["type"] for message in listener.unread]
        assert kinds[:2] == ["welcome", "policy"], kinds
        welcome = listener.unread[0]
        assert {"conn_id", "schema", "ping_ms", "server_ts"} <= set(welcome), welcome
        for doc in set(listener.held) - set(self.at):
            self.at[doc] = position_of(listener.held[doc])
        missed += [doc for doc in listener.held if doc not in missed]
        self.hearing.tell({listener: missed})

    async def hear(self, changes: Collection[str], told: Told | None = None) -> None:
        """Wait until each listener has heard of each change, once, and write it down."""
        live = self.hearing.live()
        for listener in live:
            for doc in changes:
                if doc in listener.docs:
                    await listener.until_at(doc, self.at[doc])
        for listener, outcome in (told or {}).items():
            await listener.until_heard(
                f"a request message with the outcome {outcome}", partial(_ends, outcome)
            )
        await asyncio.gather(*(listener.settle() for listener in live))
        self.hearing.tell(
            {listener: [doc for doc in changes if doc in listener.docs] for listener in live}
        )

    async def close(self) -> None:
        """Let everybody leave."""
        for listener in self.hearing.listeners:
            await listener.close()


def _ends(outcome: str | None, message: dict[str, Any]) -> bool:
    """Tell whether a message says of a request that it ended so; None: that it waits."""
    return bool(message["type"] == "request" and message["request"].get("outcome") == outcome)
