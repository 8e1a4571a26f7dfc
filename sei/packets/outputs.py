"""The engine's outputs, as a stream's configuration names them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from room.errors import InvalidArgument
from sei.config import StreamConfig
from sei.counts import Counts
from sei.outputs.address import parse_output
from sei.outputs.fresh import open_fresh
from sei.outputs.shelf import PLAYLIST, Shelf
from sei.packets.backlog import Backlog, Gate
from sei.packets.handover import Handover
from sei.packets.layout import Output
from sei.packets.muxed import MAX_SAID_CHARACTERS, Say
from sei.packets.places import Folder, ShelfPlace
from sei.packets.recording import Recording
from sei.packets.segments import Naming, Segments, segment_suffix
from sei.packets.tags import TagOutput
from sei.packets.writer import Writer, open_stdout

SECOND_PLAYLIST: Final = "fmp4.m3u8"
_TO_PLAYERS: Final = ("flv", "mp4")


class Outputs:
    """Makes outputs.

    Args:
        config: of the stream.
        counts: of the stream; states of outputs go there.
        stop: ends every wait.
        waits: whether the input waits for an output that is behind, instead of leaving out.
    """

    def __init__(
        self, config: StreamConfig, counts: Counts, stop: threading.Event, *, waits: bool
    ) -> None:
        self._config: Final = config
        self._counts: Final = counts
        self._stop: Final = stop
        self._waits: Final = waits

    def tags(self, handover: Handover) -> Output:
        """Make the one that all sinks of tags share."""
        gate = Gate(handover.backlog, self._counts, waits=self._waits)
        players = [self._say(name) for name in self._config.outputs if name in _TO_PLAYERS]

        def say(what: str) -> None:
            for player in players:
                player(what)

        return TagOutput(handover, gate, say)

    def other(self, name: str, shelf: Shelf | None) -> Output:
        """Make one that is not of tags.

        Raises:
            BadMedia: nothing is known by that name.
            InvalidArgument: it needs a shelf.
        """
        output = parse_output(name)
        if output.kind == "hls":
            return self._shelved(name, output.format, shelf)
        if output.kind == "folder":
            return self._folder(name, output.format, Path(output.target))
        if output.kind == "stdout":
            return self._recording(name, output.format, open_stdout)
        return self._recording(name, output.format, partial(open_fresh, Path(output.target)))

    def backlog(self) -> Backlog:
        """Make what an output's waiting bytes are counted in."""
        return Backlog(self._stop)

    def _say(self, name: str) -> Say:
        def say(what: str) -> None:
            self._counts.outputs[name] = what[:MAX_SAID_CHARACTERS]

        return say

    def _recording(
        self, name: str, format_name: str, open_target: Callable[[], BinaryIO]
    ) -> Output:
        say = self._say(name)
        writer = Writer(name, self.backlog(), say)
        gate = Gate(writer.backlog, self._counts, waits=self._waits)
        return Recording(name, format_name, open_target, writer, gate, say)

    def _shelved(self, name: str, format_name: str, shelf: Shelf | None) -> Output:
        if shelf is None:
            raise InvalidArgument(f"{name} needs a shelf")
        is_second = name == "hls-fmp4" and "hls" in self._config.outputs
        naming = Naming(SECOND_PLAYLIST) if is_second else Naming(PLAYLIST, "", self._prefix)
        return Segments(format_name, ShelfPlace(shelf), naming, self._say(name), time.time)

    def _folder(self, name: str, format_name: str, path: Path) -> Output:
        say = self._say(name)
        folder = Folder(path.parent, Writer(name, self.backlog(), say))
        folder.remove_listed(path.name, segment_suffix(format_name))
        naming = Naming(path.name, f"{path.stem}-")
        return Segments(format_name, folder, naming, say, time.time)

    @property
    def _prefix(self) -> str:
        return f"{self._config.name}/"
