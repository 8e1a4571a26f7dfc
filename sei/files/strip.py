"""Take room state out of a media file."""

from __future__ import annotations

from pathlib import Path

from sei.files.remux import remux
from sei.files.report import Progress, Report


def strip(source: Path, target: Path, progress: Progress | None = None) -> Report:
    """Copy a media file without the messages that bear our UUID; all else stays as it is.

    Args:
        source: FLV, MP4, MPEG-TS or raw H.264 or HEVC.
        target: the file to write; its suffix names the container.
        progress: told how many bytes are done, of how many.

    Raises:
        BadMedia: the input cannot be read, or the output not written.
    """
    return remux(source, target, lambda _time_s: (), progress)
