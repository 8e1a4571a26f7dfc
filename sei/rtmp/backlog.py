"""What a push has still to send: bounded, and always something a decoder can start with. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO

MAX_BYTES: Final = 8 * 1024 * 1024
BATCH_BYTES: Final = 64 * 1024


class Backlog:
    """Tags that wait, references to them only.

    It begins with a keyframe, its configurations before it. While it is held, because there is no
    connection, it keeps one group of pictures: the newest. While it flows, a peer that is slower
    than the stream loses what waits, and goes on with the next keyframe.

    Args:
        max_bytes: what may wait; one keyframe may be larger.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes: Final = max_bytes
        self._waiting: Final[deque[StreamTag]] = deque()
        self._configuration: Final[dict[int, StreamTag]] = {}
        self._waits_for_keyframe = True
        self._is_held = True
        self.waiting_bytes = 0
        self.skips = 0
        """How often a slow peer was moved to the next keyframe."""

    def offer(self, tag: StreamTag) -> None:
        """Take a tag."""
        if tag.is_configuration:
            self._configuration[tag.kind] = tag
        if not self._waits_for_keyframe and self._is_too_much(tag):
            self._give_up()
        if tag.is_keyframe and (self._waits_for_keyframe or self._is_held):
            if self._is_held or (self._waiting and self._is_too_much(tag)):
                self._give_up()
            self._waits_for_keyframe = False
            for kind in (SCRIPT, VIDEO, AUDIO):
                if kind in self._configuration:
                    self._append(self._configuration[kind])
        if not self._waits_for_keyframe:
            self._append(tag)

    def take(self) -> list[StreamTag]:
        """Give what is to be sent next: some 64 KiB, or one tag if that is larger."""
        batch: list[StreamTag] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0].encoded) <= BATCH_BYTES):
            batch.append(self._waiting.popleft())
            size += len(batch[-1].encoded)
        self.waiting_bytes -= size
        return batch

    def flow(self) -> None:
        """There is a connection, on which nothing has been sent."""
        self._is_held = False

    def hold(self) -> None:
        """The connection is gone; what waits does not begin with a keyframe."""
        self._is_held = True
        self._clear()

    def break_off(self) -> None:
        """Hear that the input broke off: what comes next makes sense from its keyframe on."""
        self._waits_for_keyframe = True

    def _is_too_much(self, tag: StreamTag) -> bool:
        is_stale = self._is_held and tag.is_configuration and tag.kind == VIDEO
        return is_stale or self.waiting_bytes + len(tag.encoded) > self._max_bytes

    def _give_up(self) -> None:
        self.skips += not self._is_held
        self._clear()

    def _clear(self) -> None:
        self._waiting.clear()
        self.waiting_bytes = 0
        self._waits_for_keyframe = True

    def _append(self, tag: StreamTag) -> None:
        self._waiting.append(tag)
        self.waiting_bytes += len(tag.encoded)
