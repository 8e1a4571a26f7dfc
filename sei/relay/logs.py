"""Logs of a worker: the lines of the command line's programs, with the worker's number."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Final, TextIO

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class WorkerLines(logging.Formatter):
    """Formats a record as one line of JSON, as the gateway does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number: Final = number

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, logger, worker, message, and the record's extra fields."""
        line: dict[str, Any] = {
            "ts": round(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "worker": self._number,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_as_worker(number: int, level: str, stream: TextIO = sys.stderr) -> None:
    """Send every log of this process to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(WorkerLines(number))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
