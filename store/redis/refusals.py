"""What the server and the library say, in words of the port; mapped here and nowhere else."""

from __future__ import annotations

from redis.exceptions import (
    BusyLoadingError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

from room.errors import Unavailable, Unreadable

NO_PRIMARY = (ReadOnlyError, MasterDownError)
"""The server is no primary any more; a new connection may find the one that is."""


def refusal_of(error: Exception) -> Unavailable:
    """Say what a failure means; names no host, quotes nothing."""
    refusal = _refusal_of(error)
    refusal.__cause__ = error
    return refusal


def _refusal_of(error: Exception) -> Unavailable:
    if isinstance(error, ResponseError) and str(error).startswith(("WRONGTYPE", "UNREADABLE")):
        return Unreadable("what the store holds can't be read")
    if isinstance(error, OutOfMemoryError):
        return Unavailable("the store is full")
    if isinstance(error, NO_PRIMARY):
        return Unavailable("the store has no primary now")
    if isinstance(error, BusyLoadingError):
        return Unavailable("the store is starting")
    if isinstance(error, ResponseError):
        return Unavailable("the store refuses")
    return Unavailable("the store can't be reached")
