"""The C library's heap, kept as small as what is in use: FFmpeg's buffers come and go all the time.

By itself glibc hands large blocks out of its arenas once it has seen some freed, and has an arena
for every few threads; then each stream leaves holes of several MB behind when its input was opened,
and with every segment.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

_LARGE_BYTES: Final = 128 * 1024
_OPTIONS: Final = (
    (-3, _LARGE_BYTES),  # M_MMAP_THRESHOLD: from here on blocks go back to the system when freed
    (-1, _LARGE_BYTES),  # M_TRIM_THRESHOLD: so much may be free at the top of the heap
    (-8, 2),  # M_ARENA_MAX
)
"""Numbers of ``malloc.h``, as ``mallopt(3)`` takes them."""


@cache
def keep_heap_small() -> bool:
    """Set up this process; tell whether its C library can. Once is enough."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    taken = [mallopt(option, value) for option, value in _OPTIONS]
    return all(taken)
