"""The interface of live inputs: bytes of a container, for one life of the connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Literal, NamedTuple, Protocol

ContainerName = Literal["flv", "mpegts", "mp4", "h264", "hevc", "matroska", "unknown"]


class Opened(NamedTuple):
    """An input that answered."""

    container: ContainerName
    """What the input says or looks like; ``unknown`` is for PyAV to find out."""
    chunks: AsyncIterator[bytes]
    """Ends where the input does; raises SourceFailed where it breaks off or stalls."""


class ByteSource(Protocol):
    """An input that can be opened again and again.

    It stops by cancelling; then nothing is left open. One that is silent for its stall time-out
    fails.
    """

    def open(self) -> AbstractAsyncContextManager[Opened]:
        """Connect.

        Raises:
            SourceFailed: it does not answer, or not with a stream; another attempt may help.
            BadMedia: no attempt can help: refused address, redirect or container.
        """
        ...
