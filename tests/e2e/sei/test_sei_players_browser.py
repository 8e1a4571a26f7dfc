"""Fragmented MP4 in Chromium, by fetch and MediaSource alone: no player library."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import pytest
from players_kit import Stage, injected_flv, later, play, staged, tags_of

from sei.flv.stream_tag import StreamTag
from tests.e2e.chromium import needs_chromium, page_of

PLAY: Final = """
async (url) => {
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const shown = [];
  const errors = [];
  Object.assign(window, { video, shown, errors, isOver: false });
  video.onerror = () => errors.push(video.error.message);
  const onFrame = (_now, { mediaTime }) => {
    shown.push(Math.round(mediaTime * 1000));
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise((resolve) => { source.onsourceopen = resolve; });
  const buffer = source.addSourceBuffer('video/mp4; codecs="avc1.42E01E, mp4a.40.2"');
  const reader = (await fetch(url)).body.getReader();
  const pump = async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      buffer.appendBuffer(value);
      await new Promise((resolve) => { buffer.onupdateend = resolve; });
      if (video.paused && video.buffered.length > 0) {
        video.currentTime = video.buffered.start(0);
        video.play().catch((error) => errors.push(String(error)));
      }
    }
    source.endOfStream();
    window.isOver = true;
  };
  pump().catch((error) => errors.push(String(error)));
  video.onwaiting = () => {  // as every player does: a hole between two lives of an input is jumped
    for (let at = 0; at < video.buffered.length; at += 1) {
      const start = video.buffered.start(at);
      if (start > video.currentTime && start < video.currentTime + 1) video.currentTime = start;
    }
  };
  buffer.addEventListener("updateend", () => {
    if (video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) video.onwaiting();
  });
}
"""

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> list[StreamTag]:
    folder = tmp_path_factory.mktemp("browser")
    return tags_of(injected_flv(folder, seconds=4, size="320x240", group=25))


async def watched(stage: Stage, before: Sequence[StreamTag], then: Sequence[StreamTag]) -> Any:
    """Let a browser join after some tags; give what it showed when the stream was over."""
    live = stage.add()
    for tag in before:
        live.publish([tag])
    async with page_of(f"{stage.address}/") as page:
        await page.evaluate(PLAY, f"{stage.address}/live/demo.mp4")
        await play(live, then)
        live.close()
        await page.wait_for_function("window.isOver && video.ended || errors.length > 0")
        assert await page.evaluate("errors") == []
        return await page.evaluate("shown")


def cut_at_s(tags: Sequence[StreamTag], second: float) -> int:
    first_ms = tags[0].timestamp_ms
    return next(n for n, tag in enumerate(tags) if tag.timestamp_ms - first_ms >= second * 1000)


@pytest.mark.parametrize("start_ms", [0, 3_000_000_000])
async def test_chromium_plays_from_the_last_keyframe_on(
    source: list[StreamTag], start_ms: int
) -> None:
    tags = later(source, start_ms)
    at = cut_at_s(tags, 1.5)
    async with staged() as stage:
        shown = await watched(stage, tags[:at], tags[at:])
    start = shown[0] - start_ms
    assert 900 <= start <= 1400, "it began with the group that was on"
    assert shown == sorted(shown)
    assert len(shown) >= 0.8 * 25 * (4 - start / 1000), "frames went on to the end"


def paused_picture(path: Path, pauses: Sequence[range]) -> Path:
    """Make one long group in which no picture is shown for a while, as a screen that stands."""
    with av.open(str(path), "w", format="flv") as output:
        video = output.add_stream("libx264", 25, {"preset": "ultrafast", "g": "250", "bf": "2"})
        video.width, video.height = 320, 240
        video.codec_context.time_base = Fraction(1, 25)
        audio = output.add_stream("aac", 44_100)
        packets = []
        picture = "testsrc2=size=320x240:rate=25:duration=4,format=yuv420p"
        with av.open(picture, format="lavfi") as pictures:
            for number, frame in enumerate(pictures.decode(video=0)):
                if not any(number in pause for pause in pauses):
                    frame.pts, frame.time_base = number, Fraction(1, 25)
                    frame.pict_type = av.video.frame.PictureType.NONE
                    packets += video.encode(frame)
        packets += video.encode(None)
        with av.open("sine=duration=4:sample_rate=44100", format="lavfi") as tone:
            for sound in tone.decode(audio=0):
                packets += audio.encode(sound)
        packets += audio.encode(None)
        for packet in sorted(packets, key=lambda one: float(one.dts * one.time_base)):
            output.mux(packet)
    return path


async def test_chromium_goes_on_at_once_after_a_pause_of_the_picture(tmp_path: Path) -> None:
    pauses = [range(25, 38), range(60, 63)]
    tags = tags_of(paused_picture(tmp_path / "paused.flv", pauses))
    async with staged() as stage:
        shown = await watched(stage, [], tags)
    offset = shown[0]
    after_pause = [at for at in shown if 1500 <= at - offset < 2400]
    assert len(after_pause) >= 15, "it waited for a keyframe, of which there is no other"


async def test_chromium_shows_every_picture_of_a_slow_stream(tmp_path: Path) -> None:
    each_13th = [range(n + 1, n + 13) for n in range(0, 100, 13)]
    tags = tags_of(paused_picture(tmp_path / "slow.flv", each_13th))
    async with staged() as stage:
        shown = await watched(stage, [], tags)
    assert len(shown) >= 6, "there are eight, the first may be jumped"


async def test_chromium_goes_on_after_the_size_of_the_picture_changed(
    source: list[StreamTag], tmp_path: Path
) -> None:
    larger = tags_of(injected_flv(tmp_path, seconds=2, size="480x272", group=25))
    first = source[: cut_at_s(source, 2)]
    async with staged() as stage:
        shown = await watched(stage, [], [*first, *later(larger, 2000)])
    assert len([at for at in shown if at > 2400]) >= 20
