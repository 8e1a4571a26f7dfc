"""Live inputs joined in the middle of a group of pictures: they begin with the next keyframe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import pytest
from av.packet import Packet
from av.stream import Stream
from packets_live import Lives, remuxed, rig
from rtmp_peers import NginxRtmp, ffmpeg, until
from sei_files import frame_hashes
from test_sei_engine_av_hls import site

from sei.errors import SourceFailed
from sei.flv.tags import (
    AUDIO,
    VIDEO,
    Tag,
    TagParser,
    file_header,
    is_configuration,
    read_video,
    write_tag,
)
from sei.inputs.rtmp import RtmpSource
from sei.packets import flv_join
from sei.source import ContainerName, Opened

GROUP = 75
PICTURES = 130
Codec = Literal["h264", "hevc"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Codec], Path]:
    """Five seconds with sound, groups of three, at 3 Mbps: half a megabyte is less than a group."""
    folder = tmp_path_factory.mktemp("stage")

    def make(codec: Codec) -> Path:
        path = folder / f"{codec}.mp4"
        if not path.exists():
            encode(path, codec)
        return path

    return make


def encode(path: Path, codec: Codec) -> None:
    options = {"preset": "ultrafast", "g": str(GROUP), "b": "3000k"}
    options |= (
        {"x264-params": "scenecut=0:nal-hrd=cbr:vbv-maxrate=3000:vbv-bufsize=1000"}
        if codec == "h264"
        else {"x265-params": f"log-level=none:keyint={GROUP}:scenecut=0:bframes=0"}
    )
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264" if codec == "h264" else "libx265", 25, options)
        video.width, video.height = 320, 192
        audio = output.add_stream("aac", 44_100)
        shown = "testsrc2=size=320x192:rate=25,noise=alls=40:allf=t,format=yuv420p"
        with av.open(shown, format="lavfi") as pictures:
            for number, frame in enumerate(pictures.decode(video=0)):
                if number == PICTURES:
                    break
                frame.pict_type = av.video.frame.PictureType.NONE
                output.mux(video.encode(frame))
        output.mux(video.encode(None))
        with av.open("sine=duration=5.2:sample_rate=44100", format="lavfi") as tones:
            for sound in tones.decode(audio=0):
                output.mux(audio.encode(sound))
        output.mux(audio.encode(None))


def joined_flv(path: Path, *, flags: int = 5, pictures: bool = True) -> bytes:
    """Give what nginx-rtmp sends who joins after the first keyframe: sound, then the next group."""
    sent, is_on = list[Tag](), False
    for tag in sorted(TagParser().feed(path.read_bytes()), key=lambda tag: tag.timestamp_ms):
        video = read_video(tag)
        if video is not None and not is_configuration(tag):
            is_on = is_on or (video.is_keyframe and tag.timestamp_ms > 1000)
            if not (is_on and pictures):
                continue
        sent.append(tag)
    header = bytearray(file_header(has_audio=True, has_video=True))
    header[4] = flags
    return bytes(header) + b"".join(map(write_tag, sent))


def without_first_keyframe(packet: Packet[Stream], _number: int) -> Packet[Stream] | None:
    is_first = packet.stream.type == "video" and packet.is_keyframe and packet.pts == 0
    return None if is_first else packet


@pytest.mark.parametrize("flags", [5, 4, 1, 0])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_sound_before_the_first_picture_does_not_hide_it(
    codec: Codec, flags: int, stage: Callable[[Codec], Path], tmp_path: Path
) -> None:
    """Whatever the file header says: 5 is sound and pictures, 4 sound, 1 pictures, 0 neither."""
    remuxed(stage(codec), tmp_path / "whole.flv")
    content = joined_flv(tmp_path / "whole.flv", flags=flags)
    sounds = [tag.timestamp_ms for tag in TagParser().feed(content) if tag.kind == AUDIO]
    assert len([time_ms for time_ms in sounds if time_ms < 1000 * GROUP / 25]) > 65
    async with rig(Lives("flv", [content])) as made:
        await made.live()
    hashes = frame_hashes(made.sink.save(tmp_path / "sink.flv"))
    assert hashes == frame_hashes(stage(codec))[GROUP:]
    heard = [tag.timestamp_ms for tag in made.sink.tags if tag.kind == AUDIO]
    assert len(heard) > 80
    assert made.sink.pictures[0].timestamp_ms <= 300
    assert made.counts.dropped > 50


async def test_sound_that_the_file_header_hides_costs_one_life(
    stage: Callable[[Codec], Path], tmp_path: Path
) -> None:
    remuxed(stage("h264"), tmp_path / "whole.flv")
    content = joined_flv(tmp_path / "whole.flv", flags=1)
    tags = TagParser().feed(content)
    late = [tag for tag in tags if tag.kind != AUDIO or tag.timestamp_ms > 4000]
    hidden = content[:13] + b"".join(map(write_tag, late))
    async with rig(Lives("flv", [hidden, content])) as made:
        with pytest.raises(SourceFailed, match="sound"):
            await made.live()
        await made.live()
    assert [tag for tag in made.sink.tags if tag.kind == AUDIO]


@dataclass
class SlowSound:
    """Sound alone, for as long as anybody listens."""

    content: bytes

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        yield Opened("flv", self._chunks())

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield self.content
        tag = TagParser().feed(self.content)[-1]
        while True:
            yield write_tag(tag)
            await asyncio.sleep(0.005)


async def test_a_publisher_of_sound_alone_is_told_so(
    stage: Callable[[Codec], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flv_join, "MAX_WAIT_S", 0.5)
    remuxed(stage("h264"), tmp_path / "whole.flv")
    content = joined_flv(tmp_path / "whole.flv", pictures=False)
    async with rig(SlowSound(content)) as made:
        with pytest.raises(SourceFailed, match="only sound"):
            await made.live()


@pytest.mark.parametrize("container", ["flv", "unknown"])
async def test_a_stream_that_ends_without_a_picture_may_be_tried_again(
    container: ContainerName, stage: Callable[[Codec], Path], tmp_path: Path
) -> None:
    remuxed(stage("h264"), tmp_path / "whole.flv")
    tags = TagParser().feed((tmp_path / "whole.flv").read_bytes())
    heard = b"".join(write_tag(tag) for tag in tags if tag.kind != VIDEO)
    sound = file_header(has_audio=True, has_video=False) + heard
    async with rig(Lives(container, [sound])) as made:
        with pytest.raises(SourceFailed, match="no video"):
            await made.live()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_a_transport_stream_may_keep_its_keyframe_back(
    codec: Codec, stage: Callable[[Codec], Path], tmp_path: Path
) -> None:
    """More comes before it than the demuxer looks at to learn a picture's size."""
    content = remuxed(stage(codec), tmp_path / "source.ts", without_first_keyframe)
    with av.open(str(tmp_path / "source.ts")) as container:
        before = []
        for packet in container.demux(video=0):
            if packet.is_keyframe:
                break
            before.append(packet.size)
    assert sum(before) > 500_000
    async with rig(Lives("mpegts", [content]), ("flv", str(tmp_path / "a.ts"))) as made:
        await made.live()
    expected = frame_hashes(stage(codec))[GROUP:]
    assert frame_hashes(made.sink.save(tmp_path / "sink.flv")) == expected
    assert frame_hashes(tmp_path / "a.ts") == expected


@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_segments_may_begin_in_the_middle_of_a_group(
    codec: Codec, stage: Callable[[Codec], Path], tmp_path: Path
) -> None:
    content = remuxed(stage(codec), tmp_path / "source.ts", without_first_keyframe)
    cut = len(content) // 188 // 4 * 188
    parts = [content[at : at + cut] for at in range(0, len(content), cut)]
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2"]
    async with site() as served:
        for number, part in enumerate(parts):
            served.files[f"/{number}.ts"] = part
            lines += ["#EXTINF:1.3,", f"{number}.ts"]
        served.files["/a.m3u8"] = "\n".join([*lines, "#EXT-X-ENDLIST", ""]).encode()
        async with rig(f"{served.url}/a.m3u8") as made:
            await made.live()
    hashes = frame_hashes(made.sink.save(tmp_path / "sink.flv"))
    assert hashes == frame_hashes(stage(codec))[GROUP:]


async def test_nginx_rtmp_joined_in_the_middle_of_a_group(nginx_rtmp: NginxRtmp) -> None:
    """Whoever joins gets sound at once and pictures from the next keyframe on."""
    url = nginx_rtmp.url("stage")
    shown = ("-re", "-f", "lavfi", "-i", "testsrc2=size=320x192:rate=25")
    heard = ("-f", "lavfi", "-i", "sine=sample_rate=44100")
    encoded = ("-c:v", "libx264", "-preset", "ultrafast", "-g", GROUP, "-c:a", "aac")
    async with ffmpeg(*shown, *heard, *map(str, encoded), "-f", "flv", url):
        await until(lambda: "publish: name='stage'" in nginx_rtmp.log)
        late_ms = await middle_of_a_group(url)
        async with rig(RtmpSource(url), ("flv", "hls")) as made:
            await made.until(lambda: len(made.sink.pictures) >= 10)
        assert made.sink.pictures[0].is_keyframe
        assert {tag.kind for tag in made.sink.tags} >= {AUDIO, VIDEO}
    assert late_ms >= 0


async def middle_of_a_group(url: str) -> int:
    """Wait until a keyframe has passed and 200 ms after it; say when that was in the stream."""
    parser, key_ms = TagParser(), -1
    while True:
        with suppress(SourceFailed):
            async with asyncio.timeout(30), RtmpSource(url).open() as opened:
                async for chunk in opened.chunks:
                    for tag in parser.feed(chunk):
                        video = read_video(tag)
                        if video is not None and video.is_keyframe and video.part == "access_unit":
                            key_ms = tag.timestamp_ms
                        if 0 <= key_ms < tag.timestamp_ms - 200:
                            return tag.timestamp_ms
        parser = TagParser()
