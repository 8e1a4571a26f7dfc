"""AAC out of its ADTS frames, for containers that hold its configuration once. Pure.

| bits | what |
| --- | --- |
| 0..11 | sync word, all ones |
| 15 | 1: no CRC of 2 bytes behind the header |
| 16..17 | object type less 1 |
| 18..21 | index of the sampling frequency |
| 23..25 | channel configuration |
| 30..42 | size of the frame, header and all |

Source: ISO/IEC 14496-3 1.A.2.2, and 1.6.2.1 for the configuration.
"""

from __future__ import annotations

from typing import Final

_HEADER_BYTES: Final = 7
_CRC_BYTES: Final = 2


def is_adts(frame: bytes) -> bool:
    """Tell whether an AAC frame has an ADTS header."""
    return len(frame) > _HEADER_BYTES and frame[0] == 0xFF and frame[1] & 0xF6 == 0xF0


def configuration(frame: bytes) -> bytes:
    """Give the AudioSpecificConfig of a frame with an ADTS header."""
    object_type = (frame[2] >> 6) + 1
    frequency = frame[2] >> 2 & 0xF
    channels = (frame[2] & 1) << 2 | frame[3] >> 6
    return (object_type << 11 | frequency << 7 | channels << 3).to_bytes(2, "big")


def without_header(frame: bytes) -> bytes:
    """Take the ADTS header off a frame."""
    return frame[_HEADER_BYTES + (0 if frame[1] & 1 else _CRC_BYTES) :]
