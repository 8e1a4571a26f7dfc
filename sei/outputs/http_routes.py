"""Which stream, in which form, an address is for.

| path | what |
| --- | --- |
| ``/live/<stream>.flv`` | HTTP-FLV |
| ``/live/<stream>.mp4`` | fragmented MP4 |
| ``/live/<stream>.m3u8`` | the playlist of HLS |
| ``/live/<stream>/<segment>`` | a segment of it |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from room.errors import SeatsyncError
from sei.outputs.fanout import LiveStream
from sei.outputs.forms import FormName
from sei.outputs.outlet import Outlet
from sei.outputs.shelf import PLAYLIST, Shelf

_PATH: Final = re.compile(
    r"/live/([A-Za-z0-9_-]{1,64})(?:\.(flv|mp4|m3u8)|/([A-Za-z0-9._-]{1,128}))"
)
CONTENT_TYPES: Final = {
    "flv": "video/x-flv",
    "mp4": "video/mp4",
    "m3u8": "application/vnd.apple.mpegurl",
    "ts": "video/mp2t",
    "m4s": "video/iso.segment",
}
_FORMS: Final[dict[str, FormName]] = {"flv": "flv", "mp4": "mp4"}
_UNKNOWN_TYPE: Final = "application/octet-stream"
_KEEP_SEGMENT: Final = "public, max-age=3600"
_KEEP_PLAYLIST: Final = "no-cache, max-age=1"


class NotFound(SeatsyncError):
    """There is nothing at an address."""

    code = "NOT_FOUND"


class UnknownStream(NotFound):
    """This worker has no stream of that name."""


class StreamAway(SeatsyncError):
    """The stream should be here, and is being started."""

    code = "UNAVAILABLE"


FindOutlet = Callable[[str], object | None]
"""Gives the ``Outlet`` of a stream by its name."""


class Live(NamedTuple):
    """An endless answer."""

    stream: LiveStream
    form: FormName
    content_type: str


class Kept(NamedTuple):
    """A content that is in memory."""

    content: bytes
    content_type: str
    cache: str


def find(path: str, find_outlet: FindOutlet) -> Live | Kept:
    """Find what a path is for.

    Raises:
        UnknownStream: there is no such stream here; there may be elsewhere.
        NotFound: there is nothing at the path.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise NotFound("there is nothing at this address")
    name, form, segment = match.groups()
    outlet = find_outlet(name)
    if not isinstance(outlet, Outlet):
        raise UnknownStream("there is no such stream")
    if form in _FORMS:
        if outlet.live is None or form not in outlet.forms:
            raise NotFound(f"the stream is not offered as {form}")
        return Live(outlet.live, _FORMS[form], CONTENT_TYPES[form])
    return _kept(outlet.shelf, segment or PLAYLIST)


def _kept(shelf: Shelf | None, name: str) -> Kept:
    content = None if shelf is None else shelf.get(name)
    if content is None:
        raise NotFound("there is no such segment")
    suffix = name.rpartition(".")[2]
    cache = _KEEP_PLAYLIST if suffix == "m3u8" else _KEEP_SEGMENT
    return Kept(content, CONTENT_TYPES.get(suffix, _UNKNOWN_TYPE), cache)
