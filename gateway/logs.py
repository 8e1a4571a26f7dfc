"""Logs as JSON lines: one event a line, facts as fields; no token, no query, no header."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final, TextIO

import msgspec
from aiohttp.http import HttpProcessingError

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, logger, message, and the record's extra fields."""
        line: dict[str, Any] = {
            "ts": round(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def set_up_logs(level: str, stream: TextIO = sys.stderr) -> None:
    """Send every log of this process to a stream as JSON lines."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def http_log() -> logging.Logger:
    """Give the logger of the HTTP server; what is no HTTP is told without the bytes, and quietly.

    Its exception would quote the peer, a token on a broken line included.
    """
    log = logging.getLogger("gateway.http")
    if not log.filters:
        log.addFilter(_hide_broken_requests)
    return log


def _hide_broken_requests(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)
