"""Signed messages: what the client believes, and how it has the keys."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import aiohttp
import pytest
from aiohttp import web
from client_fake_gateway import (
    EPOCH,
    FakeGateway,
    Handler,
    portal,
    problem,
    snapshot_body,
    wait_until,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from test_client_sei import live, media, tag
from yarl import URL

from room.errors import InvalidArgument
from room.position import Position
from room.reconcile import Verdict
from seatsync import Room
from seatsync.cli.watch import line
from seatsync.follower import Follower
from seatsync.sources.keys import StreamKeys
from seatsync.sources.sei import SeiSource
from seatsync.sources.source import Arrival, read_arrival
from sei.wire.keys import MAX_KEY_SET_BYTES, KeySet, write_key_set
from sei.wire.message import message_unit
from sei.wire.payload import Signature, StreamSnapshot, encode, room_tag
from sei.wire.refresh import Refresh
from sei.wire.signature import Signer

KEYS = "seatsync-keys.json"
OLD = Signer(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32), "old")
NEW = Signer(Ed25519PrivateKey.from_private_bytes(b"\x02" * 32), "new")
FORGER = Signer(Ed25519PrivateKey.from_private_bytes(b"\x03" * 32), "old")
FALSE = Signature("old", "A" * 86)


def signed_state(
    version: int, signer: Signer | Signature | None = OLD, *, epoch: int = EPOCH
) -> bytes:
    """Tags of a state that is signed, rightly or not."""
    body = snapshot_body(version, epoch=epoch)
    position, ts_ms = Position(epoch, version), 1_732_150_000_000 + version
    signature = signer.sign("demo", position, ts_ms, body) if isinstance(signer, Signer) else signer
    messages = encode("demo", position, ts_ms, body, signature=signature)
    return b"".join(tag(message_unit(message, "h264"), b"\x65\x88") for message in messages)


def key_set(*signers: Signer) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=write_key_set(signer.public for signer in signers))

    return handler


def trusting(*signers: Signer) -> KeySet:
    return KeySet(signer.public for signer in signers)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def seen(source: SeiSource, count: int) -> list[tuple[int, bool]]:
    """Take so many arrivals: version, and whether a key vouches for it."""
    story = []
    async with aclosing(source.arrivals()) as signals:
        async for signal in signals:
            assert isinstance(signal, Arrival)
            story.append((signal.snapshot.position.version, signal.signed))
            if len(story) == count:
                break
    return story


def watching(
    gateway: FakeGateway, session: aiohttp.ClientSession, keys: StreamKeys, *tags: bytes
) -> SeiSource:
    gateway.handlers["live.flv"] = live(*tags)
    url = URL(gateway.url) / "live.flv"
    return SeiSource(session, gateway.access("a.b.c"), stream_url=url, keys=keys)


async def test_only_what_a_known_key_signed_counts_as_signed_and_a_false_one_is_dropped(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    keys = StreamKeys(session, trusting(OLD))
    tags = [
        signed_state(1),
        signed_state(2, None),
        signed_state(3, NEW),
        signed_state(4, FORGER),
        signed_state(5, FALSE),
        signed_state(6, Signature("new", "AAAA")),
        signed_state(7),
    ]
    source = watching(gateway, session, keys, *tags)
    assert await seen(source, 4) == [(1, True), (2, False), (3, False), (7, True)]
    assert keys.counts == {"valid": 2, "unsigned": 1, "unknown_key": 1, "invalid": 3}
    assert gateway.asked_for(KEYS) == []


def stream_snapshot(version: int, signer: Signer | None, room: str = "demo") -> StreamSnapshot:
    body, position = snapshot_body(version), Position(EPOCH, version)
    signature = None if signer is None else signer.sign("demo", position, 1, body)
    return StreamSnapshot(room_tag(room), position, 1, body, signature)


async def test_a_message_of_another_room_is_false_in_this_one(
    session: aiohttp.ClientSession,
) -> None:
    keys = StreamKeys(session, trusting(OLD))
    assert keys.judge(stream_snapshot(1, OLD)) == "valid"
    assert keys.judge(stream_snapshot(1, OLD, room="other")) == "invalid"


async def test_keys_come_from_the_gateway_without_the_token(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers[KEYS] = key_set(OLD)
    source = SeiSource(session, gateway.access("a.b.c"))
    await source.keys.prefetch()
    assert source.keys.trusted == trusting(OLD)
    (request,) = gateway.asked_for(KEYS)
    assert request.path == f"/.well-known/{KEYS}"
    assert "Authorization" not in request.headers


async def test_a_slow_answer_does_not_hold_the_stream_up(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    asked = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        asked.set()
        await gateway.stopping.wait()
        return web.Response()

    gateway.handlers[KEYS] = silent
    keys = StreamKeys(session, URL(gateway.url) / KEYS)
    assert await seen(watching(gateway, session, keys, signed_state(1)), 1) == [(1, False)]
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "seatsync keys"]


async def test_a_fetch_beside_the_stream_brings_the_keys(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers[KEYS] = key_set(OLD)
    keys = StreamKeys(session, URL(gateway.url) / KEYS)
    keys.tend()
    keys.tend()
    await wait_until(lambda: len(keys.trusted) == 1)
    await keys.rest()
    assert len(gateway.asked_for(KEYS)) == 1


async def test_a_fetch_that_is_done_makes_room_for_the_next(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    clock = Clock()
    gateway.handlers[KEYS] = key_set(OLD)
    keys = StreamKeys(session, URL(gateway.url) / KEYS, clock_s=clock)
    keys.tend()
    await wait_until(lambda: keys.trusted == trusting(OLD))
    gateway.handlers[KEYS] = key_set(NEW)
    clock.now_s = 600.0

    def arrived() -> bool:
        keys.tend()
        return keys.trusted == trusting(NEW)

    await wait_until(arrived)
    assert len(gateway.asked_for(KEYS)) == 2
    await keys.rest()


async def test_a_fetch_that_was_given_up_is_made_again_a_minute_later(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    clock = Clock()
    gateway.handlers[KEYS] = key_set(OLD)
    keys = StreamKeys(session, URL(gateway.url) / KEYS, clock_s=clock)
    keys.tend()
    await keys.rest()
    assert keys.trusted == KeySet()
    clock.now_s = 60.0
    await keys.prefetch()
    assert keys.trusted == trusting(OLD)


async def test_a_key_that_is_not_known_has_the_set_fetched_again_once_a_minute_at_most(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers[KEYS] = key_set(OLD)
    clock = Clock()
    keys = StreamKeys(session, URL(gateway.url) / KEYS, refresh=Refresh(), clock_s=clock)
    await keys.prefetch()
    gateway.handlers[KEYS] = key_set(OLD, NEW)
    for clock.now_s in range(60):
        assert keys.judge(stream_snapshot(1, NEW)) == "unknown_key"
        await keys.prefetch()
    assert len(gateway.asked_for(KEYS)) == 1
    clock.now_s = 60.0
    await keys.prefetch()
    assert keys.judge(stream_snapshot(1, NEW)) == "valid"
    assert len(gateway.asked_for(KEYS)) == 2


async def test_a_key_that_was_retired_is_trusted_no_longer_after_ten_minutes(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers[KEYS] = key_set(OLD)
    clock = Clock()
    keys = StreamKeys(session, URL(gateway.url) / KEYS, clock_s=clock)
    await keys.prefetch()
    gateway.handlers[KEYS] = key_set(NEW)
    clock.now_s = 600.0
    await keys.prefetch()
    assert keys.judge(stream_snapshot(1, OLD)) == "unknown_key"


def answering(response: web.Response) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return response

    return handler


@pytest.mark.parametrize(
    "handler",
    [
        portal,
        answering(web.Response(status=404)),
        answering(problem(503, "UNAVAILABLE", retryable=True)),
        answering(web.Response(status=302, headers={"Location": "/elsewhere"})),
        answering(web.Response(body=b" " * (MAX_KEY_SET_BYTES + 1))),
        answering(web.Response(body=b'{"keys":[{"d":"secret"}]}')),
    ],
    ids=["portal", "proxy", "away", "redirect", "large", "private"],
)
async def test_keys_that_can_not_be_had_leave_those_before_and_are_asked_for_a_minute_later(
    gateway: FakeGateway, session: aiohttp.ClientSession, handler: Handler
) -> None:
    gateway.handlers[KEYS] = key_set(OLD)
    clock = Clock()
    keys = StreamKeys(session, URL(gateway.url) / KEYS, clock_s=clock)
    await keys.prefetch()
    gateway.handlers[KEYS] = handler
    clock.now_s = 600.0
    await keys.prefetch()
    assert (keys.trusted, keys.ending is None) == (trusting(OLD), False)
    gateway.handlers[KEYS] = key_set(NEW)
    clock.now_s = 660.0
    await keys.prefetch()
    assert (keys.trusted, keys.ending) == (trusting(NEW), None)


async def test_a_gateway_that_has_no_keys_takes_the_trust_back(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers[KEYS] = key_set(OLD)
    clock = Clock()
    keys = StreamKeys(session, URL(gateway.url) / KEYS, clock_s=clock)
    await keys.prefetch()
    del gateway.handlers[KEYS]
    clock.now_s = 600.0
    await keys.prefetch()
    assert keys.trusted == KeySet()


async def test_a_gateway_that_is_gone_leaves_the_keys(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers[KEYS] = key_set(OLD)
    clock = Clock()
    keys = StreamKeys(session, URL(gateway.url) / KEYS, clock_s=clock)
    await keys.prefetch()
    await gateway.stop()
    clock.now_s = 600.0
    await keys.prefetch()
    assert keys.trusted == trusting(OLD)


def arrival(version: int, *, epoch: int, signed: bool) -> Arrival:
    whole = read_arrival("sei", "demo", snapshot_body(version, epoch=epoch))
    return whole._replace(signed=signed)


@pytest.mark.parametrize(
    ("signed", "verdict"), [(True, Verdict.APPLIED), (False, Verdict.UNTRUSTED)]
)
def test_only_a_signed_message_raises_the_epoch_of_who_has_heard_from_the_gateway(
    signed: bool, verdict: Verdict
) -> None:
    follower = Follower("anonymous")
    follower.judge(read_arrival("poll", "demo", snapshot_body(5)), 0)
    update = follower.judge(arrival(1, epoch=EPOCH + 1, signed=signed), 0)
    assert (update.verdict, update.signed) == (verdict, signed)


async def test_a_room_reads_signed_state_with_the_keys_of_its_gateway(
    gateway: FakeGateway,
) -> None:
    gateway.handlers["media"] = media({"format": "flv", "url": "/live.flv"})
    gateway.handlers["live.flv"] = live(signed_state(4), signed_state(9, FORGER))
    async with Room(
        gateway.url, "demo", channels=["sei"], sei_keys=trusting(OLD), draw=lambda: 0.0
    ) as room:
        update = await anext(aiter(room))
        await wait_until(lambda: room.signatures.get("invalid", 0) > 0)
        assert room.shown is not None
        assert room.shown.snapshot.position.version == 4
    assert update.signed
    assert " signed no live session" in line(update)


async def test_a_room_has_the_keys_before_the_gateway_is_gone(gateway: FakeGateway) -> None:
    gateway.handlers[KEYS] = key_set(OLD)
    async with Room(gateway.url, "demo", channels=["poll", "sei"]) as room:
        await wait_until(lambda: len(gateway.asked_for(KEYS)) == 1)
        assert room.signatures == {}


def test_keys_come_from_an_address_of_http() -> None:
    with pytest.raises(InvalidArgument):
        Room("http://127.0.0.1:1", "demo", sei_keys="file:///etc/keys.json")
