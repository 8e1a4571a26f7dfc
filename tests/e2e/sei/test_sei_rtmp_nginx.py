"""RTMP with real peers: nginx between FFmpeg and us, in both directions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rtmp_peers import (
    NginxRtmp,
    ffmpeg,
    ffmpeg_ended,
    media,
    pulled,
    stream_tags,
    until,
)
from sei_files import STATE, pictures

from sei.files.inject import inject
from sei.files.read import read
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import VIDEO, TagParser, is_configuration, read_video
from sei.insertion.state import fixed_state
from sei.outputs.rtmp_push import PushTiming, RtmpPush
from sei.relay.counts import Counts
from tests.unit.sei.rtmp_samples import configurations, group

KIND = "b pyramid"
QUICK = PushTiming(first_delay_s=0.05, max_delay_s=0.2)


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
    push = RtmpPush(url, counts, timing=QUICK, rng=random.Random(1))
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
    # FFmpeg writes an end of sequence to a file only, or to both, by its version.
    end = (VIDEO, b"\x17\x02\x00\x00\x00")
    assert [item for item in media(tags) if item != end] == [
        item for item in media(expected) if item != end
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
    async with ffmpeg("-rtmp_live", "live", "-i", url, "-c", "copy", played) as player:
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
    assert media(tags) == media(sent)


async def test_hevc_passes_in_enhanced_form(
    nginx_rtmp: NginxRtmp, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    flv = tmp_path / "hevc.flv"
    inject(synthetic("hevc"), flv, fixed_state(STATE))
    url, sent = nginx_rtmp.url("hevc"), stream_tags(flv)
    background: list[asyncio.Task[None]] = []
    tags = await pulled(url, lambda: background.append(asyncio.create_task(push_all(url, sent))))
    await background[0]
    codecs = {video.codec for tag in tags if (video := read_video(tag)) is not None}
    assert codecs == {"hevc"}
    assert media(tags) == media(sent)


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
    assert media(tags) == media(sent)


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
    assert media(tags) == media(group(91_000) + group(91_200))
