"""Sound of every kind, through every kind of output: there, or said to be left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from packets_live import Lives, Rig, rig
from sei_files import frame_hashes

from sei.flv.tags import AUDIO
from sei.source import ContainerName

SOUNDS = {"aac": "aac", "mp3": "libmp3lame", "ac3": "ac3", "opus": "libopus", "mp2": "mp2"}
"""Codecs, and what encodes them."""
HELD: dict[str, set[str]] = {
    "flv": {"aac", "mp3", "ac3", "opus"},
    "hls": set(SOUNDS),
    "hls-fmp4": set(SOUNDS),
    ".ts": set(SOUNDS),
    ".mp4": set(SOUNDS),
    ".mkv": set(SOUNDS),
}
"""What each output has a place for."""
SAME_IN_MP4 = {"mp2": "mp3"}
"""ISO base media files do not tell the layers of MPEG audio apart."""
CASES = [(codec, suffix) for codec in SOUNDS for suffix in (".ts", ".mp4")]
CASES.remove(("mp2", ".mp4"))


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Make a file whose sound is of a codec."""
    folder = tmp_path_factory.mktemp("sounds")

    def make(codec: str, suffix: str) -> Path:
        path = folder / f"{codec}{suffix}"
        if not path.exists():
            encode(path, [codec])
        return path

    return make


def encode(path: Path, codecs: list[str], *, subtitles: bool = False) -> None:
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", 25, {"preset": "ultrafast", "g": "25"})
        video.width, video.height = 160, 96
        tracks = [output.add_stream(SOUNDS[codec], 48_000) for codec in codecs]
        if subtitles:
            output.add_stream("dvbsub")
        shown = "testsrc2=size=160x96:rate=25:duration=2,format=yuv420p"
        with av.open(shown, format="lavfi") as pictures:
            for frame in pictures.decode(video=0):
                frame.pict_type = av.video.frame.PictureType.NONE
                output.mux(video.encode(frame))
        output.mux(video.encode(None))
        for track in tracks:
            tone = "sine=duration=2:sample_rate=48000,aformat=channel_layouts=stereo"
            with av.open(tone, format="lavfi") as tones:
                for sound in tones.decode(audio=0):
                    output.mux(track.encode(sound))
            output.mux(track.encode(None))


def sounds_in(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        found = [stream.codec_context.codec.canonical_name for stream in container.streams.audio]
        heard = {packet.stream.index for packet in container.demux() if packet.size}
        assert heard == {stream.index for stream in container.streams}
    return found


def whole(made: Rig, name: str, folder: Path) -> Path:
    """Give what an output brought as one file."""
    if name == "flv":
        return made.sink.save(folder / "sink.flv")
    if not name.startswith("hls"):
        return Path(name)
    text = made.shelf.get("live.m3u8" if name == "hls" else "fmp4.m3u8")
    assert text is not None
    parts = []
    for line in text.decode().splitlines():
        is_map = line.startswith("#EXT-X-MAP:")
        address = line.split('"')[1] if is_map else line
        if is_map or not line.startswith("#"):
            parts.append(made.shelf.get(address.rpartition("/")[2]))
    assert None not in parts
    path = folder / ("whole.ts" if name == "hls" else "whole.mp4")
    path.write_bytes(b"".join(part for part in parts if part))
    return path


@pytest.mark.parametrize(("codec", "suffix"), CASES)
async def test_sound_of_every_codec_is_taken_along_or_said_to_be_left_out(
    codec: str, suffix: str, encoded: Callable[[str, str], Path], tmp_path: Path
) -> None:
    source = encoded(codec, suffix)
    files = [str(tmp_path / f"out{end}") for end in (".ts", ".mp4", ".mkv")]
    outputs = ("flv", "hls", "hls-fmp4", *files)
    given = Lives("mpegts", [source.read_bytes()]) if suffix == ".ts" else source
    async with rig(given, outputs) as made:
        await made.live()
    for name in outputs:
        is_held = codec in HELD[Path(name).suffix or name]
        expected = "live" if is_held else f"live, without 1:{codec}"
        assert made.counts.outputs[name] == expected, name
        path = whole(made, name, tmp_path)
        found = SAME_IN_MP4.get(codec, codec) if path.suffix == ".mp4" else codec
        assert sounds_in(path) == ([found] if is_held else []), name
        assert frame_hashes(path) == frame_hashes(source), name


async def test_what_no_output_or_not_every_output_has_a_place_for_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "source.ts"
    encode(source, ["aac", "mp2", "mp3"], subtitles=True)
    target = str(tmp_path / "out.ts")
    async with rig(source, ("flv", "hls", target)) as made:
        await made.live()
    said = made.counts.outputs
    assert said["flv"] == "live, without 2:mp2, 3:mp3, 4:subtitle"
    assert said["hls"] == said[target] == "live, without 4:subtitle"
    assert [record.stream for record in caplog.records if "left out" in record.message] == ["demo"]
    assert len({tag.encoded[11] >> 4 for tag in made.sink.tags if tag.kind == AUDIO}) == 1


@pytest.mark.parametrize("container", ["mpegts", "unknown"])
async def test_video_that_is_not_the_first_one_is_said_to_be_left_out(
    container: ContainerName, tmp_path: Path
) -> None:
    source = tmp_path / "source.ts"
    with av.open(str(source), "w") as output:
        tracks = [output.add_stream("libx264", 25, {"preset": "ultrafast"}) for _ in range(2)]
        shown = "testsrc2=size=160x96:rate=25:duration=1,format=yuv420p"
        for track in tracks:
            track.width, track.height = 160, 96
        with av.open(shown, format="lavfi") as pictures:
            for frame in pictures.decode(video=0):
                for track in tracks:
                    output.mux(track.encode(frame))
        for track in tracks:
            output.mux(track.encode(None))
    async with rig(Lives(container, [source.read_bytes()])) as made:
        await made.live()
    assert made.counts.outputs["flv"] == "live, without 1:video"
