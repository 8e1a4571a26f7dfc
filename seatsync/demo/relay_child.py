"""The relay beside the demo: a process of its own, started again whenever it ends."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

log = logging.getLogger(__name__)

RESTART_S: Final = 1.0
LEAVE_S: Final = 3.0
USAGE_ERROR: Final = 2


class RelayRefused(Exception):
    """The relay can't run as it was told to; it said why on standard error."""


async def keep_relay(arguments: Sequence[str]) -> None:
    """Run ``seatsync relay`` until cancelled.

    The child reads our end of a pipe and leaves when it closes, so that it never outlives us, not
    even after ``kill -9``.

    Raises:
        RelayRefused: it was told something that it can't do; no use in trying again.
    """
    while True:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "seatsync", "relay", "--until-stdin-ends", *arguments, stdin=PIPE
        )
        try:
            status = await child.wait()
        finally:
            await _end(child)
        if status == USAGE_ERROR:
            raise RelayRefused
        log.warning("the relay ended and is started again", extra={"status": status})
        await asyncio.sleep(RESTART_S)


async def _end(child: Process) -> None:
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(LEAVE_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
