"""Read an answer that does not end: an event stream, or a video."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from loadtest.refusal import Refused, read_problem
from loadtest.users.entries import tell

CHUNK_BYTES = 64 * 1024


@contextmanager
def open_stream(
    kind: str, url: str, headers: Mapping[str, str], silence_s: float
) -> Iterator[Iterator[bytes]]:
    """Ask for a stream and give its bytes as they come.

    Raises:
        Refused: the answer is another.
        ConnectionError: there is none, or it broke.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connect(parts.netloc, timeout=silence_s)
    started_s = time.perf_counter()
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("GET", target, headers=dict(headers))
        response = connection.getresponse()
        if response.status != 200:
            problem = response.read(CHUNK_BYTES)
            raise Refused(read_problem(response.status, response.headers, problem))
        tell(kind, "connect", (time.perf_counter() - started_s) * 1000)
        yield _chunks(response)
    except http.client.HTTPException as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while chunk := response.read1(CHUNK_BYTES):
        yield chunk
    raise ConnectionError("the stream ended")
