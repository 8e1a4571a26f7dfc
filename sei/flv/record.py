"""The decoder configuration record of HEVC, without what it says in our name.

An hvcC may list SEI that holds for the whole stream, and decoders show it; what came with our UUID
may not stay there either. An avcC lists parameter sets alone, decoders read nothing else from it.

| bytes of hvcC | what |
| --- | --- |
| 22 | number of arrays |
| then, each | 1: NAL unit type in the low 6 bits; 2: units; each 2: length, then it |

Source: ISO/IEC 14496-15 8.3.3.1.
"""

from __future__ import annotations

from typing import Final

from sei.wire.framing import Codec
from sei.wire.message import UUID_BYTES

_HEAD_BYTES: Final = 22


def without_our_units(record: bytes, codec: Codec) -> tuple[bytes, int]:
    """Take units with our UUID out of a record.

    Returns:
        The record and how many units left it. One that does not parse stays up to where it does.
    """
    if codec != "hevc" or UUID_BYTES not in record or len(record) <= _HEAD_BYTES:
        return record, 0
    parts = [record[: _HEAD_BYTES + 1]]
    at, removed = _HEAD_BYTES + 1, 0
    for _ in range(record[_HEAD_BYTES]):
        if at + 3 > len(record):
            break
        kind, count = record[at : at + 1], int.from_bytes(record[at + 1 : at + 3], "big")
        units, at = _units(record, at + 3, count)
        kept = [unit for unit in units if UUID_BYTES not in unit]
        removed += len(units) - len(kept)
        parts += [kind, len(kept).to_bytes(2, "big"), *kept]
    return b"".join([*parts, record[at:]]), removed


def _units(record: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """Give units with their lengths, those that are whole, and where they end."""
    units: list[bytes] = []
    for _ in range(count):
        end = at + 2 + int.from_bytes(record[at : at + 2], "big")
        if at + 2 > len(record) or end > len(record):
            return units, len(record)
        units.append(record[at:end])
        at = end
    return units, at
