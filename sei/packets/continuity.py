"""Transport streams joined: the counters of each PID go on where they were. Pure.

| byte of a packet | what |
| --- | --- |
| 0 | `0x47` |
| 1..2 | PID in the low 13 bits |
| 3 | bit 4: has a payload; bits 0..3: counter, one up with each payload of the PID |

Source: ISO/IEC 13818-1 2.4.3.2 and 2.4.3.3.
"""

from __future__ import annotations

from typing import Final

PACKET_BYTES: Final = 188
_SYNC: Final = 0x47


class ContinuityCounters:
    """Renumbers the packets of muxer runs that are sent one after the other."""

    def __init__(self) -> None:
        self._last: Final[dict[int, int]] = {}

    def join(self, stream: bytes) -> bytes:
        """Renumber whole packets, in order; O(packets)."""
        made = bytearray(stream)
        last = self._last
        for at in range(0, len(made) - PACKET_BYTES + 1, PACKET_BYTES):
            if made[at] != _SYNC:
                continue
            pid = (made[at + 1] & 0x1F) << 8 | made[at + 2]
            flags = made[at + 3]
            counter = last.get(pid, -1 if flags & 0x10 else 0)
            if flags & 0x10:
                counter = last[pid] = (counter + 1) & 0xF
            made[at + 3] = flags & 0xF0 | counter & 0xF
        return bytes(made)
