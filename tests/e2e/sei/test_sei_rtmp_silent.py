"""RTMP peers that refuse, fall silent or stop reading: a time-out and a clear text, no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from rtmp_peers import PATIENCE_S, bodies, free_port, scripted_peer, until

from sei.backoff import Backoff
from sei.counts import Counts
from sei.errors import BadMedia, SourceFailed
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import VIDEO, Tag, TagParser
from sei.inputs.rtmp import RtmpSource
from sei.outputs.rtmp_push import PushTiming, RtmpPush
from sei.rtmp.chunks import Message
from sei.rtmp.session import Session
from tests.unit.sei.rtmp_samples import (
    METADATA,
    STREAM,
    Server,
    configurations,
    group,
    status,
)

PICTURE = b"\x27\x01\x00\x00\x00picture"
SHORT = PushTiming(open_timeout_s=0.3, stall_s=0.3, drain_s=0.3)
STEPS = ["handshake", "connect", "createStream", "publish"]


@asynccontextmanager
async def started(url: str, counts: Counts, **options) -> AsyncIterator[RtmpPush]:
    push = RtmpPush(url, counts, timing=SHORT, backoff=Backoff(0.02, 0.02), **options)
    push.start()
    try:
        yield push
    finally:
        await push.close()


def state(push: RtmpPush, counts: Counts) -> str:
    return counts.outputs[push.shown]


@pytest.mark.parametrize("step", STEPS)
async def test_push_gives_a_peer_up_that_falls_silent_and_tries_again(step: str) -> None:
    counts = Counts()
    silent = scripted_peer(lambda: Server(silent_at=step))
    async with silent as peer, started(peer.url(), counts) as push:
        assert state(push, counts) == "connecting"
        await until(lambda: peer.connections >= 3)
        assert state(push, counts).startswith("UNAVAILABLE: the server does not answer: ")
        assert step in state(push, counts)


async def test_push_gives_a_peer_up_that_never_speaks() -> None:
    counts = Counts()
    async with scripted_peer(answers=False) as peer, started(peer.url(), counts) as push:
        await until(lambda: peer.connections >= 3)
        assert "the handshake took more than 0.3 s" in state(push, counts)


async def test_peer_that_stops_reading_costs_its_own_push_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is cut to keyframes, then given up; another push has every tag meanwhile."""
    counts, others = Counts(), Counts()
    sent: list[StreamTag] = []
    async with (
        scripted_peer(reads_on=False) as silent,
        scripted_peer() as healthy,
        started(silent.url(), counts, max_bytes=500_000) as stuck,
        started(healthy.url(), others) as other,
    ):
        await until(lambda: state(stuck, counts) == state(other, others) == "live")
        async with asyncio.timeout(PATIENCE_S):
            while silent.connections < 2:
                batch = group(len(sent), size=30_000)
                sent += batch
                stuck.publish(batch)
                other.publish(batch)
                await until(partial(healthy.servers[0].has_media, len(sent)))
        assert counts.skips >= 1
        assert others.skips == 0
    got = [(message.kind, message.body) for message in healthy.servers[0].media]
    assert got == [(VIDEO, body) for body in bodies(VIDEO, sent)]
    assert "the server has read nothing for 0.3 s" in caplog.text


async def test_publication_begins_anew_after_the_peer_closed_it() -> None:
    counts = Counts()
    async with scripted_peer() as peer, started(peer.url(), counts) as push:
        push.publish([*configurations(), *group(5000)])
        await until(lambda: peer.servers and len(peer.servers[0].media) == 8)
        peer.writers[0].transport.abort()
        await until(lambda: peer.connections == 2 and state(push, counts) == "live")
        push.publish(group(5200)[1:])
        push.publish(group(5400))
        await until(lambda: len(peer.servers[1].media) == 8)
    first, second = (server.media for server in peer.servers)
    assert [message.timestamp_ms for message in first] == [0, 0, 0, 0, 40, 80, 120, 160]
    assert [message.timestamp_ms for message in second] == [0, 0, 0, 0, 40, 80, 120, 160]
    assert second[1].body == bodies(VIDEO, configurations())[0]


async def test_group_of_before_the_connection_goes_first() -> None:
    counts = Counts()
    async with scripted_peer() as peer, started(peer.url(), counts) as push:
        push.publish([*configurations(), *group(0), *group(200)])
        await until(lambda: state(push, counts) == "live")
    got = [message.body for message in peer.servers[0].media]
    metadata, *rest = configurations() + group(200)
    assert got[0].endswith(METADATA)
    assert got[1:] == [tag.encoded[11:-4] for tag in rest]
    assert metadata.encoded[11:-4] == METADATA


async def test_push_takes_leave_of_its_server() -> None:
    counts = Counts()
    async with scripted_peer() as peer:
        async with started(peer.url(), counts) as push:
            await until(lambda: state(push, counts) == "live")
        assert [command[0] for command in peer.servers[0].commands[-2:]] == [
            "FCUnpublish",
            "deleteStream",
        ]
        assert state(push, counts) == "closed"


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("connect", "FORBIDDEN: the server says NetConnection.Connect.Rejected"),
        ("publish", "FORBIDDEN: the server says NetStream.Publish.BadName (no such thing)"),
    ],
)
async def test_refusal_is_shown_with_its_code_and_tried_again(step: str, text: str) -> None:
    counts = Counts()
    refusing = scripted_peer(lambda: Server(refused_at=step))
    async with refusing as peer, started(peer.url(), counts) as push:
        await until(lambda: peer.connections >= 3)
        assert state(push, counts) == text


async def test_word_of_the_server_ends_a_publication() -> None:
    counts = Counts()
    async with scripted_peer() as peer, started(peer.url(), counts) as push:
        await until(lambda: state(push, counts) == "live")
        word = status("NetStream.Publish.Denied", "error", "too long")
        peer.writers[0].write(peer.servers[0].say(word))
        await until(lambda: peer.connections >= 2)


async def test_nobody_there_is_said_and_tried_again() -> None:
    counts = Counts()
    async with started(f"rtmp://127.0.0.1:{free_port()}/live/demo", counts) as push:
        await until(lambda: state(push, counts).startswith("UNAVAILABLE: cannot connect"))


async def test_other_protocol_is_said() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    counts = Counts()
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with started(f"rtmp://127.0.0.1:{port}/live/demo", counts) as push:
            await until(lambda: state(push, counts).startswith("MALFORMED: the peer does not"))


async def test_name_that_is_none_is_said() -> None:
    counts = Counts()
    async with started("rtmp://a..b/live/demo", counts) as push:
        await until(lambda: "the host has no valid name" in state(push, counts))


async def test_fault_of_the_push_itself_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    counts = Counts()
    monkeypatch.setattr(Session, "send_tag", fail)
    async with scripted_peer() as peer:
        push = RtmpPush(peer.url(), counts)
        push.start()
        push.publish(group(0))
        await until(
            lambda: state(push, counts) == "UNAVAILABLE: ended by a fault: ZeroDivisionError"
        )
        with pytest.raises(ZeroDivisionError):
            await push.close()


async def test_push_that_never_started_closes() -> None:
    await RtmpPush("rtmp://127.0.0.1/live/demo", Counts()).close()


def test_malformed_address_is_refused_at_once() -> None:
    with pytest.raises(BadMedia):
        RtmpPush("rtmp://127.0.0.1//demo", Counts())
    with pytest.raises(BadMedia):
        RtmpSource("http://127.0.0.1/live/demo")


async def failure(url: str) -> SourceFailed:
    """Pull until it fails."""
    with pytest.raises(SourceFailed) as raised:  # noqa: PT012 - where it fails is the test's
        async with RtmpSource(url, open_timeout_s=0.3, stall_s=0.3).open() as opened:
            async for _ in opened.chunks:
                pass
    return raised.value


@pytest.mark.parametrize("step", ["handshake", "connect", "createStream", "play"])
async def test_source_gives_a_peer_up_that_falls_silent(step: str) -> None:
    async with scripted_peer(lambda: Server(silent_at=step)) as peer:
        error = await failure(peer.url())
    assert error.message.startswith(f"{peer.url()}: the server does not answer: ")
    assert step in error.message


async def test_source_gives_a_peer_up_that_never_speaks() -> None:
    async with scripted_peer(answers=False) as peer:
        assert "the handshake took more than" in (await failure(peer.url())).message


@pytest.mark.parametrize(
    ("step", "code", "says"),
    [
        ("connect", "FORBIDDEN", "NetConnection.Connect.Rejected"),
        ("createStream", "UNAVAILABLE", "the server says no"),
        ("play", "NOT_FOUND", "NetStream.Play.StreamNotFound"),
    ],
)
async def test_refusal_of_a_source_has_its_code(step: str, code: str, says: str) -> None:
    async with scripted_peer(lambda: Server(refused_at=step)) as peer:
        error = await failure(peer.url())
    assert error.code == code
    assert says in error.message


async def test_stream_without_a_tag_is_stalled_whatever_else_the_server_says() -> None:
    async with scripted_peer() as peer:
        failing = asyncio.create_task(failure(peer.url("demo?token=secret")))
        await until(lambda: peer.servers and len(peer.servers[0].commands) == 3)
        ping = peer.servers[0].say(Message(4, 0, 0, b"\x00\x06\x00\x00\x00\x01"))
        while not failing.done():
            if not peer.writers[0].is_closing():
                peer.writers[0].write(ping)
            await asyncio.sleep(0.01)
        message = (await failing).message
    assert message.endswith("no tag came for 0.3 s; does anybody publish it?")
    assert "secret" not in message


async def test_connection_that_breaks_off_fails_and_one_that_ends_does_not() -> None:
    async with scripted_peer() as peer:
        for ends in (False, True):
            pulling = asyncio.create_task(pull(peer.url()))
            await until(lambda: peer.servers and len(peer.servers[-1].commands) == 3)
            server, writer = peer.servers.pop(), peer.writers.pop()
            writer.write(server.say(Message(VIDEO, 40, STREAM, PICTURE)))
            if ends:
                writer.write(server.say(status("NetStream.Play.UnpublishNotify")))
            await writer.drain()
            writer.close()
            tags, error = await pulling
            assert tags == [Tag(VIDEO, 40, PICTURE)]
            assert (error is None) == ends, error


async def pull(url: str) -> tuple[list[Tag], SourceFailed | None]:
    parser, tags = TagParser(), []
    async with RtmpSource(url).open() as opened:
        try:
            async for chunk in opened.chunks:
                tags += parser.feed(chunk)
        except SourceFailed as error:
            return tags, error
    return tags, None


async def test_header_declares_what_the_metadata_names() -> None:
    async with scripted_peer() as peer, RtmpSource(peer.url()).open() as opened:
        peer.writers[0].write(peer.servers[0].say(Message(18, 0, STREAM, METADATA)))
        assert (await anext(opened.chunks))[:5] == b"FLV\x01\x01"
