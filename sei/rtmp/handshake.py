"""The handshake of RTMP 1.0, 5.2, as a client: C0 C1 →, ← S0 S1, C2 →, ← S2.

| bytes | 0 packet | 1 packet | 2 packet |
| --- | --- | --- | --- |
| 0 | version, 3 | | |
| 0..3 | | own time, 0 here | time of the peer |
| 4..7 | | 0: the simple handshake, no digest | 0 here |
| 8..1535 | | random | what the peer's packet had there |
"""

from __future__ import annotations

from typing import Final

from sei.errors import BadRtmp

RANDOM_BYTES: Final = 1528
PACKET_BYTES: Final = 8 + RANDOM_BYTES
_VERSION: Final = 3
_SERVER_BYTES: Final = 1 + 2 * PACKET_BYTES


class Handshake:
    """Takes what the server sends until the handshake is over.

    What S2 repeats is not compared with C1: servers that know only the digest form repeat
    something else, and nothing rests on it.

    Args:
        random: 1,528 random bytes.
    """

    def __init__(self, random: bytes) -> None:
        if len(random) != RANDOM_BYTES:
            raise ValueError(f"{len(random)} random bytes; {RANDOM_BYTES} are needed")
        self._received: Final = bytearray()
        self._answered = False
        self.outgoing = bytes((_VERSION,)) + bytes(8) + random
        """To be sent now; whoever sends it empties it."""

    @property
    def held_bytes(self) -> int:
        """How much of the server's part is here."""
        return len(self._received)

    def feed(self, chunk: bytes) -> bytes | None:
        """Take bytes; once the handshake is over give what came behind it, before that None.

        Raises:
            BadRtmp: the server speaks another protocol, or another version.
        """
        missing = _SERVER_BYTES - len(self._received)
        self._received.extend(chunk[:missing])
        if self._received and self._received[0] != _VERSION:
            raise BadRtmp(f"the peer does not speak RTMP: it began with byte {self._received[0]}")
        if not self._answered and len(self._received) > PACKET_BYTES:
            theirs = self._received[1 : 1 + PACKET_BYTES]
            self.outgoing += theirs[:4] + bytes(4) + theirs[8:]
            self._answered = True
        return chunk[missing:] if len(self._received) == _SERVER_BYTES else None
