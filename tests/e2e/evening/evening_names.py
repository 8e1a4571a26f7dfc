"""Stable names for what differs from run to run: epochs, ids, times, ports."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

ID_KEYS = {
    "participation_id": "p",
    "request_id": "r",
    "session_id": "s",
    "conn_id": "conn",
}
TIME_KEYS = {"ts", "since", "started_at", "created_at", "expires_at", "server_ts"}
POSITION = re.compile(r"\b(\d{12,16})\.(\d+)\b")
PLACEHOLDER = re.compile(r'"(<[a-z]+(?:-\d+)?>)"')


class Names:
    """Calls the same thing by the same name in every run, in the order of first appearance."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[Any, str]] = defaultdict(dict)
        self._epochs: list[int] = []
        self._words: dict[str, str] = {}

    def call(self, word: str, name: str) -> None:
        """Name a person whom chance has chosen."""
        self._words[word] = name

    def epoch(self, epoch: int) -> str:
        """Name an epoch: the first that was seen is ``<epoch-1>``."""
        if epoch not in self._epochs:
            assert not self._epochs or epoch > max(self._epochs), "epochs only rise"
            self._epochs.append(epoch)
        return f"<epoch-{self._epochs.index(epoch) + 1}>"

    def position(self, epoch: int, version: int) -> str:
        """Write a position."""
        return f"{self.epoch(epoch)}.{version}"

    def text(self, text: str) -> str:
        """Replace every position inside a text, and every word that chance has chosen."""
        text = POSITION.sub(lambda found: self.position(int(found[1]), int(found[2])), text)
        return self._words.get(text, text)

    def show(self, value: Any, key: str = "") -> Any:
        """Replace whatever differs inside a JSON value."""
        match value:
            case dict():
                return {name: self.show(item, name) for name, item in value.items()}
            case list():
                return [self.show(item, key) for item in value]
            case str() if key in ID_KEYS:
                known = self._ids[key]
                return known.setdefault(value, f"{ID_KEYS[key]}-{len(known) + 1}")
            case str():
                return self.text(value)
            case int() if key == "epoch":
                return self.epoch(value)
            case int() if key in TIME_KEYS:
                return "<time>"
            case int() if key == "retry_after_ms":
                return "<ms>"
        return value

    def json(self, value: Any) -> str:
        """Write a JSON value on one line; a placeholder of a number stands without quotes."""
        text = json.dumps(self.show(value), separators=(",", ":"), ensure_ascii=False)
        return PLACEHOLDER.sub(r"\1", text)
