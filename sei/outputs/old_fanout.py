"""One live stream to many players: a late one starts at a keyframe, a slow one skips to the next.

Tags are encoded once and shared: what waits for a player are references, and no more of them than
its bound. Memory does not grow with slow players beyond the stretch of stream that they span.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from sei.flv.tags import (
    AUDIO,
    SCRIPT,
    VIDEO,
    Tag,
    file_header,
    is_configuration,
    read_video,
    write_tag,
)

MAX_GOP_BYTES: Final = 8 * 1024 * 1024
MAX_PENDING_BYTES: Final = 12 * 1024 * 1024
_BATCH_BYTES: Final = 64 * 1024


class Player:
    """What one player has still to get.

    Args:
        stream: the stream that it plays.
        max_pending_bytes: when more waits than this, all of it is given up for the next keyframe.
    """

    def __init__(self, stream: LiveStream, max_pending_bytes: int) -> None:
        self._stream: Final = stream
        self._max_pending_bytes: Final = max_pending_bytes
        self._pending: Final[deque[bytes]] = deque()
        self._wake: Final = asyncio.Event()
        self._waits_for_keyframe = True
        self._closed = False
        self.pending_bytes = 0
        self.skips = 0
        """How often what waited was given up."""

    def offer(self, tag: bytes, *, is_keyframe: bool) -> None:
        """Queue a tag; never waits."""
        if self.pending_bytes + len(tag) > self._max_pending_bytes and not self._waits_for_keyframe:
            self._pending.clear()
            self.pending_bytes = 0
            self.skips += 1
            self._waits_for_keyframe = True
        if self._waits_for_keyframe:
            if not is_keyframe:
                return
            self._waits_for_keyframe = False
            self._queue(self._stream.configuration())
        self._queue(tag)

    def start(self, group: list[bytes]) -> None:
        """Queue what a new player begins with; without a group it waits for the next keyframe."""
        self._queue(self._stream.file_header())
        if group:
            self._waits_for_keyframe = False
            self._queue(self._stream.configuration())
            for tag in group:
                self._queue(tag)

    async def take(self) -> bytes | None:
        """Give the next bytes to send, some 64 KiB at most; None when the stream is over.

        Cancelling it loses nothing.
        """
        while not self._pending:
            if self._closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        batch = [self._pending.popleft()]
        size = len(batch[0])
        while self._pending and size + len(self._pending[0]) <= _BATCH_BYTES:
            batch.append(self._pending.popleft())
            size += len(batch[-1])
        self.pending_bytes -= size
        return b"".join(batch)

    def close(self) -> None:
        """End the stream for this player once it has what waits."""
        self._closed = True
        self._wake.set()

    def _queue(self, tag: bytes) -> None:
        self._pending.append(tag)
        self.pending_bytes += len(tag)
        self._wake.set()


class LiveStream:
    """The live stream: what a player that joins now needs, and the players that are there."""

    def __init__(
        self,
        *,
        max_gop_bytes: int = MAX_GOP_BYTES,
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self._max_gop_bytes: Final = max_gop_bytes
        self._max_pending_bytes: Final = max_pending_bytes
        self._configuration: Final[dict[int, bytes]] = {}
        self._group: list[bytes] = []
        self._group_bytes = 0
        self._closed = False
        self.players: Final[set[Player]] = set()
        self.started: Final = asyncio.Event()
        """Set with the first keyframe."""

    def publish(self, tag: Tag) -> None:
        """Pass one tag to every player; O(players)."""
        encoded = write_tag(tag)
        is_keyframe = False
        if tag.kind == SCRIPT or is_configuration(tag):
            self._configuration[tag.kind] = encoded
            if tag.kind == VIDEO:  # what came before it can no longer be decoded
                self._group = []
        else:
            video = read_video(tag)
            is_keyframe = video is not None and video.is_keyframe and video.part == "access_unit"
            self._extend_group(encoded, is_keyframe=is_keyframe)
        for player in self.players:
            player.offer(encoded, is_keyframe=is_keyframe)

    def join(self) -> Player:
        """Add a player; it begins with the group of pictures that is on now."""
        player = Player(self, self._max_pending_bytes)
        player.start(self._group)
        if self._closed:
            player.close()
        self.players.add(player)
        return player

    def leave(self, player: Player) -> None:
        """Take a player away."""
        self.players.discard(player)

    def close(self) -> None:
        """End the stream for everybody."""
        self._closed = True
        for player in self.players:
            player.close()

    def file_header(self) -> bytes:
        """Give what every FLV stream begins with."""
        return file_header(has_audio=AUDIO in self._configuration, has_video=True)

    def configuration(self) -> bytes:
        """Give the metadata and decoder configurations in force now."""
        kinds = (SCRIPT, VIDEO, AUDIO)
        return b"".join(self._configuration.get(kind, b"") for kind in kinds)

    def _extend_group(self, encoded: bytes, *, is_keyframe: bool) -> None:
        """Keep the tags from the last keyframe on; a group too large is not kept at all."""
        if is_keyframe:
            self._group, self._group_bytes = [], 0
            self.started.set()
        elif not self._group:
            return
        self._group_bytes += len(encoded)
        if self._group_bytes > self._max_gop_bytes:
            self._group = []
        else:
            self._group.append(encoded)
