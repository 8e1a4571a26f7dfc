"""What ties a worker process to its supervisor, and bounds it; Linux."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
MAX_ADDRESS_SPACE_BYTES: Final = 32 << 30
"""Virtual: fifty threads reserve several GiB that they never touch. Stops a runaway allocation
between two looks of the supervisor, which ends a worker by what it really uses."""


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends.

    A hung worker does not see the end of the link; this needs nothing of it.

    Raises:
        SystemExit: the parent is gone already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:  # it ended before the call
        raise SystemExit(0)


def bound_resources() -> None:
    """Take every descriptor that is allowed, leave no core dumps, reserve no endless memory."""
    take_descriptors()
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_AS, MAX_ADDRESS_SPACE_BYTES)


def take_descriptors() -> None:
    """Raise the soft limit of open files to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _lower(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (bound, hard))


class Memory:
    """Reads how much memory this process uses, also once its descriptors have run out."""

    def __init__(self) -> None:
        self._statm: Final = os.open("/proc/self/statm", os.O_RDONLY)
        self._page_bytes: Final = os.sysconf("SC_PAGE_SIZE")

    def rss_bytes(self) -> int:
        """What is in use now."""
        return int(os.pread(self._statm, 256, 0).split()[1]) * self._page_bytes

    def close(self) -> None:
        """Read no more."""
        os.close(self._statm)
