"""The forms in which players take one stream: FLV and fragmented MP4, each encoded once for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, Protocol

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, file_header
from sei.mp4.writer import Mp4Writer
from sei.outputs.player import Batch, Player

BLOCK_BYTES: Final = 64 * 1024
FormName = Literal["flv", "mp4"]
Configuration = Mapping[int, StreamTag]
"""The last tag of each kind that says how to decode."""


class Form(Protocol):
    """One form of a stream, and the players that take it."""

    players: set[Player]

    def opening(self) -> list[bytes]:
        """Give what a player begins with: header, configuration, and the group that is on."""
        ...

    def encode(self, tags: Sequence[StreamTag]) -> Batch:
        """Encode what is published now, and keep it for players that join later."""
        ...

    def forget(self) -> None:
        """Let the group go; who joins waits for the next keyframe."""
        ...


class FlvForm:
    """FLV: tags as they are.

    Args:
        configuration: of the stream, as it changes.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.players: set[Player] = set()
        self._configuration: Final = configuration
        self._group: list[bytes] = []

    def opening(self) -> list[bytes]:
        """Give the header, then what decoders need and the group."""
        header = file_header(has_audio=AUDIO in self._configuration, has_video=True)
        return [header + self._configured(), *self._group] if self._group else [header]

    def encode(self, tags: Sequence[StreamTag]) -> Batch:
        """Cut the tags into blocks; a keyframe begins one."""
        before, after = split_at_keyframe(tags)
        if not after:
            blocks = tuple(joined([tag.encoded for tag in tags]))
            if self._group:
                self._group += blocks
            return Batch(blocks)
        self._group = list(joined([tag.encoded for tag in after]))
        head = self._configured()
        blocks = (*joined([tag.encoded for tag in before]), *self._group)
        return Batch(blocks, (head, *self._group))

    def forget(self) -> None:
        """Let the group go."""
        self._group = []

    def _configured(self) -> bytes:
        kinds = [kind for kind in (SCRIPT, VIDEO, AUDIO) if kind in self._configuration]
        return b"".join(self._configuration[kind].encoded for kind in kinds)


class Mp4Form:
    """Fragmented MP4; it is made when the first player asks for it.

    Args:
        configuration: of the stream as it is now.
        group: its tags from the last keyframe on.
        sound: a tag of sound, for codecs that describe themselves in each; None: no track for it.
    """

    def __init__(
        self, configuration: Configuration, group: Sequence[StreamTag], sound: StreamTag | None
    ) -> None:
        self.players: set[Player] = set()
        self._writer: Final = Mp4Writer(with_audio=sound is not None)
        for tag in (*configuration.values(), *([] if sound is None else [sound])):
            self._writer.learn(tag)
        self._given = self._writer.init
        self._group: list[bytes] = []
        self.encode(group)

    def opening(self) -> list[bytes]:
        """Give the initialization segment and the fragments of the group."""
        return [self._writer.init, *self._group] if self._group else []

    def encode(self, tags: Sequence[StreamTag]) -> Batch:
        """Write the fragments of the tags; a new initialization segment goes between them."""
        before, after = split_at_keyframe(tags)
        if not after:
            blocks = tuple(joined(self._fragments(tags)))
            if self._group:
                self._group += blocks
            return Batch(blocks)
        first = tuple(joined(self._fragments(before)))
        rest = self._fragments(after)
        is_new = rest[:1] == [self._given]
        self._group = list(joined(rest[is_new:]))
        init = (self._given,) if is_new else ()
        resume = (self._writer.init, *self._group) if self._group else ()
        return Batch((*first, *init, *self._group), resume)

    def forget(self) -> None:
        """Let the group go."""
        self._group = []

    def _fragments(self, tags: Sequence[StreamTag]) -> list[bytes]:
        written = []
        for tag in tags:
            fragment = self._writer.write(tag)
            if fragment and self._writer.init is not self._given:
                self._given = self._writer.init
                written.append(self._given)
            if fragment:
                written.append(fragment)
        return written


def split_at_keyframe(
    tags: Sequence[StreamTag],
) -> tuple[Sequence[StreamTag], Sequence[StreamTag]]:
    """Split before the last keyframe; without one nothing follows."""
    for at in range(len(tags) - 1, -1, -1):
        if tags[at].is_keyframe:
            return tags[:at], tags[at:]
    return tags, ()


def joined(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """Join pieces into blocks of some size; a larger piece stays one."""
    if len(pieces) == 1:
        yield pieces[0]
        return
    block: list[bytes] = []
    size = 0
    for piece in pieces:
        if block and size + len(piece) > BLOCK_BYTES:
            yield b"".join(block)
            block, size = [], 0
        block.append(piece)
        size += len(piece)
    if block:
        yield b"".join(block)
