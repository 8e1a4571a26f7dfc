"""CPU of the PyAV path over files, beside ffmpeg over the same file in the same run.

ffmpeg counts as a whole process, as there is no other way to run it. Ours counts twice: the work
alone, and ``seatsync sei inject`` as a process with its interpreter's start. Both sides write a
file, into the same folder.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

from bench.core import full_room
from bench.measure import Row, in_turns, row
from bench.video.cpu import cpu_here, cpu_of
from bench.video.streams import WHAT, make_stream
from room.snapshot import encode_state
from sei.files.inject import inject
from sei.wire.message import UUID_BYTES

_METADATA: Final = ("-bsf:v", f"h264_metadata=sei_user_data={UUID_BYTES.hex()}+state")
_PAIRS: Final = ((".flv", ".ts"), (".ts", ".ts"), (".flv", ".mp4"))
_TURNS: Final = 5


def rows() -> Iterable[Row]:
    """Measure."""
    body = encode_state(full_room(), "anonymous").body
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state = folder / "state.json"
        state.write_bytes(body)
        for old, new in _PAIRS:
            source, target = make_stream(folder, old), folder / f"target{new}"
            what = f"{WHAT}, {old[1:].upper()} to {new[1:].upper()}, into a file"
            here = _fresh(target, partial(_inject, source, target, body))
            plain = _fresh(target, partial(_ffmpeg, source, target))
            filtered = _fresh(target, partial(_ffmpeg, source, target, *_METADATA))
            program = _fresh(target, partial(_program, source, target, state))
            yield _row(what, "ffmpeg -c copy", here, plain)
            yield _row(what, "ffmpeg -c copy -bsf:v h264_metadata", here, filtered)
            yield _row(f"{what}, as a process, start included", "ffmpeg -c copy", program, plain)
            target.unlink(missing_ok=True)


def _row(what: str, beside: str, ours: Callable[[], float], theirs: Callable[[], float]) -> Row:
    return row(what, beside, in_turns(ours, theirs, _TURNS), "{:.3f} s CPU".format)


def _fresh(target: Path, work: Callable[[], float]) -> Callable[[], float]:
    """Let no side pay for the deletion of what the other one wrote."""

    def run() -> float:
        target.unlink(missing_ok=True)
        return work()

    return run


def _inject(source: Path, target: Path, body: bytes) -> float:
    return cpu_here(lambda: _checked(source, target, body))


def _checked(source: Path, target: Path, body: bytes) -> None:
    """A figure of work that was not done would be worth nothing."""
    report = inject(source, target, body)
    if report.injected < report.access_units / 30:
        raise AssertionError(f"only {report.injected} messages went in")


def _program(source: Path, target: Path, state: Path) -> float:
    inject_command = (sys.executable, "-m", "seatsync", "sei", "inject", str(source), str(target))
    return cpu_of((*inject_command, "--state", str(state), "--json"))


def _ffmpeg(source: Path, target: Path, *filters: str) -> float:
    quiet = ("ffmpeg", "-v", "error", "-nostdin", "-y")
    return cpu_of((*quiet, "-i", str(source), "-c", "copy", *filters, str(target)))
