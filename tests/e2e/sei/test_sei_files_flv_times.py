"""FLV files whose times run back, as FLV files: put right by the way through a muxer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from sei_files import STATE, frame_hashes, packets, plain_remux

from sei.files.inject import inject
from sei.files.read import read
from sei.files.strip import strip

Stream = Callable[[str], Path]
AUDIO, VIDEO = 8, 9


def with_times_back(content: bytes, kind: int, *, from_tag: int, by_ms: int) -> bytes:
    """Set the times of one kind of tags back, from one of them on."""
    made, at, count = bytearray(content), 13, 0
    while at < len(content):
        if content[at] == kind:
            count += 1
            if count > from_tag:
                time_ms = int.from_bytes(content[at + 4 : at + 7], "big") - by_ms
                assert time_ms >= 0
                made[at + 4 : at + 7] = time_ms.to_bytes(3, "big")
        at += 15 + int.from_bytes(content[at + 1 : at + 4], "big")
    return bytes(made)


@pytest.mark.parametrize("by_ms", [30, 400])
@pytest.mark.parametrize("kind", [AUDIO, VIDEO])
def test_a_file_whose_sound_or_pictures_run_back_is_put_right(
    kind: int, by_ms: int, synthetic: Stream, tmp_path: Path
) -> None:
    source, made, clean = (tmp_path / f"{name}.flv" for name in ("source", "made", "clean"))
    plain_remux(synthetic("slices"), source)
    whole = frame_hashes(source)
    sizes = {item[0]: 0 for item in packets(source)}
    wrong = with_times_back(source.read_bytes(), kind, from_tag=30, by_ms=by_ms)
    source.write_bytes(wrong)

    report = inject(source, made, STATE)
    assert len([item for item in read(made) if item.crc_holds]) == report.injected > 0
    assert strip(made, clean).removed == report.injected
    for target in (made, clean):
        assert frame_hashes(target) == whole
        for name in sizes:
            times = [item[2][1] for item in packets(target) if item[0] == name]
            assert all(first <= later for first, later in itertools.pairwise(times))  # type: ignore[operator]  # numbers
    sounds = [item[1] for item in packets(source) if item[0] == "audio"]
    assert [item[1] for item in packets(made) if item[0] == "audio"] == sounds


def test_an_aac_configuration_in_the_midst_that_bears_the_time_0_is_no_step_back(
    synthetic: Stream, tmp_path: Path
) -> None:
    source, made = tmp_path / "source.flv", tmp_path / "made.flv"
    plain_remux(synthetic("slices"), source)
    content = source.read_bytes()
    at, tags = 13, []
    while at < len(content):
        size = 15 + int.from_bytes(content[at + 1 : at + 4], "big")
        tags.append(content[at : at + size])
        at += size
    again = next(tag for tag in tags if tag[0] == AUDIO and tag[12] == 0)
    assert again[4:8] == bytes(4)
    source.write_bytes(content[:13] + b"".join([*tags[:40], again, *tags[40:]]))
    inject(source, made, STATE)
    assert made.read_bytes().count(again) == 2  # by tags: a muxer would not have kept it
