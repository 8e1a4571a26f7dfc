"""Real and synthetic streams through inject, read and strip, judged by FFmpeg's own decoder."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.packet import Packet
from av.stream import Stream
from sei_files import (
    CONTAINERS,
    PLAYABLE,
    RAW_SUFFIX,
    STATE,
    SYNTHETIC,
    check_round_trip,
    codec_of,
    fragment,
    frame_hashes,
    packets,
    pictures,
    plain_remux,
    shared,
    snapshot,
)

from room.position import Position
from sei.errors import BadMedia
from sei.files.inject import inject
from sei.files.read import Found, read
from sei.files.strip import strip
from sei.insertion.state import fixed_state
from sei.packets.packet import with_bytes
from sei.wire.framing import Framing, framing_of
from sei.wire.message import message_unit
from sei.wire.nal import insert_offset, splice, walk


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
        content = bytes(packet)
        at = insert_offset(content, framing)
        assert at is not None
        return with_bytes(packet, splice(content, at, framing, [unit]))

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
