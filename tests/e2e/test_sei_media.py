"""Real and synthetic streams through inject, read and strip, judged by FFmpeg's own decoder."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.packet import Packet
from av.stream import Stream

from room.errors import InvalidArgument
from room.position import Position
from sei.errors import BadMedia
from sei.flv import TagParser, file_header, is_configuration, write_tag
from sei.framing import CODECS, Codec, Framing, framing_of
from sei.inject import inject
from sei.message import UUID_BYTES, message_unit
from sei.nal import insert, walk
from sei.packet import with_bytes
from sei.read import Found, read
from sei.state import fixed_state
from sei.strip import strip

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "media"
PLAYABLE = [
    "bbb_10s.mp4",
    "bipbop.flv",
    "bframes_cabac.264",
    "conformance_BA_MW_D.264",
    "conformance_MR1_BT_A.264",
    "conformance_SVA_CL1_E.264",
    "damaged_idr_lost.264",
    "hevc.mp4",
    "pts_dts.ts",
]
X264 = {
    "slices": "slices=4",
    "aud and hrd": "aud=1:nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500",
    "intra refresh": "intra-refresh=1:bframes=0",
    "open gop": "open-gop=1:bframes=3:keyint=12",
    "b pyramid": "bframes=5:b-pyramid=normal:b-adapt=0",
    "interlaced": "interlaced=1",
}
SYNTHETIC = [*X264, "hevc"]
CONTAINERS = [".flv", ".mp4", ".ts"]
PARAMETER_SETS: dict[Codec, set[int]] = {"h264": {7, 8}, "hevc": {32, 33, 34}}
RAW_SUFFIX: dict[Codec, str] = {"h264": ".264", "hevc": ".265"}


def snapshot(version: int = 1, pad: int = 0) -> bytes:
    head = {"type": "snapshot", "doc": "state", "schema": 1, "view": "anonymous", "room": "demo"}
    rest = {"epoch": 9, "version": version, "ts": 1000 + version, "seats": [], "note": "é" * pad}
    return json.dumps(head | rest, separators=(",", ":"), ensure_ascii=False).encode()


STATE = snapshot()


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not in ../shared/media")
    return path


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a small stream of a kind once and give its file."""
    folder = tmp_path_factory.mktemp("synthetic")

    def make(kind: str) -> Path:
        path = folder / f"{kind.replace(' ', '_')}.mp4"
        if not path.exists():
            encode(path, kind)
        return path

    return make


def encode(path: Path, kind: str) -> None:
    hevc = kind == "hevc"
    options = (
        {"preset": "ultrafast", "x265-params": "log-level=none:keyint=12:bframes=2"}
        if hevc
        else {"preset": "ultrafast", "threads": "1", "g": "24", "x264-params": X264[kind]}
    )
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx265" if hevc else "libx264", 25, options)
        video.width, video.height = 160, 96
        audio = output.add_stream("aac", 44_100)
        with av.open("testsrc2=size=160x96:rate=25:duration=2,format=yuv420p", format="lavfi") as s:
            for frame in s.decode(video=0):
                frame.pict_type = av.video.frame.PictureType.NONE
                output.mux(video.encode(frame))
        output.mux(video.encode(None))
        with av.open("sine=duration=2:sample_rate=44100", format="lavfi") as s:
            for sound in s.decode(audio=0):
                output.mux(audio.encode(sound))
        output.mux(audio.encode(None))


def codec_of(path: Path) -> Codec:
    with av.open(str(path)) as container:
        name = container.streams.video[0].codec_context.name
    return next(codec for codec in CODECS if codec == name)


def plain_remux(source: Path, target: Path) -> None:
    """Copy with PyAV alone: what our copy has to equal, but for the messages."""
    with (
        av.open(str(source)) as container,
        av.open(str(target), "w", container_options={"max_interleave_delta": "200000"}) as output,
    ):
        raw = container.format.name in CODECS
        added = {}
        for stream in container.streams:
            if target.suffix in RAW_SUFFIX.values() and stream.type != "video":
                continue
            if stream.type == "audio" and target.suffix == ".ts" and no_adts_from(source):
                continue
            added[stream.index] = output.add_stream_from_template(stream, opaque=True)
        for number, packet in enumerate(container.demux()):
            if packet.size == 0 or packet.stream.index not in added:
                continue
            if raw:
                packet.pts = packet.dts = number * 48_000
            packet.stream = added[packet.stream.index]
            output.mux(packet)


def no_adts_from(source: Path) -> bool:
    return source.name == "bipbop.flv"  # it has AAC without its configuration


def frame_hashes(path: Path) -> list[str]:
    hashes = []
    with av.open(str(path)) as container:
        for frame in frames(container):
            digest = hashlib.sha256()
            for plane in frame.planes:
                content, line = memoryview(plane), plane.line_size
                for row in range(plane.height):
                    digest.update(content[row * line : row * line + plane.width])
            hashes.append(digest.hexdigest())
    return hashes


def frames(container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    for packet in container.demux(video=0):
        try:
            yield from packet.decode()
        except av.InvalidDataError:  # damaged on purpose
            continue


def packets(path: Path) -> list[tuple[str, bytes, tuple[object, ...]]]:
    """List kind, bytes and times of every packet."""
    with av.open(str(path)) as container:
        return [
            (
                packet.stream.type,
                bytes(packet),
                (packet.pts, packet.dts, packet.duration, packet.is_keyframe),
            )
            for packet in container.demux()
            if packet.size
        ]


def pictures(path: Path) -> list[bytes]:
    return [content for kind, content, _ in packets(path) if kind == "video"]


def without_parameter_sets(packet: bytes, codec: Codec) -> list[bytes]:
    framing = Framing(codec)
    dropped = PARAMETER_SETS[codec]
    return [packet[s.start : s.end] for s in walk(packet, framing) if s.kind not in dropped]


def seen_by_decoder(path: Path) -> list[bytes]:
    """List the bodies of our messages as FFmpeg's decoder shows them: the last of each frame."""
    bodies = []
    with av.open(str(path)) as container:
        for frame in frames(container):
            side = frame.side_data
            for index in range(len(side)):
                content = bytes(side[index])
                if side[index].type.name == "SEI_UNREGISTERED" and content.startswith(UUID_BYTES):
                    bodies.append(content[16:])
    return bodies


def check_round_trip(source: Path, suffix: str, tmp_path: Path) -> None:
    plain, made, stripped = (tmp_path / f"{name}{suffix}" for name in ("plain", "made", "stripped"))
    plain_remux(source, plain)
    report = inject(source, made, fixed_state(STATE))
    assert report.injected > 0
    assert report.removed == 0

    found = list(read(made))
    assert len(found) == report.injected
    assert all(item.crc_holds and item.snapshot for item in found)
    assert {item.snapshot.body for item in found if item.snapshot} == {STATE}
    assert all(item.pts_s is not None for item in found)

    # A raw stream says nothing of times; copied without them it is played out of order.
    expected_frames = frame_hashes(source if source.suffix in RAW_SUFFIX.values() else plain)
    assert len(expected_frames) > 0
    assert frame_hashes(made) == expected_frames

    shown = seen_by_decoder(made)
    assert 0 < len(shown) <= report.injected
    assert all(STATE in body for body in shown)

    assert strip(made, stripped).removed == report.injected
    check_equal_but_for_order(source, plain, stripped)
    assert list(read(stripped)) == []


def check_equal_but_for_order(source: Path, plain: Path, stripped: Path) -> None:
    codec = codec_of(source)
    prefixed = source.suffix in {".mp4", ".flv"} and plain.suffix not in {".mp4", ".flv"}
    if prefixed:
        # FFmpeg puts parameter sets behind an SEI, and only on IDR pictures; we put them in front,
        # and on every keyframe.
        assert [without_parameter_sets(content, codec) for content in pictures(stripped)] == [
            without_parameter_sets(content, codec) for content in pictures(plain)
        ]
    else:
        assert pictures(stripped) == pictures(plain)
    others = [item for item in packets(stripped) if item[0] != "video"]
    assert others == [item for item in packets(plain) if item[0] != "video"]
    if source.suffix not in RAW_SUFFIX.values():
        assert [item[2] for item in packets(stripped)] == [item[2] for item in packets(plain)]


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("name", PLAYABLE)
def test_a_stream_made_by_others_carries_the_state_and_is_else_unchanged(
    name: str, suffix: str, tmp_path: Path
) -> None:
    check_round_trip(shared(name), suffix, tmp_path)


@pytest.mark.parametrize("name", PLAYABLE)
def test_a_raw_stream_carries_the_state_and_is_else_unchanged(name: str, tmp_path: Path) -> None:
    source = shared(name)
    check_round_trip(source, RAW_SUFFIX[codec_of(source)], tmp_path)


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("kind", SYNTHETIC)
def test_every_way_of_coding_carries_the_state_and_is_else_unchanged(
    kind: str, suffix: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    check_round_trip(synthetic(kind), suffix, tmp_path)


@pytest.mark.parametrize("first", CONTAINERS)
@pytest.mark.parametrize("second", CONTAINERS)
def test_a_stream_that_carries_a_state_may_be_remuxed_and_gets_a_new_one(
    first: str, second: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    old, new = tmp_path / f"old{first}", tmp_path / f"new{second}"
    before = inject(synthetic("b pyramid"), old, fixed_state(snapshot(1)))
    after = inject(old, new, fixed_state(snapshot(2)))
    assert after.removed == before.injected
    assert {item.snapshot.position for item in read(new) if item.snapshot} == {Position(9, 2)}
    assert frame_hashes(new) == frame_hashes(old)


def test_raw_pictures_are_shown_in_the_order_in_which_they_are_decoded_to(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source, raw, made = synthetic("b pyramid"), tmp_path / "raw.264", tmp_path / "made.mp4"
    strip(source, raw)
    strip(raw, made)
    assert frame_hashes(made) == frame_hashes(source)
    with av.open(str(made)) as container:
        times = [frame.pts for frame in container.decode(video=0)]
    steps = {after - before for before, after in itertools.pairwise(times)}
    assert len(steps) == 1


def test_the_state_changes_at_its_time_and_never_backwards_in_decoding_order(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    made = tmp_path / "made.flv"
    bodies = [snapshot(version) for version in range(1, 5)]
    inject(synthetic("b pyramid"), made, lambda time_s: bodies[int(time_s * 2)])
    positions = [item.snapshot.position for item in read(made) if item.snapshot]
    assert positions == sorted(positions)
    assert set(positions) == {Position(9, version) for version in range(1, 5)}


def test_before_a_state_is_known_the_stream_carries_none(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    made = tmp_path / "made.mp4"
    inject(synthetic("slices"), made, lambda time_s: STATE if time_s >= 1 else None)
    assert min(found_times(made)) == pytest.approx(1, abs=0.05)


def found_times(path: Path) -> list[float]:
    return [item.pts_s for item in read(path) if item.pts_s is not None]


def test_a_large_state_goes_in_pieces_and_comes_back_whole(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    made = tmp_path / "made.ts"
    noise = "".join(f"{hashlib.sha256(bytes((n,))).hexdigest()}" for n in range(40))
    body = json.dumps(json.loads(STATE) | {"note": noise}, separators=(",", ":")).encode()
    inject(synthetic("slices"), made, fixed_state(body), max_message_bytes=400)
    found = list(read(made))
    assert found[0].message is not None
    assert found[0].message.count > 3
    assert {item.snapshot.body for item in found if item.snapshot} == {body}


@pytest.mark.parametrize(
    ("kind", "expected"), [("slices", [9, 7, 8, 6, 6, 5]), ("hevc", [35, 32, 33, 34, 39, 39])]
)
def test_on_a_transport_stream_parameter_sets_stand_once_and_before_the_state(
    kind: str, expected: list[int], synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source, made = synthetic(kind), tmp_path / "made.ts"
    inject(source, made, fixed_state(STATE))
    kinds = [span.kind for span in walk(pictures(made)[0], Framing(codec_of(source)))]
    assert kinds[: len(expected)] == expected
    assert not set(kinds[len(expected) :]) & {7, 8, 32, 33, 34}


def rewrite_video(
    source: Path, target: Path, change: Callable[[Packet[Stream], Framing, int], Packet[Stream]]
) -> None:
    """Copy a file with PyAV, changing its video packets."""
    with av.open(str(source)) as container, av.open(str(target), "w") as output:
        stream = container.streams.video[0]
        extradata = bytes(stream.codec_context.extradata or b"")
        framing = framing_of("h264", extradata)
        added = output.add_stream_from_template(stream, opaque=True)
        numbered = enumerate(packet for packet in container.demux(stream) if packet.size)
        for number, packet in numbered:
            made = change(packet, framing, number)
            made.stream = added
            output.mux(made)


def test_messages_that_a_publisher_forged_are_taken_out(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    forged, made = tmp_path / "forged.flv", tmp_path / "made.flv"

    def forge(packet: Packet[Stream], framing: Framing, _number: int) -> Packet[Stream]:
        unit = message_unit(b"SS1 forged", framing.codec)
        return with_bytes(packet, insert(bytes(packet), framing, [unit]))

    rewrite_video(synthetic("slices"), forged, forge)
    broken: list[Found] = list(read(forged))
    assert len(broken) == 50
    assert all(item.problem and not item.crc_holds for item in broken)
    assert inject(forged, made, fixed_state(STATE)).removed == 50
    assert all(item.snapshot for item in read(made))


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_decoding_times_that_run_backwards_are_repaired(
    suffix: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    twice, made = tmp_path / "twice.flv", tmp_path / f"made{suffix}"
    plain_remux(synthetic("slices"), tmp_path / "once.flv")
    once = (tmp_path / "once.flv").read_bytes()
    twice.write_bytes(once + once[13:])  # as an encoder that restarted; 13 bytes of file header
    report = inject(twice, made, fixed_state(STATE))
    assert report.access_units == 100
    decoded = [times[1] for kind, _, times in packets(made) if kind == "video"]
    assert decoded == sorted(set(decoded))
    assert frame_hashes(made) == frame_hashes(synthetic("slices")) * 2
    assert report.duration_s == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("suffix", [".flv", ".ts"])
def test_parameter_sets_that_change_in_mid_stream_stay_in_force(
    suffix: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source, made = tmp_path / "source.flv", tmp_path / f"made{suffix}"
    parts = []
    for kind in ("slices", "b pyramid"):
        plain_remux(synthetic(kind), tmp_path / "part.flv")
        parts.append((tmp_path / "part.flv").read_bytes())
    source.write_bytes(parts[0] + parts[1][13:])
    report = inject(source, made, fixed_state(STATE))
    assert frame_hashes(made) == frame_hashes(synthetic("slices")) + frame_hashes(
        synthetic("b pyramid")
    )
    assert len([item for item in read(made) if item.snapshot]) == report.injected


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_sound_is_kept(suffix: str, synthetic: Callable[[str], Path], tmp_path: Path) -> None:
    made = tmp_path / f"made{suffix}"
    report = inject(synthetic("slices"), made, fixed_state(STATE))
    assert report.dropped_streams == ()
    assert any(kind == "audio" for kind, _, _ in packets(made))


@pytest.mark.parametrize(
    ("suffix", "codec", "kept_by"),
    [
        (".mp4", "mov_text", {".mp4"}),
        (".ts", "dvb_subtitle", {".ts"}),
        (".ts", "klv", {".ts"}),
        (".ts", "timed_id3", {".ts"}),
    ],
)
def test_subtitles_and_other_streams_are_kept_where_the_container_can_hold_them(
    suffix: str,
    codec: str,
    kept_by: set[str],
    synthetic: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    source = tmp_path / f"source{suffix}"
    add_stream(synthetic("slices"), source, codec)
    for target in (tmp_path / f"made{suffix}" for suffix in CONTAINERS):
        report = inject(source, target, fixed_state(STATE))
        others = b"".join(content for kind, content, _ in packets(target) if kind != "video")
        assert (b"hello" in others) == (target.suffix in kept_by)
        assert len(report.dropped_streams) == (target.suffix not in kept_by)


def add_stream(source: Path, target: Path, codec: str) -> None:
    with av.open(str(source)) as container, av.open(str(target), "w") as output:
        video = output.add_stream_from_template(container.streams.video[0], opaque=True)
        is_subtitle = codec in {"mov_text", "dvb_subtitle"}
        other = output.add_mux_stream(codec) if is_subtitle else output.add_data_stream(codec)
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = video
                output.mux(packet)
        cue: Packet[Stream] = Packet(b"\x00\x05hello")
        cue.time_base, cue.pts, cue.dts, cue.duration = Fraction(1, 1000), 500, 500, 400
        cue.stream = other
        output.mux(cue)


def fragment(source: Path, target: Path) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"}
    with (
        av.open(str(source)) as container,
        av.open(str(target), "w", container_options=options) as output,
    ):
        video = output.add_stream_from_template(container.streams.video[0], opaque=True)
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = video
                output.mux(packet)


def test_a_fragmented_mp4_is_read(synthetic: Callable[[str], Path], tmp_path: Path) -> None:
    source, made = tmp_path / "source.mp4", tmp_path / "made.ts"
    fragment(synthetic("slices"), source)
    assert inject(source, made, fixed_state(STATE)).access_units == 50
    assert frame_hashes(made) == frame_hashes(source)


def test_what_a_raw_stream_cannot_hold_is_named_in_the_report(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    report = strip(synthetic("slices"), tmp_path / "made.264")
    assert report.dropped_streams == ("1:audio",)


def test_progress_ends_at_the_size_of_the_file(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tmp_path / "long.ts"
    parts = [tmp_path / "part.ts"] * 3
    strip(synthetic("slices"), parts[0])
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    told: list[tuple[int, int]] = []
    strip(source, tmp_path / "made.flv", lambda done, total: told.append((done, total)))
    size = source.stat().st_size
    assert told[-1] == (size, size)
    assert len(told) > 1
    assert told == sorted(told)


def test_an_output_that_is_there_is_replaced_only_by_a_whole_one(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    made, empty = tmp_path / "made.flv", tmp_path / "empty.mp4"
    made.write_bytes(b"what was there")
    empty.touch()
    with pytest.raises(BadMedia):
        strip(empty, made)
    assert made.read_bytes() == b"what was there"
    strip(synthetic("slices"), made)
    assert made.read_bytes().startswith(b"FLV")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.mp4", "made.flv"]


# Refusals -----------------------------------------------------------------------------------------


def refused(source: Path, target: Path) -> str:
    """Check that a file is refused by one line, by inject and strip alike; give the line."""
    before = sorted(target.parent.iterdir())
    with pytest.raises(BadMedia) as from_inject:
        inject(source, target, fixed_state(STATE))
    with pytest.raises(BadMedia) as from_strip:
        strip(source, target)
    assert sorted(target.parent.iterdir()) == before
    message = from_inject.value.message
    assert message == from_strip.value.message
    assert "\n" not in message
    assert from_inject.value.code == "INVALID_ARGUMENT"
    return message


@pytest.mark.parametrize("suffix", [*CONTAINERS, ".264"])
def test_encrypted_samples_are_refused(suffix: str, tmp_path: Path) -> None:
    source = shared("encrypted_cbcs.mp4")
    assert "encrypted" in refused(source, tmp_path / f"out{suffix}")
    with pytest.raises(BadMedia, match="encrypted"):
        list(read(source))


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_stream_without_pictures_is_refused(suffix: str, tmp_path: Path) -> None:
    assert "no pictures" in refused(shared("zero_length.ts"), tmp_path / f"out{suffix}")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_an_mp4_that_is_cut_short_is_refused(
    share: float, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    whole = synthetic("slices").read_bytes()
    source = tmp_path / "cut.mp4"
    source.write_bytes(whole[: int(len(whole) * share)])
    refused(source, tmp_path / "out.flv")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_an_mp4_with_its_index_in_front_that_is_cut_short_is_refused(
    share: float, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    front, source = tmp_path / "front.mp4", tmp_path / "cut.mp4"
    with (
        av.open(str(synthetic("slices"))) as container,
        av.open(str(front), "w", container_options={"movflags": "faststart"}) as output,
    ):
        stream = output.add_stream_from_template(container.streams.video[0], opaque=True)
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    whole = front.read_bytes()
    source.write_bytes(whole[: int(len(whole) * share)])
    refused(source, tmp_path / "out.ts")


def test_an_flv_that_is_cut_within_a_tag_is_refused(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tmp_path / "cut.flv"
    plain_remux(synthetic("slices"), source)
    source.write_bytes(source.read_bytes()[:-400])
    assert "cut short" in refused(source, tmp_path / "out.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".flv", ".ts", ".264", ".bin"])
@pytest.mark.parametrize("size", [0, 1, 5000])
def test_bytes_that_are_no_media_are_refused(suffix: str, size: int, tmp_path: Path) -> None:
    source = tmp_path / f"noise{suffix}"
    source.write_bytes(hashlib.shake_256(b"seed").digest(size))
    refused(source, tmp_path / "out.flv")


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_damaged_files_are_copied_or_refused_and_nothing_else(
    suffix: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    whole, source = tmp_path / f"whole{suffix}", tmp_path / f"damaged{suffix}"
    inject(synthetic("slices"), whole, fixed_state(STATE))
    content = whole.read_bytes()
    chance = random.Random(7)
    outcomes = set()
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 10, 100])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        source.write_bytes(damaged)
        try:
            list(read(source))
            inject(source, tmp_path / "made.ts", fixed_state(STATE))
            outcomes.add("copied")
        except BadMedia:
            outcomes.add("refused")
    assert "copied" in outcomes
    assert not list(tmp_path.glob("*.part"))


def test_flv_without_a_decoder_configuration_is_refused(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tmp_path / "source.flv"
    plain_remux(synthetic("slices"), source)
    tags = [tag for tag in TagParser().feed(source.read_bytes()) if not is_configuration(tag)]
    header = file_header(has_audio=True, has_video=True)
    source.write_bytes(header + b"".join(map(write_tag, tags)))
    assert "no decoder configuration" in refused(source, tmp_path / "out.mp4")


def test_a_header_with_no_pictures_behind_it_is_refused(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tmp_path / "init.mp4"
    fragment(synthetic("slices"), source)
    source.write_bytes(source.read_bytes().partition(b"moof")[0][:-4])
    assert "no pictures" in refused(source, tmp_path / "out.mp4")


def test_damaged_pictures_without_times_are_shown_when_they_are_decoded(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source, made = tmp_path / "source.264", tmp_path / "made.mp4"
    strip(synthetic("b pyramid"), source)
    content = bytearray(source.read_bytes())
    for span in list(walk(bytes(content), Framing("h264")))[10:20]:
        content[span.start + 1 : span.end] = b"\xff" * (span.end - span.start - 1)
    source.write_bytes(content)
    assert inject(source, made, fixed_state(STATE)).access_units == 50
    assert frame_hashes(made) == frame_hashes(source)


def test_a_message_forged_into_the_decoder_configuration_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source.mp4"
    encode(source, "hevc")
    content = source.read_bytes()
    x265 = bytes.fromhex("2ca2de09b51747dbbb55a4fe7fc2fc4e")  # names itself inside hvcC
    assert x265 in content
    source.write_bytes(content.replace(x265, UUID_BYTES))
    assert "configuration" in refused(source, tmp_path / "out.ts")


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "missing.mp4", tmp_path / "out.mp4")
    refused(tmp_path, tmp_path / "out.mp4")


def test_a_playlist_cannot_open_another_file(tmp_path: Path) -> None:
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1\nother.ts\n#EXT-X-ENDLIST\n")
    refused(playlist, tmp_path / "out.mp4")


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "sound.mp4"
    with av.open(str(source), "w") as output:
        audio = output.add_stream("aac", 44_100)
        with av.open("sine=duration=1:sample_rate=44100", format="lavfi") as tone:
            for sound in tone.decode(audio=0):
                output.mux(audio.encode(sound))
        output.mux(audio.encode(None))
    assert "no video stream" in refused(source, tmp_path / "out.mp4")


def test_a_codec_that_carries_no_messages_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "old.mp4"
    with av.open(str(source), "w") as output:
        video = output.add_stream("mpeg4", 25)
        video.width, video.height = 64, 64
        for number in range(5):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    assert "mpeg4" in refused(source, tmp_path / "out.mp4")


@pytest.mark.parametrize("name", ["out.avi", "out", "out.mp4.txt"])
def test_an_unknown_container_is_refused(
    name: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    assert "suffix" in refused(synthetic("slices"), tmp_path / name)


@pytest.mark.parametrize(("kind", "suffix"), [("slices", ".265"), ("hevc", ".264")])
def test_a_container_that_cannot_hold_the_codec_is_refused(
    kind: str, suffix: str, synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    assert "cannot hold" in refused(synthetic(kind), tmp_path / f"out{suffix}")


def test_a_file_is_not_written_over_itself(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    source, link = tmp_path / "same.mp4", tmp_path / "link.mp4"
    source.write_bytes(synthetic("slices").read_bytes())
    link.symlink_to(source)
    assert "same file" in refused(source, source)
    assert "same file" in refused(source, link)


def test_no_name_is_taken_for_a_network_address(
    synthetic: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tcp:").mkdir()
    strip(synthetic("slices"), Path("tcp:/made.flv"))
    inject(Path("tcp:/made.flv"), Path("tcp:/again.ts"), fixed_state(STATE))
    assert sorted(path.name for path in Path("tcp:").iterdir()) == ["again.ts", "made.flv"]


def test_a_folder_that_is_not_there_is_refused(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(BadMedia):
        strip(synthetic("slices"), tmp_path / "nowhere" / "out.mp4")


def test_a_state_for_members_only_leaves_no_file(
    synthetic: Callable[[str], Path], tmp_path: Path
) -> None:
    member = STATE.replace(b'"anonymous"', b'"member"')
    with pytest.raises(InvalidArgument):
        inject(synthetic("slices"), tmp_path / "out.mp4", lambda _time_s: member)
    assert list(tmp_path.iterdir()) == []
