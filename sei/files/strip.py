"""Take room state out of a media file."""

from __future__ import annotations

from pathlib import Path

from sei.files.remux import remux
from sei.files.report import Progress, Report


def strip(
    source: Path,
    target: Path,
    progress: Progress | None = None,
    *,
    container: str | None = None,
) -> Report:
    """Copy a media file without the messages that bear our UUID; all else stays as it is.

    Args:
        source: FLV, MP4, MPEG-TS, Matroska or raw H.264 or HEVC; ``-``: standard input.
        target: the file to write; ``-``: standard output.
        progress: told how many bytes are done, of how many.
        container: what to write, of ``output.CONTAINERS``; None: what the suffix says.

    Raises:
        BadMedia: the input cannot be read, or the output not written.
    """
    return remux(source, target, lambda _time_s: (), progress, container=container)
