"""What a stream's tags go to: players, pushes, files, standard output."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from sei.counts import Counts
from sei.flv.stream_tag import TagSink
from sei.outputs.address import Output
from sei.outputs.distinct import Distinct
from sei.outputs.fanout import LiveStream
from sei.outputs.flv_file import FlvFile
from sei.outputs.fresh import open_fresh
from sei.outputs.rtmp_push import RtmpPush

_STDOUT: Final = 1


class Sinks:
    """The sinks of one stream, made from its outputs.

    Args:
        outputs: of the stream; those that no tags go to are left to the engine.
        counts: of the stream; the state of each output is written there.

    Raises:
        BadMedia: an address is malformed.
    """

    def __init__(self, outputs: Sequence[Output], counts: Counts) -> None:
        self._counts: Final = counts
        self._skips_counted = 0
        self._forms: Final = [output.shown for output in _of(outputs, "players")]
        self.live: Final = LiveStream() if _of(outputs, "players") else None
        self._pushes: Final = [
            RtmpPush(output.target, counts, shown=output.shown) for output in _of(outputs, "rtmp")
        ]
        self._files: Final = [
            FlvFile(output.shown, _opener(output), partial(self._say, output.shown))
            for output in (*_of(outputs, "file"), *_of(outputs, "stdout"))
            if output.takes_tags
        ]

    @property
    def every(self) -> list[TagSink]:
        """All of them, behind one; none where there is none."""
        live = () if self.live is None else (self.live,)
        sinks = [*live, *self._pushes, *self._files]
        return [Distinct(sinks)] if sinks else []

    def start(self) -> None:
        """Begin to write and to connect; to be called in the event loop."""
        for file in self._files:
            file.start()
        for push in self._pushes:
            push.start()

    async def drained(self) -> None:
        """Wait until files have little left to write; live inputs do not wait for that."""
        for file in self._files:
            await file.drained()

    def break_off(self) -> None:
        """Hear that the input broke off: each output goes on with a keyframe."""
        for push in self._pushes:
            push.break_off()
        for file in self._files:
            file.break_off()
        if self.live is not None:
            self.live.break_off()

    def count(self) -> None:
        """Bring the counts up to date."""
        skips = sum(file.skips for file in self._files)
        if self.live is not None:
            self._counts.players = self.live.player_count
            skips += self.live.skips
            if self.live.started.is_set():
                for form in self._forms:
                    self._counts.outputs.setdefault(form, "live")
        self._counts.skips += skips - self._skips_counted  # pushes count theirs themselves
        self._skips_counted = skips

    async def close(self) -> None:
        """Let players go, drain pushes, and close files; each bounds its own end."""
        if self.live is not None:
            self.live.close()
        ends = [file.close() for file in self._files] + [push.close() for push in self._pushes]
        for error in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(error, BaseException):
                raise error

    def _say(self, name: str, what: str) -> None:
        self._counts.outputs[name] = what


def _of(outputs: Sequence[Output], kind: str) -> list[Output]:
    return [output for output in outputs if output.kind == kind]


def _opener(output: Output) -> Callable[[], BinaryIO]:
    if output.kind == "stdout":
        return _open_stdout
    return partial(open_fresh, Path(output.target))


def _open_stdout() -> BinaryIO:
    return open(_STDOUT, "wb", closefd=False)
