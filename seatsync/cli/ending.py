"""A signal to end, as an exception: so that what was begun is taken back on the way out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise SystemExit where a signal would end the process; the status is 128 and its number.

    An interrupt from the keyboard raises KeyboardInterrupt anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are none of a thread's business
        return
    before = {number: signal.signal(number, _end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
