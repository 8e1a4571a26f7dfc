"""The cases of ``tests/vectors/reconcile.json``, which the JavaScript client runs too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from room.position import Position
from room.reconcile import Reconciler

VECTORS = Path(__file__).parents[2] / "vectors" / "reconcile.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text()) if VECTORS.exists() else []


@pytest.mark.skipif(not VECTORS.exists(), reason="tests/vectors/reconcile.json is not there")
def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_reconciler_gives_the_verdicts_of_the_vectors(case: dict[str, Any]) -> None:
    reconciler = Reconciler()
    for number, step in enumerate(case["steps"]):
        verdict = reconciler.offer(
            step["doc"],
            Position(step["epoch"], step["version"]),
            step["view"],
            step["channel"],
            signed=step.get("signed", False),
        )
        assert verdict == step["verdict"], f"{case['rule']}: step {number}"
