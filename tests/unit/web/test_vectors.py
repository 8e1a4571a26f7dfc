"""The cases that the JavaScript client is judged by hold for its Python twins too."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from room.position import Position
from room.reconcile import Reconciler
from sei.errors import BadPayload
from sei.wire.assembler import Assembler
from sei.wire.payload import StreamSnapshot, decode

VECTORS = Path(__file__).parents[2] / "vectors"


def cases(name: str) -> list[Any]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"]) for case in found]


@pytest.mark.parametrize("case", cases("reconcile.json"))
def test_reconciler_gives_the_verdict_of_each_step(case: dict[str, Any]) -> None:
    reconciler = Reconciler()
    for step in case["steps"]:
        verdict = reconciler.offer(
            step["doc"],
            Position(step["epoch"], step["version"]),
            step["view"],
            step["channel"],
            signed=step.get("signed", False),
        )
        assert verdict.value == step["verdict"], (case["rule"], step)


@pytest.mark.parametrize("case", cases("sei_payload.json"))
def test_payload_has_the_outcome_of_each_step(case: dict[str, Any]) -> None:
    assembler = Assembler()
    found: list[StreamSnapshot] = []
    for step in case["steps"]:
        outcome, snapshot = judge(assembler, base64.b64decode(step["body_base64"]))
        assert outcome == step["outcome"], case["rule"]
        found += [snapshot] if snapshot is not None else []
    assert [as_json(snapshot) for snapshot in found] == case["snapshots"]


def judge(assembler: Assembler, body: bytes) -> tuple[str, StreamSnapshot | None]:
    try:
        message = decode(body)
        if message is None:
            return "ignored", None
        if not message.crc_holds:
            return "crc_failed", None
        snapshot = assembler.offer(message)
    except BadPayload:
        return "malformed", None
    return ("piece" if snapshot is None else "snapshot"), snapshot


def as_json(snapshot: StreamSnapshot) -> dict[str, Any]:
    signature = snapshot.signature
    return {
        "room_tag": snapshot.room_tag,
        "epoch": snapshot.position.epoch,
        "version": snapshot.position.version,
        "ts": snapshot.ts_ms,
        "text": snapshot.body.decode(),
        "signature": f"{signature.key_id}:{signature.value}" if signature else None,
    }
