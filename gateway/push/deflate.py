"""permessage-deflate without context takeover (RFC 7692 7): every message stands for itself.

So a snapshot is deflated once and its frame shared by every connection that agreed to this, and no
connection keeps a window between messages.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from gateway.push.extensions import Extension, read_extensions
from gateway.push.frames_events import FrameError, Opcode, Wrong
from gateway.push.frames_header import FIN, RSV1, write_header

NAME: Final = "permessage-deflate"
AGREED: Final = f"{NAME}; server_no_context_takeover; client_no_context_takeover"

_WINDOW_BITS: Final = 15
_FLUSH_TAIL: Final = b"\x00\x00\xff\xff"
"""The end of a flush, which is not sent (RFC 7692 7.2.1)."""
_LAST_BLOCK: Final = b"\x03\x00"
"""An empty last block: zlib sees the end of the stream only if every block before it was whole."""
_MAX_LAST_BLOCKS: Final = 16
"""Streams in one message that end early (RFC 7692 7.2.3.4); each costs a new inflater."""
_ALONE: Final = frozenset({"server_no_context_takeover", "client_no_context_takeover"})
_BITS: Final = frozenset(str(bits) for bits in range(8, 16))


def accept_deflate(values: Iterable[str]) -> str | None:
    """Choose the first offer of permessage-deflate that can be kept to.

    A client that wants a smaller window than 15 bits of us is declined: the shared frame has 15.

    Args:
        values: of every Sec-WebSocket-Extensions line of the request.

    Returns:
        What the response says in Sec-WebSocket-Extensions; None: nothing.

    Raises:
        InvalidArgument: the lines do not follow the grammar (RFC 6455 9.1).
    """
    return _choose(",".join(values))


@lru_cache(maxsize=256)
def _choose(value: str) -> str | None:
    """Browsers of one kind all offer the same."""
    for offer in read_extensions((value,)):
        if offer.name == NAME and (answer := _answer(offer)) is not None:
            return answer
    return None


def _answer(offer: Extension) -> str | None:
    """Answer one offer; None declines it (RFC 7692 7: unknown, repeated or bad parameters)."""
    parameters = dict(offer.parameters)
    if len(parameters) != len(offer.parameters):
        return None
    if not all(_is_valid(name, value) for name, value in parameters.items()):
        return None
    asked = parameters.get("server_max_window_bits")
    if asked is None:
        return AGREED
    return f"{AGREED}; server_max_window_bits={asked}" if int(asked) == _WINDOW_BITS else None


def _is_valid(name: str, value: str | None) -> bool:
    if name in _ALONE:
        return value is None
    if name == "client_max_window_bits":
        return value is None or value in _BITS
    return name == "server_max_window_bits" and value in _BITS


def deflated_frame(payload: bytes) -> bytes:
    """Give a whole compressed text message in one frame, good for every client that agreed.

    It may be longer than ``text_frame`` gives where there is little to compress.
    """
    packer = zlib.compressobj(wbits=-_WINDOW_BITS)
    packed = packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)
    body = packed.removesuffix(_FLUSH_TAIL)
    return write_header(FIN | RSV1 | Opcode.TEXT, len(body)) + body


def inflate(payload: bytes, max_bytes: int) -> bytes:
    """Undo the compression of one client message.

    Cost: memory of ``max_bytes`` and a window, whatever the payload would grow to.

    Raises:
        FrameError: 1009: it would be longer than ``max_bytes``; 1007: it is not deflate, or cut off
            (RFC 7692 names no code; RFC 6455 7.4.1: not consistent with the type of the message).
    """
    rest = payload + _FLUSH_TAIL + _LAST_BLOCK
    message = b""
    for _ in range(_MAX_LAST_BLOCKS + 1):
        unpacker = zlib.decompressobj(wbits=-_WINDOW_BITS, zdict=message[-(1 << _WINDOW_BITS) :])
        try:
            message += unpacker.decompress(rest, max_bytes + 1 - len(message))
        except zlib.error:
            raise FrameError(Wrong.CONTENT, "a message is not deflate") from None
        if len(message) > max_bytes:
            raise FrameError(Wrong.TOO_BIG, "a message is too big")
        if not unpacker.eof:
            raise FrameError(Wrong.CONTENT, "a compressed message is cut off")
        rest = unpacker.unused_data
        if not rest:
            return message
    raise FrameError(Wrong.CONTENT, "a compressed message ends too often")
