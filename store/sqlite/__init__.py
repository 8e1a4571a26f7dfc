"""The embedded default: one SQLite file, acknowledged after fsync."""

from store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
