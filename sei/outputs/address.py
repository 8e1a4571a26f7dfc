"""What an output is called: one string of the operator, read once. Pure.

| written | what |
| --- | --- |
| `flv`, `mp4` | players over HTTP: HTTP-FLV, fragmented MP4 |
| `hls`, `hls-fmp4` | HLS from memory, segments of MPEG-TS or fragmented MP4 |
| `…/live.m3u8` | HLS in a folder, segments of MPEG-TS; `fmp4:…/live.m3u8` of MP4 |
| `rtmp://host/app/name` | pushed onward |
| `….flv`, `….ts`, `….mp4`, `….mkv` | a file |
| `-`, `ts:-` | standard output, as FLV or MPEG-TS |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from sei.errors import BadMedia
from sei.rtmp.address import parse_rtmp

OutputKind = Literal["players", "hls", "folder", "rtmp", "file", "stdout"]
OutputFormat = Literal["flv", "mp4", "mpegts", "matroska"]
_SUFFIXES: Final[dict[str, OutputFormat]] = {
    ".flv": "flv",
    ".ts": "mpegts",
    ".mp4": "mp4",
    ".mkv": "matroska",
}
_PLAYLIST: Final = ".m3u8"
_FMP4: Final = "fmp4:"


class Output(NamedTuple):
    """An output's address, checked."""

    kind: OutputKind
    format: OutputFormat
    """Of the stream; of the segments where there are some."""
    target: str
    """The address or path; empty where players come to us."""
    shown: str
    """For logs and people: an address without credentials and query."""

    @property
    def takes_tags(self) -> bool:
        """Whether it is made of FLV tags alone, so that no muxer is needed."""
        return self.kind in ("players", "rtmp") or (
            self.kind in ("file", "stdout") and self.format == "flv"
        )


_BY_NAME: Final = {
    "flv": Output("players", "flv", "", "flv"),
    "mp4": Output("players", "mp4", "", "mp4"),
    "hls": Output("hls", "mpegts", "", "hls"),
    "hls-fmp4": Output("hls", "mp4", "", "hls-fmp4"),
    "-": Output("stdout", "flv", "", "-"),
    "ts:-": Output("stdout", "mpegts", "", "ts:-"),
}


def parse_output(text: str) -> Output:
    """Read an output's address.

    Raises:
        BadMedia: it is none of those above.
    """
    if text in _BY_NAME:
        return _BY_NAME[text]
    if text.lower().startswith(("rtmp:", "rtmps:")):
        return Output("rtmp", "flv", text, parse_rtmp(text).shown)
    path = text.removeprefix(_FMP4)
    if path.lower().endswith(_PLAYLIST) and _is_path(path):
        return Output("folder", "mp4" if path != text else "mpegts", path, text)
    for suffix, name in _SUFFIXES.items():
        if text.lower().endswith(suffix) and len(text) > len(suffix) and _is_path(text):
            return Output("file", name, text, text)
    known = " ".join([*_BY_NAME, "rtmp://…", *(f"FILE{suffix}" for suffix in _SUFFIXES)])
    raise BadMedia(f"{text[:200]!r} is no output; there are {known} FOLDER/live.m3u8")


def parse_outputs(texts: Iterable[str]) -> list[Output]:
    """Read the outputs of one stream; those that would be shown alike are numbered.

    Raises:
        BadMedia: one is no output.
    """
    outputs: list[Output] = []
    times: dict[str, int] = {}
    for output in map(parse_output, texts):
        seen = times[output.shown] = times.get(output.shown, 0) + 1
        shown = output.shown if seen == 1 else f"{output.shown} ({seen})"
        outputs.append(output._replace(shown=shown))
    return outputs


def _is_path(text: str) -> bool:
    """Tell a path from an address of a protocol, which FFmpeg might open."""
    head, colon, _ = text.partition(":")
    return "\x00" not in text and (not colon or "/" in head)
