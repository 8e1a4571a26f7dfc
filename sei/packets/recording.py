"""A stream written down: to a file, or to standard output.

| container | where its tracks or their parameters change |
| --- | --- |
| MPEG-TS | the same file goes on: a new run of the muxer, its counters joined |
| MP4, in fragments; Matroska | the next file begins, under the next free name |

All of them are readable while they grow, whatever ends the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from sei.packets.backlog import Gate
from sei.packets.continuity import ContinuityCounters
from sei.packets.layout import Item, Layout
from sei.packets.muxed import Runs, Say
from sei.packets.muxer import wants_in_band
from sei.packets.writer import Target, Writer


class Recording:
    """An output of bytes.

    Args:
        name: for logs.
        format_name: FFmpeg's name of the container.
        open_target: opens what is written to; once, or once a file.
        writer: writes; closed with the recording.
        gate: what to leave out when the writer is behind.
        say: told of the output's state.
    """

    def __init__(
        self,
        name: str,
        format_name: str,
        open_target: Callable[[], BinaryIO],
        writer: Writer,
        gate: Gate,
        say: Say,
    ) -> None:
        self.wants_in_band: Final = wants_in_band(format_name)
        self._open_target: Final = open_target
        self._writer: Final = writer
        self._gate: Final = gate
        self._runs: Final = Runs(name, format_name, say, self._begin)
        self._counters: Final = ContinuityCounters() if format_name == "mpegts" else None
        self._target: Target | None = None

    def write(self, item: Item, layout: Layout) -> None:
        """Take a packet."""
        if not self._writer.failed and self._gate.admits(item):
            self._runs.write(item, layout, self._emit)

    def close(self) -> None:
        """Finish the file."""
        self._runs.end(self._emit)
        self._end_target()
        self._writer.close()

    def _begin(self) -> None:
        if self._target is None or self._counters is None:
            self._end_target()
            self._target = Target(self._open_target)

    def _end_target(self) -> None:
        if self._target is not None:
            self._writer.submit(self._target.close)
            self._target = None

    def _emit(self, stream: bytes) -> None:
        if not stream or self._target is None:
            return
        chunk = stream if self._counters is None else self._counters.join(stream)
        target = self._target
        self._writer.submit(lambda: target.write(chunk), len(chunk))
