"""Media files for the tests: where they are, how they are made, what is in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from sei.files.inject import inject
from sei.files.read import read
from sei.files.strip import strip
from sei.insertion.state import fixed_state
from sei.wire.framing import CODECS, Codec, Framing
from sei.wire.message import UUID_BYTES
from sei.wire.nal import walk

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "media"
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
WITH_LENGTHS = {".flv", ".mp4", ".mkv"}
FORMS = {"flv": ".flv", "mp4": ".mp4", "fmp4": ".mp4", "ts": ".ts", "mkv": ".mkv", "raw": ""}
"""Every container, and its suffix; that of a raw stream says its codec."""
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
        av.open(str(target), "w") as output,
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


def remux_as(source: Path, target: Path, form: str, max_pictures: int = 1 << 30) -> None:
    """Copy the first pictures of a stream with PyAV alone, into any of ``FORMS``."""
    with av.open(str(source)) as container:
        sounds = container.streams.audio
        waits = any(not s.codec_context.extradata for s in sounds)  # ADTS
    head = "" if waits else "+empty_moov+delay_moov"
    options = {"movflags": f"frag_keyframe+default_base_moof{head}"} if form == "fmp4" else {}
    with (
        av.open(str(source)) as container,
        av.open(str(target), "w", container_options=options) as output,
    ):
        video = container.streams.video[0]
        kept = [video] if form == "raw" else [video, *container.streams.audio[:1]]
        if form in ("ts", "mkv") and container.format.name != "mpegts":
            # AAC without its configuration would be noise.
            kept = [stream for stream in kept if stream.codec_context.extradata]
        added = {s.index: output.add_stream_from_template(s, opaque=True) for s in kept}
        raw = container.format.name in CODECS
        pictures = 0
        for packet in container.demux(*kept):
            if packet.size == 0:
                continue
            if raw:
                packet.pts = packet.dts = pictures * 48_000
            pictures += packet.stream.index == video.index
            if pictures > max_pictures:
                break
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
    prefixed = source.suffix in WITH_LENGTHS and plain.suffix not in WITH_LENGTHS
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
    # A raw stream has no times; what Matroska leaves out of them we find out.
    if source.suffix not in {*RAW_SUFFIX.values(), ".mkv"}:
        assert [item[2] for item in packets(stripped)] == [item[2] for item in packets(plain)]


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
