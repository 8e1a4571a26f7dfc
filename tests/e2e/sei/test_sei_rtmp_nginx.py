"""RTMP with real peers: nginx between FFmpeg and us, in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rtmp_peers import (
    NginxRtmp,
    bodies,
    ffmpeg,
    ffmpeg_ended,
    free_port,
    listen_with_pyav,
    pulled,
    stream_tags,
    until,
)
from sei_files import STATE, pictures

from room.position import Position
from sei.backoff import Backoff
from sei.counts import Counts
from sei.files.inject import inject
from sei.files.read import read
from sei.flv.engine import FlvEngine
from sei.flv.reader import FlvStateReader
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import (
    AUDIO,
    VIDEO,
    TagParser,
    file_header,
    is_configuration,
    read_video,
    write_tag,
)
from sei.inputs.rtmp import RtmpSource
from sei.insertion.state import fixed_state
from sei.insertion.supply import Supply, SupplyBox
from sei.outputs.rtmp_push import RtmpPush
from sei.wire.payload import encode
from tests.unit.sei.rtmp_samples import configurations, group

KIND = "b pyramid"


@pytest.fixture
def clip(synthetic: Callable[[str], Path], tmp_path: Path) -> Path:
    """Two seconds of H.264 and AAC as FLV, with our messages in it."""
    target = tmp_path / "clip.flv"
    inject(synthetic(KIND), target, fixed_state(STATE))
    return target


@asynccontextmanager
async def pushing(url: str, counts: Counts | None = None) -> AsyncIterator[RtmpPush]:
    """Push to an address, from when it is live until all is drained."""
    counts = counts or Counts()
    push = RtmpPush(url, counts, backoff=Backoff(0.05, 0.2))
    push.start()
    try:
        await until(lambda: counts.outputs[push.shown] == "live")
        yield push
    finally:
        await push.close()
        assert counts.outputs[push.shown] == "closed"


async def push_all(url: str, tags: Sequence[StreamTag]) -> None:
    async with pushing(url) as push:
        push.publish(tags)


async def test_every_tag_that_ffmpeg_publishes_is_pulled(
    nginx_rtmp: NginxRtmp, clip: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copied.flv"
    await ffmpeg_ended("-i", clip, "-c", "copy", copied)
    url = nginx_rtmp.url("in")
    background: list[asyncio.Task[None]] = []

    def publish() -> None:
        publishing = ffmpeg_ended("-re", "-i", clip, "-c", "copy", "-f", "flv", url)
        background.append(asyncio.create_task(publishing))

    tags = await pulled(url, publish)
    await background[0]
    expected = TagParser().feed(copied.read_bytes())
    assert bodies(AUDIO, tags) == bodies(AUDIO, expected)
    # FFmpeg writes an end of sequence to a file only, or to both, by its version.
    end = b"\x17\x02\x00\x00\x00"
    assert [body for body in bodies(VIDEO, tags) if body != end] == [
        body for body in bodies(VIDEO, expected) if body != end
    ]
    pulled_ms, expected_ms = (
        [tag.timestamp_ms for tag in found if tag.kind == VIDEO and not is_configuration(tag)]
        for found in (tags, expected)
    )
    assert pulled_ms == expected_ms[: len(pulled_ms)]


async def test_all_that_is_pushed_is_played_to_the_last_frame(
    nginx_rtmp: NginxRtmp, clip: Path, tmp_path: Path
) -> None:
    """At full speed and closed at once: the tail must not be lost, nor a message."""
    played, url = tmp_path / "played.flv", nginx_rtmp.url("out")
    count = str(len(pictures(clip)))
    async with ffmpeg("-i", url, "-c", "copy", "-frames:v", count, played) as player:
        await until(lambda: "play: name='out'" in nginx_rtmp.log)
        await push_all(url, stream_tags(clip))
        async with asyncio.timeout(30):
            assert await player.wait() == 0
    assert pictures(played) == pictures(clip)
    assert [m.snapshot for m in read(played)] == [m.snapshot for m in read(clip)]
    assert len(list(read(played))) > 2


async def test_pushed_tags_come_back_as_they_were(nginx_rtmp: NginxRtmp, clip: Path) -> None:
    url, sent = nginx_rtmp.url("loop"), stream_tags(clip)
    background: list[asyncio.Task[None]] = []
    tags = await pulled(url, lambda: background.append(asyncio.create_task(push_all(url, sent))))
    await background[0]
    assert bodies(VIDEO, tags) == bodies(VIDEO, sent)
    assert bodies(AUDIO, tags) == bodies(AUDIO, sent)


async def test_hevc_in_enhanced_form_is_taken_by_ffmpeg(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    """The packaged nginx passes no video of that form on, only its sound."""
    flv = tmp_path / "hevc.flv"
    inject(synthetic("hevc"), flv, fixed_state(STATE))
    sent = stream_tags(flv)
    assert {
        video.codec for tag in TagParser().feed(flv.read_bytes()) if (video := read_video(tag))
    } == {"hevc"}
    port = free_port()
    listening = asyncio.create_task(asyncio.to_thread(listen_with_pyav, port))
    await push_all(f"rtmp://127.0.0.1:{port}/live/demo", sent)
    assert await listening == pictures(flv)


async def test_relay_of_nginx_keeps_every_message(nginx_rtmp: NginxRtmp, clip: Path) -> None:
    """Pushed to one application, relayed by nginx to another, pulled there."""
    sent = stream_tags(clip)
    background: list[asyncio.Task[None]] = []
    onward = nginx_rtmp.url("relayed", "onward")
    tags = await pulled(
        nginx_rtmp.url("relayed"),
        lambda: background.append(asyncio.create_task(push_relayed(nginx_rtmp, onward, sent))),
    )
    await background[0]
    assert bodies(VIDEO, tags) == bodies(VIDEO, sent)
    assert bodies(AUDIO, tags) == bodies(AUDIO, sent)


async def push_relayed(nginx_rtmp: NginxRtmp, url: str, tags: Sequence[StreamTag]) -> None:
    """Push once the relay behind is up: what comes before is not relayed."""
    async with pushing(url) as push:
        await until(lambda: nginx_rtmp.log.count("publish: name='relayed'") == 2)
        push.publish(tags)


async def test_hls_packager_of_nginx_keeps_every_message(
    nginx_rtmp: NginxRtmp, clip: Path, tmp_path: Path
) -> None:
    await push_all(nginx_rtmp.url("packed", "hls"), stream_tags(clip))
    segments = nginx_rtmp.segments("packed")
    assert len(segments) > 1
    whole = tmp_path / "whole.ts"
    whole.write_bytes(b"".join(segment.read_bytes() for segment in segments))
    kept = [message.snapshot for message in read(whole)]
    assert kept == [message.snapshot for message in read(clip)]


async def test_messages_go_in_between_two_servers(
    nginx_rtmp: NginxRtmp, synthetic: Callable[[str], Path]
) -> None:
    """FFmpeg publishes to nginx, we pull, inject and push to nginx, a player pulls there."""
    box, counts = SupplyBox(), Counts()
    position = Position(9, 1)
    box.newest = Supply(*position, tuple(encode("demo", position, 1001, STATE)))
    begin, end = nginx_rtmp.url("begin"), nginx_rtmp.url("end")
    source = synthetic(KIND)
    async with pushing(end, counts) as push:
        playing = asyncio.create_task(pulled(end))
        await until(lambda: "play: name='end'" in nginx_rtmp.log)
        engine = FlvEngine(RtmpSource(begin), box, [push], counts)
        relaying = asyncio.create_task(engine.run_once())
        await until(lambda: "play: name='begin'" in nginx_rtmp.log)
        await ffmpeg_ended("-re", "-i", source, "-c", "copy", "-f", "flv", begin)
        async with asyncio.timeout(30):
            await relaying
    tags = await playing
    flv = file_header(has_audio=True, has_video=True) + b"".join(map(write_tag, tags))
    sightings = FlvStateReader("demo").feed(flv)
    assert len(sightings) == counts.injected > 2
    assert {sighting.body for sighting in sightings} == {STATE}
    shown = [video for video in map(read_video, tags) if video and video.part == "access_unit"]
    assert counts.video_packets == len(shown)
    assert counts.skips == 0


async def test_push_is_back_when_its_server_is(nginx_rtmp: NginxRtmp) -> None:
    """On the same port; the new publication begins with a keyframe, at time 0."""
    counts, url = Counts(), nginx_rtmp.url("again")
    async with pushing(url, counts) as push:
        push.publish([*configurations(), *group(90_000)])
        nginx_rtmp.kill()
        await until(lambda: counts.outputs[push.shown].startswith("UNAVAILABLE: "))
        push.publish(group(90_200)[1:])  # the rest of a group that nobody can decode
        nginx_rtmp.start()
        await until(lambda: counts.outputs[push.shown] == "live")
        background = asyncio.create_task(pulled(url))
        await until(lambda: "play: name='again'" in nginx_rtmp.log)
        push.publish(group(91_000))
        push.publish(group(91_200))
    tags = [tag for tag in await background if tag.kind == VIDEO and not is_configuration(tag)]
    assert [tag.timestamp_ms for tag in tags] == [40 * index for index in range(10)]
    assert bodies(VIDEO, tags) == bodies(VIDEO, group(91_000) + group(91_200))
