"""Every stream through every pair of containers: the same frames as a plain copy, every message."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from sei_files import (
    FORMS,
    PLAYABLE,
    RAW_SUFFIX,
    STATE,
    SYNTHETIC,
    check_equal_but_for_order,
    codec_of,
    frame_hashes,
    remux_as,
    shared,
)

from sei.files.inject import inject
from sei.files.read import read
from sei.files.strip import strip

PICTURES = 40
"""Of each stream, so that the whole matrix takes a minute; ``-m soak`` takes all."""
Stream = Callable[[str], Path]


@pytest.fixture(scope="module")
def stream(synthetic: Stream) -> Stream:
    """Give a stream by its kind or name."""
    return lambda name: synthetic(name) if name in SYNTHETIC else shared(name)


@pytest.mark.parametrize("into", FORMS)
@pytest.mark.parametrize("name", [*SYNTHETIC, *PLAYABLE])
def test_the_beginning_of_a_stream_passes_from_every_container(
    name: str, into: str, stream: Stream, tmp_path: Path
) -> None:
    for form in FORMS:
        check_pair(stream(name), form, into, tmp_path, PICTURES)


@pytest.mark.soak
@pytest.mark.parametrize(("form", "into"), list(itertools.product(FORMS, FORMS)))
@pytest.mark.parametrize("name", [*SYNTHETIC, *PLAYABLE])
def test_a_whole_stream_passes_through_every_pair(
    name: str, form: str, into: str, stream: Stream, tmp_path: Path
) -> None:
    check_pair(stream(name), form, into, tmp_path, 1 << 30)


def copied(source: Path, target: Path, form: str) -> bool:
    """Copy with PyAV alone, which can't where Matroska leaves decoding times out; we can."""
    try:
        remux_as(source, target, form)
    except av.FFmpegError:
        assert source.suffix == ".mkv"
        return False
    return True


def check_pair(original: Path, form: str, into: str, folder: Path, pictures: int) -> None:
    codec = codec_of(original)
    source = folder / f"source-{form}{FORMS[form] or RAW_SUFFIX[codec]}"
    suffix = FORMS[into] or RAW_SUFFIX[codec]
    plain, made, clean = (folder / f"{part}-{form}{suffix}" for part in ("plain", "made", "clean"))
    if original.suffix in RAW_SUFFIX.values():
        cut = folder / f"cut{original.suffix}"
        remux_as(original, cut, "raw", pictures)
        strip(cut, source, container="fmp4" if form == "fmp4" else None)  # it finds the times out
    else:
        remux_as(original, source, form, pictures)
    is_plain_possible = copied(source, plain, into)
    container = "fmp4" if into == "fmp4" else None

    report = inject(source, made, STATE, container=container)
    assert report.injected > 0
    found = list(read(made))
    assert len(found) == report.injected
    assert {item.snapshot.body for item in found if item.snapshot} == {STATE}
    assert all(item.snapshot for item in found)

    # A raw stream says nothing of times; copied without them it is played out of order. Matroska
    # may say nothing of durations; copied without them MP4 ends before its last picture.
    expected = frame_hashes(plain if is_plain_possible and form not in ("raw", "mkv") else source)
    assert len(expected) > 0
    assert frame_hashes(made) == expected

    assert strip(made, clean, container=container).removed == report.injected
    again = folder / f"again-{form}{suffix}"
    if is_plain_possible and copied(plain, again, into):  # as often as what was stripped
        check_equal_but_for_order(source, again, clean)
    assert list(read(clean)) == []
