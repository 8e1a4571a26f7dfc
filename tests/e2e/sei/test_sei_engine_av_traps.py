"""What live inputs do, and what must not end a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import pytest
from av.packet import Packet
from av.stream import Stream
from packets_live import Lives, Sink, remuxed, rig
from sei_files import frame_hashes, packets, snapshot

from sei.errors import BadMedia, SourceFailed
from sei.files.read import read
from sei.flv.tags import AUDIO, SCRIPT, VIDEO
from sei.insertion.state import Encoder
from sei.insertion.supply import Supply
from sei.packets.engine import EngineHung

Synthetic = Callable[[str], Path]
MPEGTS_START_S = 2**33 / 90_000


def times_ms(sink: Sink) -> list[int]:
    for kind in (AUDIO, VIDEO):
        times = [tag.timestamp_ms for tag in sink.tags if tag.kind == kind]
        assert times == sorted(times)
    return [tag.timestamp_ms for tag in sink.pictures]


def largest_gap(times: list[int]) -> int:
    return max(after - before for before, after in pairwise(times))


async def test_a_transport_stream_joined_in_the_middle_begins_with_its_next_keyframe(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    whole = remuxed(synthetic("slices"), tmp_path / "source.ts")
    async with rig(Lives("mpegts", [whole[len(whole) // 4 :]])) as made:
        await made.live()
    assert made.counts.dropped > 0
    assert made.sink.pictures[0].is_keyframe
    hashes = frame_hashes(made.sink.save(tmp_path / "sink.flv"))
    assert 20 < len(hashes) < 50
    assert hashes == frame_hashes(synthetic("slices"))[-len(hashes) :]


@pytest.mark.parametrize("suffix", [".flv", ".ts"])
async def test_lives_of_an_input_follow_on_each_other(
    suffix: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    content = remuxed(synthetic("slices"), tmp_path / f"source{suffix}")
    names = ["a.ts", "a.mp4", "live.m3u8"]
    source = Lives("flv" if suffix == ".flv" else "mpegts", [content] * 3)
    outputs = ("flv", *(str(tmp_path / name) for name in names))
    async with rig(source, outputs) as made:
        await made.live(3)
    expected = frame_hashes(synthetic("slices")) * 3
    times = times_ms(made.sink)
    assert len(times) == 150
    assert largest_gap(times) < 200
    for path in (made.sink.save(tmp_path / "sink.flv"), *(tmp_path / name for name in names)):
        assert frame_hashes(path) == expected, path.name
    assert [tag.kind for tag in made.sink.tags].count(SCRIPT) == 1
    assert not (tmp_path / "a-2.mp4").exists()


@pytest.mark.parametrize("shift_s", [-900, 40_000])
async def test_a_jump_of_all_times_is_closed_and_sound_stays_with_the_picture(
    shift_s: int, synthetic: Synthetic, tmp_path: Path
) -> None:
    first = remuxed(synthetic("slices"), tmp_path / "first.ts", shift_s=1000)
    second = remuxed(synthetic("slices"), tmp_path / "second.ts", shift_s=1000 + shift_s)
    async with rig(Lives("mpegts", [first + second])) as made:
        await made.live()
    assert made.counts.repaired >= 2
    times = times_ms(made.sink)
    assert largest_gap(times) < 300
    sounds = [tag.timestamp_ms for tag in made.sink.tags if tag.kind == AUDIO]
    assert abs(sounds[-1] - times[-1]) < 300
    assert largest_gap(sounds) < 300


async def test_the_wrap_of_a_transport_streams_clock_is_not_seen(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    content = remuxed(
        synthetic("b pyramid"),
        tmp_path / "source.ts",
        shift_s=MPEGTS_START_S - 1,
        options={"avoid_negative_ts": "disabled"},
    )
    async with rig(Lives("mpegts", [content])) as made:
        await made.live()
    times = times_ms(made.sink)
    assert len(times) == 50
    # The last ones come out of the demuxer behind sound that is later than they are.
    assert times[47] - times[0] == pytest.approx(47 * 40, abs=2)
    assert {after - before for before, after in pairwise(times[:48])} == {40}
    hashes = frame_hashes(made.sink.save(tmp_path / "sink.flv"))
    assert hashes == frame_hashes(synthetic("b pyramid"))


async def test_absurd_times_end_nothing(synthetic: Synthetic, tmp_path: Path) -> None:
    def absurd(packet: Packet[Stream], number: int) -> Packet[Stream]:
        if number % 10 == 0:
            packet.pts = (packet.dts or 0) + 10**9
        return packet

    remuxed(synthetic("slices"), tmp_path / "source.mkv", absurd)
    content = (tmp_path / "source.mkv").read_bytes()
    async with rig(Lives("matroska", [content])) as made:
        await made.live()
    assert len(made.sink.pictures) == 50
    assert times_ms(made.sink)[-1] < 10_000


def in_size(path: Path, width: int, codec: str = "libx264") -> bytes:
    options = {"preset": "ultrafast", "g": "12"}
    if codec == "libx265":
        options["x265-params"] = "log-level=none"
    with av.open(str(path), "w") as output:
        video = output.add_stream(codec, 25, options)
        video.width, video.height = width, 96
        audio = output.add_stream("aac", 44_100)
        picture = f"testsrc2=size={width}x96:rate=25:duration=1,format=yuv420p"
        with (
            av.open(picture, format="lavfi") as shown,
            av.open("sine=duration=1:sample_rate=44100", format="lavfi") as heard,
        ):
            for frame in shown.decode(video=0):
                frame.pict_type = av.video.frame.PictureType.NONE
                output.mux(video.encode(frame))
            output.mux(video.encode(None))
            for sound in heard.decode(audio=0):
                output.mux(audio.encode(sound))
        output.mux(audio.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".flv", ".ts"])
async def test_a_resolution_that_changes_in_mid_stream_is_followed_by_all_outputs(
    suffix: str, tmp_path: Path
) -> None:
    small, large = tmp_path / f"small{suffix}", tmp_path / f"large{suffix}"
    first, second = in_size(small, 160), in_size(large, 320)
    container = "flv" if suffix == ".flv" else "mpegts"
    joined = first + (second[13:] if suffix == ".flv" else second)
    outputs = ("flv", "hls-fmp4", *(str(tmp_path / name) for name in ("a.ts", "a.mp4")))
    async with rig(Lives(container, [joined]), outputs) as made:
        await made.live()
    expected = frame_hashes(small), frame_hashes(large)
    assert frame_hashes(made.sink.save(tmp_path / "sink.flv")) == [*expected[0], *expected[1]]
    assert frame_hashes(tmp_path / "a.ts") == [*expected[0], *expected[1]]
    assert frame_hashes(tmp_path / "a.mp4") == expected[0]
    assert frame_hashes(tmp_path / "a-2.mp4") == expected[1]
    with av.open(str(tmp_path / "a-2.mp4")) as container_2:
        assert container_2.streams.video[0].codec_context.width == 320
    inits = [name for name in made.shelf._kept if name.startswith("init")]
    assert len(inits) == 2
    playlist = (made.shelf.get("live.m3u8") or b"").decode()
    assert playlist.count("#EXT-X-DISCONTINUITY") == 1
    times_ms(made.sink)


async def test_a_codec_that_changes_between_lives_is_followed(tmp_path: Path) -> None:
    first = in_size(tmp_path / "first.flv", 160)
    second = in_size(tmp_path / "second.flv", 160, "libx265")
    outputs = ("flv", str(tmp_path / "a.ts"), str(tmp_path / "a.mp4"), "hls")
    async with rig(Lives("flv", [first, second]), outputs) as made:
        await made.live(2)
    expected = frame_hashes(tmp_path / "first.flv"), frame_hashes(tmp_path / "second.flv")
    assert frame_hashes(tmp_path / "a.mp4") == expected[0]
    assert frame_hashes(tmp_path / "a-2.mp4") == expected[1]
    assert len(made.sink.pictures) >= 50
    assert "#EXT-X-DISCONTINUITY" in (made.shelf.get("live.m3u8") or b"").decode()
    times_ms(made.sink)


async def test_a_codec_that_changes_in_mid_stream_has_the_input_opened_anew(
    tmp_path: Path,
) -> None:
    first = in_size(tmp_path / "first.flv", 160)
    second = in_size(tmp_path / "second.flv", 160, "libx265")
    async with rig(Lives("flv", [first + second[13:]])) as made:
        with pytest.raises(SourceFailed, match="codec changed"):
            await made.live()


@pytest.mark.parametrize("suffix", [".flv", ".ts", ".mkv"])
async def test_a_stream_without_sound_is_a_stream(
    suffix: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    content = remuxed(synthetic("slices"), tmp_path / f"source{suffix}", without="audio")
    container = {".flv": "flv", ".ts": "mpegts", ".mkv": "matroska"}[suffix]
    async with rig(Lives(container, [content]), ("flv", "hls", "hls-fmp4")) as made:
        await made.live()
    assert len(made.sink.pictures) == 50
    assert {tag.kind for tag in made.sink.tags} == {SCRIPT, 9}


def only(kind: str, until_s: float = 0) -> Callable[[Packet[Stream], int], Packet[Stream] | None]:
    """Leave out what is not of a kind, the first moments aside."""

    def change(packet: Packet[Stream], _number: int) -> Packet[Stream] | None:
        late = packet.dts is not None and packet.dts * packet.time_base >= until_s
        return None if late and packet.stream.type != kind else packet

    return change


@pytest.mark.parametrize("suffix", [".flv", ".ts"])
async def test_sound_that_is_declared_and_silent_holds_the_picture_back_by_no_more_than_300_ms(
    suffix: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    content = remuxed(synthetic("slices"), tmp_path / f"source{suffix}", only("video", 0.1))
    source = Lives("flv" if suffix == ".flv" else "mpegts", [content], stays=True)
    async with rig(source) as made:
        # The last picture in a transport stream ends where the next one would begin.
        await made.until(lambda: len(made.sink.pictures) >= 50 - 8)


@pytest.mark.parametrize("suffix", [".flv", ".ts"])
async def test_sound_that_never_comes_holds_up_nothing(
    suffix: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    content = remuxed(synthetic("slices"), tmp_path / f"source{suffix}", only("video", -1))
    source = Lives("flv" if suffix == ".flv" else "mpegts", [content])
    async with rig(source, ("flv", "hls", "hls-fmp4", str(tmp_path / "a.mp4"))) as made:
        await made.live()
    assert frame_hashes(made.sink.save(tmp_path / "sink.flv")) == frame_hashes(synthetic("slices"))
    assert frame_hashes(tmp_path / "a.mp4") == frame_hashes(synthetic("slices"))


def late_sound(packet: Packet[Stream], _number: int) -> Packet[Stream] | None:
    early = packet.dts is not None and packet.dts * packet.time_base < 3
    return None if early and packet.stream.type == "audio" else packet


def long_file(source: Path, target: Path, rounds: int) -> Path:
    """Repeat a stream in a file of its own, times going on."""
    with av.open(str(target), "w") as output:
        added: dict[int, Stream] = {}
        for number in range(rounds):
            with av.open(str(source)) as container:
                for stream in container.streams:
                    if stream.index not in added:
                        made = output.add_stream_from_template(stream, opaque=True)
                        added[stream.index] = made
                for packet in container.demux():
                    if packet.size == 0:
                        continue
                    shift = round(number * 2.2 / packet.time_base)
                    packet.dts, packet.pts = (packet.dts or 0) + shift, (packet.pts or 0) + shift
                    packet.stream = added[packet.stream.index]
                    output.mux(packet)
    return target


async def test_sound_that_begins_late_is_taken_in_from_the_next_keyframe_on(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    source = long_file(synthetic("slices"), tmp_path / "long.mp4", 4)
    content = remuxed(source, tmp_path / "late.ts", late_sound)
    outputs = ("flv", str(tmp_path / "a.mp4"), str(tmp_path / "a.ts"))
    async with rig(Lives("mpegts", [content]), outputs) as made:
        await made.live()
    sounds = [tag for tag in made.sink.tags if tag.kind == AUDIO]
    assert sounds[0].is_configuration
    assert 3_000 <= sounds[1].timestamp_ms <= 4_100
    assert len(frame_hashes(tmp_path / "a.ts")) == 200
    assert any(kind == "audio" for kind, _, _ in packets(tmp_path / "a-2.mp4"))
    times_ms(made.sink)


async def test_sound_that_begins_late_in_flv_has_the_input_opened_anew_once(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    source = long_file(synthetic("slices"), tmp_path / "long.mp4", 4)
    video = remuxed(source, tmp_path / "video.flv", without="audio")
    content = video[:-4] + video[-4:] + remuxed(synthetic("slices"), tmp_path / "both.flv")[13:]
    async with rig(Lives("flv", [content, content])) as made:
        with pytest.raises(SourceFailed, match="sound began late"):
            await made.live()
        await made.live()
    times_ms(made.sink)


@pytest.mark.parametrize("container", ["mpegts", "flv"])
async def test_damage_in_mid_stream_costs_some_pictures_and_no_more(
    container: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    suffix = ".ts" if container == "mpegts" else ".flv"
    content = bytearray(remuxed(synthetic("slices"), tmp_path / f"source{suffix}"))
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(reversed(content[middle : middle + 300]))
    async with rig(Lives("mpegts" if suffix == ".ts" else "flv", [bytes(content)])) as made:
        await made.live()
    assert len(made.sink.pictures) >= 40
    times_ms(made.sink)


async def test_a_new_state_is_in_the_stream_at_once(synthetic: Synthetic, tmp_path: Path) -> None:
    content = remuxed(synthetic("slices"), tmp_path / "source.flv")
    async with rig(Lives("flv", [content, content])) as made:
        await made.live()
        made.box.newest = Supply(9, 2, Encoder("demo").messages(snapshot(2)))
        await made.live()
    assert (made.counts.epoch, made.counts.version) == (9, 2)
    found = list(read(made.sink.save(tmp_path / "sink.flv")))
    versions = [item.snapshot.position.version for item in found if item.snapshot]
    assert versions == sorted(versions)
    assert set(versions) == {1, 2}


async def test_a_cancelled_life_leaves_the_outputs_to_the_next_one(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    content = remuxed(synthetic("slices"), tmp_path / "source.flv")
    source = Lives("flv", [content, content], stays=True)
    path = tmp_path / "live.m3u8"
    async with rig(source, ("flv", str(path))) as made:
        await made.until(lambda: len(made.sink.pictures) > 30)
        await made.until(lambda: len(made.sink.pictures) > 80)
    times_ms(made.sink)
    assert path.read_text().endswith("#EXT-X-ENDLIST\n")
    assert len(frame_hashes(path)) > 60


async def test_a_thread_that_does_not_end_is_reported(
    synthetic: Synthetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sei.packets.engine.END_S", 0.05)
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    async with rig(synthetic("slices")) as made:
        running = asyncio.create_task(made.engine._in_thread(hang))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(EngineHung):
            await running
        release.set()


@pytest.mark.parametrize(
    ("kind", "if_live"), [("video of another codec", BadMedia), ("sound only", SourceFailed)]
)
async def test_what_can_carry_no_messages_is_refused_for_good_unless_pictures_may_begin(
    kind: str, if_live: type[Exception], tmp_path: Path
) -> None:
    path = tmp_path / "source.ts"
    with av.open(str(path), "w") as output:
        if kind == "sound only":
            audio = output.add_stream("aac", 44_100)
            with av.open("sine=duration=1:sample_rate=44100", format="lavfi") as heard:
                for sound in heard.decode(audio=0):
                    output.mux(audio.encode(sound))
        else:
            video = output.add_stream("mpeg2video", 25)
            video.width, video.height = 160, 96
            picture = "testsrc2=size=160x96:rate=25:duration=1,format=yuv420p"
            with av.open(picture, format="lavfi") as shown:
                for frame in shown.decode(video=0):
                    output.mux(video.encode(frame))
    for source, expected in ((path, BadMedia), (Lives("mpegts", [path.read_bytes()]), if_live)):
        async with rig(source) as made:
            with pytest.raises(expected):
                await made.live()
        assert made.sink.tags == []
