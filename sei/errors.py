"""What may go wrong on the SEI channel, in addition to ``room.errors``."""

from __future__ import annotations

from room.errors import InvalidArgument, SeatsyncError


class BadPayload(SeatsyncError):
    """The body of a message bears our UUID and does not follow SEI.md 1."""

    code = "MALFORMED"


class BadFlv(SeatsyncError):
    """The bytes are not an FLV stream, or it lost its synchronisation."""

    code = "MALFORMED"


class BadRtmp(SeatsyncError):
    """What a peer sent does not follow RTMP, or is more than is taken."""

    code = "MALFORMED"


class TooManyChunks(SeatsyncError):
    """A snapshot does not fit into the messages that the format allows."""

    code = "TOO_LARGE"


class BadMedia(InvalidArgument):
    """A media file cannot be read, or cannot be written as asked."""


class SourceFailed(SeatsyncError):
    """The source of a live stream broke off."""


class RtmpFailed(SeatsyncError):
    """An RTMP peer is not there, silent, refuses, or broke off."""
