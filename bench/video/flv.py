"""CPU of FLV to FLV by the tag rewriter, beside ffmpeg over the same file in the same run.

ffmpeg counts as a whole process, as there is no other way to run it. Ours counts twice: the work
alone, as in a relay that runs anyway, and as a process with its interpreter's start.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from bench.core import full_room
from bench.measure import Row, in_turns, row
from bench.video import inject_flv
from bench.video.cpu import cpu_here, cpu_of
from bench.video.inject_flv import inject
from bench.video.streams import WHAT, make_stream
from room.snapshot import encode_state
from sei.wire.message import UUID_BYTES

_METADATA: Final = ("-bsf:v", f"h264_metadata=sei_user_data={UUID_BYTES.hex()}+state")
_COPY: Final = "ffmpeg -c copy"
_NOWHERE: Final = Path(os.devnull)


def rows() -> Iterable[Row]:
    """Measure."""
    snapshot = encode_state(full_room(), "anonymous").body
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, target = make_stream(folder), folder / "target.flv"
        _check(snapshot, source)

        def ours(to: Path) -> Callable[[], float]:
            return lambda: cpu_here(lambda: inject(snapshot, source, to))

        def theirs(to: Path, *filters: str) -> Callable[[], float]:
            return lambda: cpu_of(_ffmpeg(source, to, *filters))

        what = f"inject into {WHAT}, FLV to FLV"
        discarded = f"{what}, output discarded"
        filtered = f"{_COPY} -bsf:v h264_metadata"
        yield _row(discarded, _COPY, ours(_NOWHERE), theirs(_NOWHERE))
        yield _row(discarded, filtered, ours(_NOWHERE), theirs(_NOWHERE, *_METADATA))
        yield _row(f"{what}, into a file", _COPY, ours(target), theirs(target))
        (folder / "snapshot.json").write_bytes(snapshot)
        program = (sys.executable, inject_flv.__file__, str(folder / "snapshot.json"))
        command = (*program, str(source), str(_NOWHERE))
        alone = f"{discarded}, as a process with its start"
        yield _row(alone, _COPY, lambda: cpu_of(command), theirs(_NOWHERE))


def _row(what: str, beside: str, ours: Callable[[], float], theirs: Callable[[], float]) -> Row:
    return row(what, beside, in_turns(ours, theirs), "{:.3f} s CPU".format)


def _ffmpeg(source: Path, target: Path, *filters: str) -> tuple[str, ...]:
    quiet = ("ffmpeg", "-v", "error", "-nostdin", "-y")
    return (*quiet, "-i", str(source), "-c", "copy", *filters, "-f", "flv", str(target))


def _check(snapshot: bytes, source: Path) -> None:
    """A figure of work that was not done would be worth nothing."""
    done = inject(snapshot, source, _NOWHERE)
    if done.injected < done.access_units / 30:
        raise AssertionError(f"only {done.injected} messages went in")
