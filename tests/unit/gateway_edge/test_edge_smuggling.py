"""No request hides in another: a corpus over real sockets, with a reader that must be caught."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from gateway.config import Address
from tests.unit.gateway_edge.edge_door_samples import (
    Recorder,
    aiohttp_app,
    calling,
    lend_nothing,
    make_house,
    on_uvloop,
    open_house,
    statuses,
)
from tests.unit.gateway_edge.lenient_reader import LenientReader
from tests.unit.gateway_edge.smuggling_corpus import CANARY, CASES, Case, Seen

AFTER = Seen("GET", "/canary")
MUST_BE_CAUGHT = {
    "length hides a request from who reads chunks",
    "two lengths that hide a request",
    "a length with a point",
    "lines that end in LF",
    "an LF that hides a length",
    "a blank before the colon of the coding",
    "an upgrade with a request behind it",
    "no host",
    "HTTP/9.9",
}


async def ask(address: Address, raw: bytes) -> bytes:
    """Send a case and the canary in one piece; read to the end, which a server may leave open."""
    async with calling(address) as client:
        client.send(raw + CANARY)
        async with asyncio.timeout(5):
            return await client.rest()


def faults(case: Case, seen: list[Seen], answers: bytes) -> list[str]:
    """Say what a server did that it must not."""
    expected = [] if case.seen is None else [case.seen]
    if not case.ends:
        expected.append(AFTER)
    found = []
    if [(one.method, one.path, one.body) for one in seen] != expected:
        found.append(f"served {seen}, not {expected}")
    try:
        given = statuses(answers)
    except (AssertionError, ValueError) as error:
        return [*found, f"answers that are none: {error}"]
    due = [200] * len(expected) if case.seen is not None else [case.status]
    if given != due:
        found.append(f"answered {given}, not {due}")
    return found


def test_corpus_has_many_cases_of_different_names() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.name for case in CASES} >= MUST_BE_CAUGHT


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@on_uvloop
async def test_what_the_door_answers_is_one_request_or_none(case: Case) -> None:
    recorder = Recorder()
    async with open_house(make_house(recorder.route)) as address:
        answers = await ask(address, case.raw)
    assert faults(case, recorder.seen, answers) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@on_uvloop
async def test_what_the_door_lends_is_one_request_or_none(case: Case) -> None:
    recorder = Recorder()
    async with (
        aiohttp_app(recorder.handle) as lend,
        open_house(make_house(lend_nothing, lend)) as address,
    ):
        answers = await ask(address, case.raw)
    assert faults(case, recorder.seen, answers) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@on_uvloop
async def test_bytes_that_come_one_by_one_are_read_the_same(case: Case) -> None:
    if len(case.raw) > 1000:
        pytest.skip("the long ones are about their length")
    recorder = Recorder()
    house = make_house(recorder.route)
    async with open_house(house) as address, calling(address) as client:
        sent = case.raw + CANARY
        for at in range(len(sent)):
            client.send(sent[at : at + 1])
            await asyncio.sleep(0)
        answers = await client.rest()
    assert faults(case, recorder.seen, answers) == []


@on_uvloop
async def test_a_lenient_reader_is_caught_by_the_same_checks() -> None:
    """Otherwise the tests above prove nothing."""
    caught = set()
    for case in CASES:
        seen: list[Seen] = []
        async with await serve(partial(LenientReader, seen)) as server:
            port = server.sockets[0].getsockname()[1]
            async with calling(Address("127.0.0.1", port)) as client:
                client.send(case.raw + CANARY)
                client.send_no_more()  # it would wait for more than there is
                answers = await client.rest()
        if any(fault.startswith("served") for fault in faults(case, seen, answers)):
            caught.add(case.name)
    assert caught >= MUST_BE_CAUGHT, MUST_BE_CAUGHT - caught
    assert len(caught) >= len(CASES) // 2


async def serve(factory: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
