"""An FLV file to an FLV file, with no demuxer."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final, NamedTuple

from sei.errors import BadFlv
from sei.flv.positions import Patch, patches
from sei.flv.rewriter import FlvRewriter
from sei.flv.video import Messages
from sei.insertion.cadence import Injection
from sei.wire.framing import Codec

_READ_BYTES: Final = 1024 * 1024


class FlvCopied(NamedTuple):
    """What was done to a file."""

    codec: Codec | None
    access_units: int
    injected: int
    removed: int
    bytes_in: int
    is_odd: bool = False
    """Whether sound runs back in time, or some pictures are H.264 and some HEVC; all was copied as
    it came."""


def copy_flv(
    source: BinaryIO,
    target: BinaryIO,
    messages: Messages,
    injection: Injection = "on",
    progress: Callable[[int], None] | None = None,
) -> FlvCopied:
    """Rewrite a file to its end.

    Args:
        source: read from where it stands; unbuffered is fastest.
        target: written to. Where it can seek, the offsets in the script data are put right.
        messages: what is to go in, by the time of the tags in ms.
        injection: when it goes in; ``off`` takes foreign messages out and no more.
        progress: told how many bytes have been read.

    Raises:
        BadFlv: it is not FLV, out of step, or ends within a tag.
        BadMedia: it is encrypted, or its lengths are too small for a message.
    """
    rewriter = FlvRewriter(messages, injection)
    begin = target.tell() if target.seekable() else None
    beginning, done = b"", 0
    while chunk := source.read(_READ_BYTES):
        beginning = beginning or chunk
        for piece in rewriter.feed(chunk):
            _write(target, piece)
        done += len(chunk)
        if progress is not None:
            progress(done)
    if rewriter.held_bytes or not done:
        raise BadFlv(f"the file ends within a tag: {rewriter.held_bytes} bytes are left over")
    if begin is not None:
        _put_right(target, begin, patches(beginning, rewriter.growths))
    video = rewriter.video
    return FlvCopied(
        video.codec,
        video.access_units,
        video.injected,
        video.removed,
        done,
        rewriter.sound_runs_back or rewriter.video.codec_changes,
    )


def _put_right(target: BinaryIO, begin: int, wrong: list[Patch]) -> None:
    end = target.tell()
    for patch in wrong:
        target.seek(begin + patch.at)
        _write(target, patch.content)
    target.seek(end)


def _write(target: BinaryIO, piece: bytes | memoryview) -> None:
    """Write all of it; an unbuffered file may take less at once."""
    written = target.write(piece)
    while written < len(piece):
        written += target.write(piece[written:])
