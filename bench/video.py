"""CPU of an injection into a file, beside a plain PyAV remux of the same file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import av

from bench.core import full_room
from bench.measure import Row, in_turns, row
from room.snapshot import encode_state
from sei.files.inject import inject
from sei.files.remux import remux
from sei.insertion.state import fixed_state

SECONDS = 240


def rows() -> Iterable[Row]:
    """Measure."""
    states = fixed_state(encode_state(full_room(), "anonymous").body)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source.flv"
        _make(source)
        for suffix in (".flv", ".ts", ".mp4"):
            target = folder / f"target{suffix}"
            raw = in_turns(
                lambda target=target: _cpu(inject, source, target, states),
                lambda target=target: _cpu(remux, source, target, lambda _time_s: (), None),
            )
            what = f"inject into {SECONDS} s of FLV, to {suffix[1:]}"
            yield row(what, "the same path with nothing to inject", raw, "{:.3f} s CPU".format)


def _cpu(work: Callable[..., Any], *arguments: Any) -> float:
    before = time.process_time()
    work(*arguments)
    return time.process_time() - before


def _make(path: Path) -> None:
    """Make a noisy stream of about 3 Mbps: 1280x720 at 30 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.bit_rate = 1280, 720, 3_000_000
        stream.options = {"preset": "ultrafast", "g": "60", "tune": "zerolatency"}
        with av.open(
            f"testsrc2=size=1280x720:rate=30:duration={SECONDS}", format="lavfi"
        ) as picture:
            for frame in picture.decode(video=0):
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
