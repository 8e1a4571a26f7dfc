"""Hostile files: a clear error or a right result, in bounded time, never a part of an output."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.packet import Packet
from sei_files import STATE, encode, remux_as

from sei.errors import BadMedia
from sei.files.inject import inject
from sei.files.read import read
from sei.files.strip import strip
from sei.wire.framing import Framing, framing_of
from sei.wire.message import message_unit
from sei.wire.nal import insert_offset, splice

FORMS = {"flv": ".flv", "mp4": ".mp4", "fmp4": ".mp4", "ts": ".ts", "mkv": ".mkv"}
Stream = Callable[[str], Path]


def taken_or_refused(source: Path, folder: Path) -> set[str]:
    """Put a file through everything; give what happened, which is a copy or one clear line.

    Of a copy our reader finds every message that went in.
    """
    outcomes = set()
    for suffix in (".flv", ".ts", ".mp4", ".mkv"):
        target = folder / f"made{suffix}"
        try:
            report = inject(source, target, STATE)
        except BadMedia as error:
            assert "\n" not in error.message  # noqa: PT017 - a copy is right too
            assert not target.exists()
            outcomes.add("refused")
        else:
            assert len([item for item in read(target) if item.crc_holds]) == report.injected
            target.unlink()
            outcomes.add("copied")
        assert not list(folder.glob(".*.part"))
    return outcomes


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_ends_anywhere_is_copied_or_refused(
    form: str, synthetic: Stream, tmp_path: Path
) -> None:
    whole, source = tmp_path / f"whole{FORMS[form]}", tmp_path / f"cut{FORMS[form]}"
    remux_as(synthetic("slices"), whole, form)
    content = whole.read_bytes()
    chance = random.Random(form)
    places = [1, 8, 13, 100, len(content) - 1, *(chance.randrange(len(content)) for _ in range(8))]
    for place in places:
        source.write_bytes(content[:place])
        taken_or_refused(source, tmp_path)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["b pyramid", "hevc"])
@pytest.mark.parametrize("form", FORMS)
def test_a_file_with_bytes_gone_wrong_is_copied_or_refused(
    form: str, kind: str, seed: int, synthetic: Stream, tmp_path: Path
) -> None:
    whole, source = tmp_path / f"whole{FORMS[form]}", tmp_path / f"wrong{FORMS[form]}"
    remux_as(synthetic(kind), whole, form)
    content = whole.read_bytes()
    chance = random.Random(f"{form}{seed}")
    for damage in (1, 3, 10, 30, 100, 300, 1000, 3000):
        wrong = bytearray(content)
        for _ in range(damage):
            wrong[chance.randrange(len(wrong))] = chance.randrange(256)
        source.write_bytes(wrong)
        taken_or_refused(source, tmp_path)


def rewritten(source: Path, target: Path, change: Callable[[bytes, Framing, int], bytes]) -> None:
    """Copy the video of a file with other bytes in its packets."""
    with av.open(str(source)) as container, av.open(str(target), "w") as output:
        stream = container.streams.video[0]
        framing = framing_of("h264", bytes(stream.codec_context.extradata or b""))
        added = output.add_stream_from_template(stream, opaque=True)
        for number, packet in enumerate(item for item in container.demux(stream) if item.size):
            made: Packet[av.video.stream.VideoStream] = Packet(
                change(bytes(packet), framing, number)
            )
            made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
            made.is_keyframe, made.stream = packet.is_keyframe, added
            output.mux(made)


def put(content: bytes, framing: Framing, units: list[bytes]) -> bytes:
    at = insert_offset(content, framing)
    assert at is not None
    return splice(content, at, framing, units)


@pytest.mark.parametrize("suffix", [".flv", ".mp4"])
def test_lengths_beyond_the_packet_are_left_out_or_refused(
    suffix: str, synthetic: Stream, tmp_path: Path
) -> None:
    source = tmp_path / f"source{suffix}"
    huge = b"\xff\xff\xff\xff\x41more"
    rewritten(
        synthetic("slices"),
        source,
        lambda content, _f, n: content + huge if n % 7 == 3 else content,
    )
    assert "copied" in taken_or_refused(source, tmp_path)
    made = tmp_path / "out.ts"
    assert inject(source, made, STATE).access_units == 50


@pytest.mark.parametrize("suffix", [".flv", ".mp4"])
def test_an_endless_sei_is_carried_or_refused_within_bounds(
    suffix: str, synthetic: Stream, tmp_path: Path
) -> None:
    source = tmp_path / f"source{suffix}"
    foreign = b"\x06" + (b"\x04\x02ab" * 100_000) + b"\x80"
    ours = [message_unit(b"SS1 forged", "h264")] * 1_000
    large = b"\x06\x05" + b"\xff" * 12_000 + b"\x00" + b"x" * (255 * 12_000) + b"\x80"

    def change(content: bytes, framing: Framing, number: int) -> bytes:
        return put(content, framing, {3: [foreign], 5: ours, 7: [large]}.get(number, []))

    rewritten(synthetic("slices"), source, change)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = taken_or_refused(source, tmp_path)
    assert outcomes
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 300_000
    for target in (tmp_path / "clean.mp4", tmp_path / "clean.ts"):
        if "copied" in outcomes:
            assert strip(source, target).removed == 1_000


@pytest.mark.parametrize("suffix", [".ts", ".mp4", ".mkv"])
@pytest.mark.parametrize("start", [(1 << 33) - 90_000, (1 << 40), -90_000 * 5])
def test_absurd_times_are_carried_or_refused(
    start: int, suffix: str, synthetic: Stream, tmp_path: Path
) -> None:
    source = tmp_path / f"source{suffix}"
    with av.open(str(synthetic("slices"))) as container, av.open(str(source), "w") as output:
        stream = container.streams.video[0]
        added = output.add_stream_from_template(stream, opaque=True)
        for number, packet in enumerate(item for item in container.demux(stream) if item.size):
            packet.time_base = Fraction(1, 90_000)
            packet.dts = packet.pts = start + number * 3600
            packet.stream = added
            output.mux(packet)
    assert "copied" in taken_or_refused(source, tmp_path)


def test_a_time_out_of_all_range_is_refused(synthetic: Stream, tmp_path: Path) -> None:
    source, target = tmp_path / "source.mkv", tmp_path / "out.mp4"
    with av.open(str(synthetic("slices"))) as container, av.open(str(source), "w") as output:
        stream = container.streams.video[0]
        added = output.add_stream_from_template(stream, opaque=True)
        for number, packet in enumerate(item for item in container.demux(stream) if item.size):
            packet.time_base = Fraction(1, 1000)
            packet.dts = packet.pts = number * 40 + (1 << 61 if number > 20 else 0)
            packet.stream = added
            output.mux(packet)
    with pytest.raises(BadMedia):
        inject(source, target, STATE)
    assert list(tmp_path.glob(".*.part")) == []
    assert not target.exists()


def test_a_time_beyond_what_a_container_can_hold_between_two_pictures_is_refused(
    synthetic: Stream, tmp_path: Path
) -> None:
    source, target = tmp_path / "source.flv", tmp_path / "out.mp4"
    remux_as(synthetic("slices"), source, "flv")
    content = bytearray(source.read_bytes())
    tags = [(at, body) for at, body in flv_tags(bytes(content)) if content[at] == 9]
    for at, _ in tags[20:]:
        content[at + 7] = 0x60  # the highest byte of the time: eighteen days later
    source.write_bytes(content)
    with pytest.raises(BadMedia, match="time"):
        inject(source, target, STATE)
    assert not target.exists()


def flv_tags(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Give where each tag of a file begins, and its body."""
    at = 13
    while at < len(content):
        size = int.from_bytes(content[at + 1 : at + 4], "big")
        yield at, content[at + 11 : at + 11 + size]
        at += 15 + size


@pytest.mark.parametrize("suffix", [".flv", ".mp4", ".ts"])
def test_pictures_whose_parameter_sets_are_nonsense_are_refused(
    suffix: str, synthetic: Stream, tmp_path: Path
) -> None:
    # Matroska tells width and height beside them, so that the head alone looks whole.
    source, target = tmp_path / "source.mkv", tmp_path / f"out{suffix}"
    remux_as(synthetic("slices"), source, "mkv")
    with av.open(str(source)) as container:
        extradata = bytes(container.streams.video[0].codec_context.extradata or b"")
    wrong = extradata[:8] + b"\xff" * (len(extradata) - 8)
    content = source.read_bytes()
    assert content.count(extradata) == 1
    source.write_bytes(content.replace(extradata, wrong))
    with pytest.raises(BadMedia):
        inject(source, target, STATE)
    assert not target.exists()


@pytest.mark.parametrize(("codec", "suffix"), [("libvpx-vp9", ".mkv"), ("mpeg4", ".mkv")])
def test_another_codec_is_refused_by_its_name(codec: str, suffix: str, tmp_path: Path) -> None:
    source = tmp_path / f"source{suffix}"
    with av.open(str(source), "w") as output:
        video = output.add_stream(codec, 25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    with pytest.raises(BadMedia, match=r"vp9|mpeg4"):
        inject(source, tmp_path / "out.mp4", STATE)


def test_a_stream_whose_parameter_sets_are_missing_is_copied_or_refused(
    tmp_path: Path,
) -> None:
    whole, source = tmp_path / "whole.mp4", tmp_path / "source.264"
    encode(whole, "slices")
    strip(whole, source)
    content = source.read_bytes()
    at = content.index(b"\x00\x00\x00\x01\x65") if b"\x00\x00\x00\x01\x65" in content else 60
    source.write_bytes(content[at:])
    taken_or_refused(source, tmp_path)
