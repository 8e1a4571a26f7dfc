"""FLV in, FLV out: what needs no change is handed on as a piece of what came in, uncopied."""

from __future__ import annotations

from typing import Final

from sei.flv.feed import TagFeed
from sei.flv.positions import Growth
from sei.flv.video import Messages, VideoRewriter
from sei.insertion.cadence import Injection


class FlvRewriter(TagFeed):
    """Takes the bytes of an FLV file in pieces and gives those of the rewritten one.

    File header, script, audio and all that is not H.264 or HEVC leave as they came.

    Args:
        messages: what is to go in, by the time of the tags.
        injection: when it goes in.
    """

    def __init__(self, messages: Messages, injection: Injection = "on") -> None:
        super().__init__(VideoRewriter(messages, injection), every=False)
        self._pieces: list[bytes | memoryview] = []
        self._done = 0
        """Up to where the buffer in hand has been given."""
        self._begun_at = 0
        self._before = 0
        """How much of the input came before the buffer in hand."""
        self.growths: Final[list[Growth]] = []
        """The tags that changed their size."""

    def feed(self, chunk: bytes) -> list[bytes | memoryview]:
        """Take bytes; give what can be written now, in order.

        The views are of ``chunk``, which must not change before they are written.

        Raises:
            BadFlv: it is not FLV, out of step, or beyond a bound.
            BadMedia: it is encrypted, or its lengths are too small for a message.
        """
        self._pieces = []
        self._take(chunk)
        return self._pieces

    def rewrite(self, chunk: bytes) -> bytes:
        """Do the same, as bytes of one's own."""
        return b"".join(self.feed(chunk))

    def _emit(
        self, buffer: bytes, at: int, end: int, time_ms: int, rewritten: bytes | None
    ) -> None:
        if rewritten is not None:
            self._keep(buffer, at)
            self._pieces.append(rewritten)
            self._done = end
            grown = self.growths[-1].total if self.growths else 0
            grown += len(rewritten) - (end - at)
            self.growths.append(Growth(self._before + at - self._begun_at, grown))

    def _begin(self, at: int) -> None:
        self._done = self._begun_at = at

    def _end(self, buffer: bytes, at: int) -> None:
        self._keep(buffer, at)
        self._before += at - self._begun_at

    def _keep(self, buffer: bytes, end: int) -> None:
        if end > self._done:
            self._pieces.append(memoryview(buffer)[self._done : end])
