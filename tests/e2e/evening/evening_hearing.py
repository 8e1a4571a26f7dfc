"""What everybody heard since it was last written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import evening_words
from evening_ledger import position_of
from evening_listener import Listener, SocketListener
from evening_names import Names
from evening_transcript import Transcript


class Hearing:
    """Gathers what the listeners heard, checks it, and writes it down in one order."""

    def __init__(self, script: Transcript, names: Names) -> None:
        self.listeners: list[Listener] = []
        self._script = script
        self._names = names
        self._told: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, listener: Listener) -> None:
        """Take in one more."""
        self.listeners.append(listener)

    def live(self) -> list[Listener]:
        """Name those whose connection stands, in the order in which they came."""
        return [listener for listener in self.listeners if not listener.ended]

    def named(self, name: str) -> SocketListener:
        """Find a WebSocket that stands by the name of who listens."""
        (found,) = (one for one in self.live() if one.name == name)
        assert isinstance(found, SocketListener)
        return found

    def tell(self, due: Mapping[Listener, Sequence[str]]) -> None:
        """Write down what some listeners heard: of each document due one snapshot, no other."""
        heard = {listener: listener.unread for listener in due}
        for listener, docs in due.items():
            listener.unread = []
            got = [m["doc"] for m in heard[listener] if m["type"] == "snapshot"]
            assert sorted(got) == sorted(docs), (listener.name, got, docs)
        self._tell_messages(heard, first=True)
        self._tell_snapshots(heard)
        self._tell_messages(heard, first=False)

    def _tell_messages(
        self, heard: Mapping[Listener, list[dict[str, Any]]], *, first: bool
    ) -> None:
        """Write what comes before the snapshots, or what comes after them."""
        for listener, messages in heard.items():
            kinds = {message["type"] for message in messages}
            early = {"welcome", "policy"} if "welcome" in kinds else {"ack"}
            for message in messages:
                if (message["type"] in early) == first:
                    self._tell_message(listener, message)

    def _tell_snapshots(self, heard: Mapping[Listener, list[dict[str, Any]]]) -> None:
        """Write each snapshot once, with everybody who heard it."""
        groups: dict[tuple[str, str, int, int], list[tuple[Listener, dict[str, Any]]]] = {}
        for listener, messages in heard.items():
            for snapshot in (m for m in messages if m["type"] == "snapshot"):
                key = (snapshot["doc"], snapshot["view"], *position_of(snapshot))
                groups.setdefault(key, []).append((listener, snapshot))
        for doc, view, *position in sorted(groups, key=_order):
            group = groups[doc, view, position[0], position[1]]
            who = ", ".join(f"{listener.name}·{listener.node}" for listener, _ in group)
            place = self._names.position(position[0], position[1])
            self._script.line(f"pushed {doc} {place} ({view}) to {who}", 1)
            twin = (doc, "member", position[0], position[1])
            for line in self._news(group[0][1], brief=view == "anonymous" and twin in groups):
                self._script.exact(line, 2)

    def _news(self, snapshot: dict[str, Any], *, brief: bool) -> list[str]:
        """Say what is new; where the member view stands beside the anonymous one, once."""
        key = (snapshot["doc"], snapshot["view"])
        before = self._told.get(key)
        self._told[key] = snapshot
        if before == snapshot or brief:
            return []
        if before is None and snapshot["doc"] == "state":
            return evening_words.whole(snapshot, self._names)
        return evening_words.changes(before or {}, snapshot, self._names)

    def _tell_message(self, listener: Listener, message: dict[str, Any]) -> None:
        match message:
            case {"type": "snapshot"}:
                return
            case {"type": "welcome"}:
                words = f"schema {message['schema']}, ping_ms {message['ping_ms']}"
            case {"type": "policy"}:
                words = self._policy(listener, message)
            case {"type": "request"}:
                words = self._names.json(message["request"])
            case _:
                shown = {
                    key: item for key, item in message.items() if key not in ("type", "message")
                }
                words = self._names.json(shown)
        who = f"{listener.name}·{listener.node}"
        text = f"{who} hears {message['type']}: {words}"
        (self._script.line if message["type"] == "policy" else self._script.exact)(text, 1)

    def _policy(self, listener: Listener, policy: dict[str, Any]) -> str:
        """Say what came and went; a policy that says nothing new is not to be sent."""
        before, commands = listener.commands, policy["commands"]
        listener.commands = commands
        if before is None:
            return f"as {policy['view']}: {' '.join(commands) or 'nothing may be sent'}"
        news = [f"+{name}" for name in commands if name not in before]
        news += [f"-{name}" for name in before if name not in commands]
        assert news or listener.has_subscribed, f"{listener.name} was told the same policy again"
        return " ".join(news) or "the same as before"


def _order(key: tuple[str, str, int, int]) -> tuple[bool, str, bool, int, int]:
    """State first, the fuller view first."""
    doc, view, epoch, version = key
    return doc != "state", doc, view == "anonymous", epoch, version
