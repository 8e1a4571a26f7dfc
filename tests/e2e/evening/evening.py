"""One evening in a room, from the first seat to the last, against real processes.

It speaks docs/PROTOCOL.md and imports nothing of the product. As a program it prints the
transcript: ``python tests/e2e/evening/evening.py``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from evening_acts_failures import ending, lost_gateway, lost_store
from evening_acts_opening import free_seats, opening
from evening_acts_order import order
from evening_acts_requests import admins, raised_hands
from evening_acts_voice import mutes
from evening_acts_writes import foreign_document, twice
from evening_director import Evening
from evening_stage import set_up

Acts = list[Callable[[Evening], Awaitable[None]]]

ACTS: Acts = [
    opening,
    free_seats,
    mutes,
    raised_hands,
    admins,
    twice,
    foreign_document,
    order,
    lost_gateway,
    lost_store,
    ending,
]
TITLE = "# A tour: one evening in a room"
INTRODUCTION = """
    Everything below happened: two gateways, A and B, on one Redis with a replica, spoken to over
    HTTP, WebSocket and Server-Sent Events, with nothing but [PROTOCOL.md](PROTOCOL.md). The test
    that wrote it down runs it again with every change, and fails when an answer differs. Rooms,
    seats and ranks: [DOMAIN.md](DOMAIN.md).

    How to read it: `dave → B  POST …` is what Dave sends to gateway B, and the line below is the
    answer. `pushed state <epoch-1>.5 (member) to …` is what everybody who listens gets, here in
    words: what is different from what they had. On the wire it is always the whole state. Ids,
    epochs and times differ from evening to evening; here they have names: p-1 is a stay on a seat,
    r-1 a request.

    Olga owns the room. Carol, Erin and Ivan come in at gateway A; Dave, Frank, Grace and Heidi at
    B. Everybody who sits has a connection. The viewer and the guest have no token.
"""


async def play_evening(folder: Path, acts: Acts = ACTS) -> str:
    """Play an evening, all of it unless told otherwise, and give its transcript."""
    timeout = aiohttp.ClientTimeout(total=30)
    identity = {"Accept-Encoding": "identity"}
    async with (
        set_up(folder) as stage,
        aiohttp.ClientSession(timeout=timeout, headers=identity) as http,
    ):
        play = Evening(stage, http)
        play.script.opening(TITLE, INTRODUCTION)
        try:
            for act in acts:
                await act(play)
        except BaseException as error:
            error.add_note("\n".join(play.script.text().splitlines()[-40:]))
            raise
        finally:
            await play.close()
        return play.script.text()


def main() -> None:
    """Print the transcript."""
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(asyncio.run(play_evening(Path(folder))))


if __name__ == "__main__":
    main()
