"""What is no stream, or none that may carry a state: one clear line, and no file left."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from sei_files import CONTAINERS, STATE, encode, fragment, frame_hashes, plain_remux, shared

from room.errors import InvalidArgument
from sei.errors import BadMedia
from sei.files.inject import inject
from sei.files.read import read
from sei.files.strip import strip
from sei.flv.tags import TagParser, file_header, is_configuration, write_tag
from sei.insertion.state import fixed_state
from sei.wire.framing import Framing
from sei.wire.message import UUID_BYTES
from sei.wire.nal import walk

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
