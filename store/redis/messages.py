"""What nodes send each other, as small JSON arrays; each on the channel of its room."""

from __future__ import annotations

from typing import Final

import msgspec

from store.bus import Notice, Voices


class Changed(msgspec.Struct, frozen=True, array_like=True, tag="changed"):
    """``["changed", room, doc]``."""

    room: str
    doc: str


class Speaking(msgspec.Struct, frozen=True, array_like=True, tag="speaking"):
    """``["speaking", sender, node, room, [user...]]``; ``sender``: of one bus, to know its own."""

    sender: str
    node: str
    room: str
    user_ids: tuple[str, ...]


_DECODER: Final[msgspec.json.Decoder[Changed | Speaking]] = msgspec.json.Decoder(Changed | Speaking)


def encode_notice(notice: Notice) -> bytes:
    """Encode a notice."""
    return msgspec.json.encode(Changed(notice.room, notice.doc))


def encode_voices(sender: str, voices: Voices) -> bytes:
    """Encode voices."""
    return msgspec.json.encode(Speaking(sender, voices.node, voices.room, voices.user_ids))


def decode(body: bytes) -> Changed | Speaking:
    """Decode a message.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _DECODER.decode(body)
