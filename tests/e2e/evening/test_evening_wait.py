"""A poll that waits is answered by what happens at the other gateway too (PROTOCOL.md 4)."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from evening import play_evening
from evening_acts_opening import opening
from evening_director import Evening
from evening_http import ROOT
from evening_ledger import position_of

WAIT_S = 5


async def waiting_poll(play: Evening) -> None:
    """Let a poll wait at B for what is about to happen at A."""
    cast = play.cast
    epoch, version = play.at["state"]
    path = f"{ROOT}/state?after={epoch}.{version}&wait={WAIT_S}"
    asking = asyncio.create_task(play.ask(cast.viewer, "GET", path, node="B"))
    try:
        done, _ = await asyncio.wait({asking}, timeout=1)
        assert not done, "it waits"
        await play.does(cast.olga, "seat.take", seat_index=0)
        answer = await asking
    finally:
        asking.cancel()
    play.check(answer, 200)
    play.check_poll(cast.viewer, answer)
    assert position_of(answer.json) == play.at["state"]


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server")
async def test_a_poll_that_waits_is_answered_when_the_other_gateway_commits(
    tmp_path: Path,
) -> None:
    await play_evening(tmp_path, [opening, waiting_poll])
