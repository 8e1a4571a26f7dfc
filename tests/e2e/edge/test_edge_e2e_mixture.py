"""One kept connection, as a proxy's, with the requests of many: each gets its own answer (F38)."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from tests.e2e.edge.edge_kit import HURRY, PATIENCE_S, Server, next_answer, served
from tests.e2e.edge.edge_mixture import ROOMS, Dice, Request
from tests.e2e.gateway.gateway_kit import OWNER

LENGTH = 30
MIXTURES = 60


def mixture(seed: int) -> tuple[list[Request], list[bytes]]:
    """Give requests, and their bytes in pieces that are cut anywhere."""
    rng = random.Random(seed)
    dice = Dice(rng)
    requests = [dice.throw(last=number == LENGTH - 1) for number in range(LENGTH)]
    raw = b"".join(request.raw for request in requests)
    cuts = sorted(rng.randrange(len(raw)) for _ in range(rng.choice((0, 1, 8, 60))))
    return requests, [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


async def send(writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
    """Send piece by piece; the server may have ended the connection meanwhile."""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
    except ConnectionError:
        assert writer.transport.is_closing()


async def play(server: Server, seed: int) -> None:
    """Send one mixture and judge the answers one by one; nothing may come behind the last."""
    requests, pieces = mixture(seed)
    reader, writer = await asyncio.open_connection(*server.address, limit=1 << 20)
    sending = asyncio.create_task(send(writer, pieces))
    try:
        async with asyncio.timeout(PATIENCE_S):
            for number, request in enumerate(requests):
                try:
                    request.judge(await next_answer(reader, request.method))
                except (AssertionError, asyncio.IncompleteReadError) as error:
                    names = [one.name for one in requests[: number + 1]]
                    raise AssertionError(f"seed {seed}, {number}: {names}") from error
                if request.ends:
                    break
            assert await read_to_the_end(reader) == b"", f"seed {seed}: something behind the end"
    finally:
        await sending
        writer.transport.abort()


async def read_to_the_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def ready(server: Server) -> None:
    for room in ROOMS:
        await server.node.live(room)
        await server.node.do("sam", "seat.take", room, seat_index=1)


async def test_every_answer_is_that_of_its_request(start: Any) -> None:
    async with served(start, *HURRY) as server:
        await ready(server)
        for seed in range(MIXTURES):
            await play(server, seed)
        assert (await server.node.poll(ROOMS[0], user=OWNER)).json["view"] == "member"
    entries = server.program.log.read_text()
    assert '"level": "error"' not in entries


async def test_connections_side_by_side_do_not_mix_either(start: Any) -> None:
    async with served(start, *HURRY) as server:
        await ready(server)
        await asyncio.gather(*(play(server, 10_000 + seed) for seed in range(MIXTURES)))


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_every_answer_of_3000_mixtures_is_that_of_its_request(start: Any) -> None:
    async with served(start, *HURRY) as server:
        await ready(server)
        seeds = iter(range(20_000, 23_000))
        for some in iter(lambda: [seed for _, seed in zip(range(20), seeds, strict=False)], []):
            await asyncio.gather(*(play(server, seed) for seed in some))
