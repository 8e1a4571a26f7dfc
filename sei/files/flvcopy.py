"""FLV files to FLV files by the tag rewriter: all but the pictures' messages stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from sei.errors import BadFlv, BadMedia
from sei.files.media import Media, explained
from sei.files.output import FAILED, whole_file
from sei.files.report import Meter, Progress, Report
from sei.files.track import MessagesAt
from sei.flv.filecopy import FlvCopied, copy_flv
from sei.insertion.cadence import Injection


def may_stay_tags(media: Media) -> bool:
    """Tell whether an input is an FLV file that the tag rewriter can copy."""
    return media.container.format.name == "flv" and not media.is_pipe


def copy_tags(
    source: Path,
    target: Path,
    messages_at: MessagesAt,
    progress: Progress | None,
    injection: Injection,
) -> Report | None:
    """Copy an FLV file that was judged before.

    Returns:
        What was done; None where its times run back, which only a muxer puts right, or the
        codec changes on the way, which no muxer takes: then there is no output.

    Raises:
        BadMedia: it is broken or without pictures, or the output cannot be written.
    """
    times = _Times(messages_at)
    meter = Meter(source.stat().st_size, progress)
    try:
        with whole_file(source, target) as partial, source.open("rb", buffering=0) as reader:
            with explained(target, FAILED), partial.open("wb", buffering=0) as writer:
                copied = _copied(reader, writer, times, injection, meter)
            if not copied.access_units:
                raise BadMedia(f"{source.name}: holds no pictures")
    except BadFlv as error:
        raise BadMedia(f"{source.name}: {error.message}") from error
    except _Odd:
        return None
    meter.finish()
    return Report(
        access_units=copied.access_units,
        injected=copied.injected,
        removed=copied.removed,
        duration_s=times.duration_s,
        dropped_streams=(),
    )


def _copied(
    reader: BinaryIO, writer: BinaryIO, times: _Times, injection: Injection, meter: Meter
) -> FlvCopied:
    copied = copy_flv(reader, writer, times.messages, injection, meter.tell)
    if copied.is_odd:
        raise _Odd
    return copied


class _Odd(Exception):
    """Times run back, or the codec changes: what only a demuxer can judge."""


class _Times:
    """Watches the times of the pictures while it gives the messages for them."""

    def __init__(self, messages_at: MessagesAt) -> None:
        self._messages_at: Final = messages_at
        self._start_ms = -1
        self._last_ms = 0
        self._step_ms = 0

    @property
    def duration_s(self) -> float:
        """Stream time so far."""
        return (self._last_ms - self._start_ms + self._step_ms) / 1000

    def messages(self, time_ms: int) -> tuple[bytes, ...]:
        """Give those for a picture."""
        if self._start_ms < 0:
            self._start_ms = self._last_ms = time_ms
        self._step_ms = time_ms - self._last_ms
        if self._step_ms < 0:
            raise _Odd
        self._last_ms = time_ms
        return self._messages_at((time_ms - self._start_ms) / 1000)
