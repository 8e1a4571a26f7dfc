"""HLS as an input: FFmpeg's demuxer, whose every fetch is ours and follows our policy.

The demuxer asks for addresses in its thread; they are fetched in the event loop. What goes wrong
is kept and not raised there: the demuxer would print it, and go on.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import aiohttp
from yarl import URL

from room.errors import SeatsyncError
from sei.errors import BadMedia, SourceFailed
from sei.packets.hls_playlist import MAGIC, MAX_PLAYLIST_BYTES, prepare
from sei.packets.opening import Readable
from sei.packets.pipe import BytePipe, live_ration
from sei.policy import MAX_REDIRECTS, REDIRECTS, check_http, check_redirect

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 10.0
MAX_FAILURES: Final = 3
"""Segments in a row that could not be fetched."""
STALL_TARGETS: Final = 3
MIN_STALL_S: Final = 10.0
_MIN_RELOAD_S: Final = 0.5
_LOOK_S: Final = 0.2
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "seatsync"}


class _Contents:
    """A file in memory."""

    def __init__(self, content: bytes) -> None:
        self._content: Final = content
        self._at = 0

    def read(self, size: int) -> bytes:
        chunk = self._content[self._at : self._at + size]
        self._at += len(chunk)
        return chunk


class _Body:
    """An answer that is still coming in."""

    def __init__(self, pipe: BytePipe) -> None:
        self._pipe: Final = pipe

    def read(self, size: int) -> bytes:
        return self._pipe.read(size)

    def close(self) -> None:
        self._pipe.abandon()


class _Fetched(NamedTuple):
    url: str
    """Redirects followed."""
    playlist: str | None
    body: Readable


class _Known(NamedTuple):
    """A live playlist when it was last fetched."""

    text: str
    fetched_s: float
    changed_s: float
    target_s: float


class HlsInput:
    """Opens what the demuxer asks for; to be made in the event loop.

    Args:
        url: of the playlist, over HTTP or HTTPS.
        redirects: hosts beside its own that playlists and answers may name.
        stop: ends every wait of the demuxer's thread.
    """

    def __init__(self, url: str, redirects: Sequence[str], stop: threading.Event) -> None:
        check_http(url)
        self.url: Final = url
        self.failure: SeatsyncError | None = None
        """What the input ended with, where it is no plain end."""
        self._redirects: Final = tuple(redirects)
        self._stop: Final = stop
        self._loop: Final = asyncio.get_running_loop()
        self._session: aiohttp.ClientSession | None = None
        self._bodies: Final[set[asyncio.Task[None]]] = set()
        self._pipes: Final[list[BytePipe]] = []
        self._known: Final[dict[str, _Known]] = {}
        self._ration: Final = live_ration()
        self._failures = 0
        self._began = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[HlsInput]:
        """Be ready to fetch; nothing is left open after it."""
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=READ_TIMEOUT_S
        )
        async with aiohttp.ClientSession(
            timeout=timeout,
            headers=_HEADERS,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            self._session = session
            try:
                yield self
            finally:
                self.wake()
                for task in self._bodies:
                    task.cancel()
                await asyncio.gather(*self._bodies, return_exceptions=True)

    def wake(self) -> None:
        """End what the demuxer's thread waits for; from any thread, once all is to stop."""
        for pipe in list(self._pipes):
            pipe.abandon()

    def io_open(self, url: str, _flags: int, options: dict[str, str]) -> Readable:
        """Open an address for the demuxer, in its thread; an empty file where that fails."""
        empty = _Contents(b"")
        if self.failure is not None or not self._wait_for_reload(url):
            return empty
        try:
            fetched = self._in_loop(url, options)
            if fetched is None:
                return empty
            self._failures = 0
            if fetched.playlist is None:
                return fetched.body
            return _Contents(self._prepared(url, fetched))
        except BadMedia as error:
            self.failure = error
        except SeatsyncError as error:
            self._failures += 1
            if url in self._known or not self._began or self._failures >= MAX_FAILURES:
                self.failure = error
        return empty

    def _wait_for_reload(self, url: str) -> bool:
        """Wait until a live playlist may have changed; tell whether to go on."""
        known = self._known.get(url)
        if known is None:
            return not self._stop.is_set()
        due_s = known.fetched_s + max(_MIN_RELOAD_S, known.target_s / 2)
        return not self._stop.wait(max(0.0, due_s - time.monotonic()))

    def _prepared(self, url: str, fetched: _Fetched) -> bytes:
        text, now_s = fetched.playlist or "", time.monotonic()
        prepared = prepare(text, fetched.url)
        self._began = True
        known = self._known.get(url)
        changed_s = known.changed_s if known is not None and known.text == text else now_s
        if prepared.is_live:
            self._known[url] = _Known(text, now_s, changed_s, prepared.target_s)
            if now_s - changed_s > max(MIN_STALL_S, STALL_TARGETS * prepared.target_s):
                raise SourceFailed(f"the playlist is the same for {now_s - changed_s:.0f} s")
        return prepared.text.encode()

    def _in_loop(self, url: str, options: dict[str, str]) -> _Fetched | None:
        url = check_redirect(self.url, url, self._redirects)
        future: Future[_Fetched] = asyncio.run_coroutine_threadsafe(
            self._fetch(url, options), self._loop
        )
        while not self._stop.is_set():
            try:
                return future.result(_LOOK_S)
            except TimeoutError:
                if future.done():
                    raise SourceFailed("a part of the input does not come in time") from None
        future.cancel()
        return None

    async def _fetch(self, url: str, options: dict[str, str]) -> _Fetched:
        try:
            answer, url = await self._answer(url, _range(options))
            head = b""
            async for chunk in answer.content.iter_any():
                head += chunk
                if len(head) > MAX_PLAYLIST_BYTES:
                    raise SourceFailed("a playlist of the input is too long")
                if not head.startswith(MAGIC[: len(head)]):
                    break
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise SourceFailed(
                f"a part of the input cannot be fetched: {type(error).__name__}"
            ) from error
        if head.startswith(MAGIC):
            answer.close()
            return _Fetched(url, head.decode(errors="replace"), _Contents(b""))
        pipe = BytePipe(ration=self._ration)
        self._pipes[:] = [*(known for known in self._pipes if not known.is_over), pipe]
        task = asyncio.create_task(self._copy(answer, head, pipe), name="hls segment")
        self._bodies.add(task)
        task.add_done_callback(self._bodies.discard)
        return _Fetched(url, None, _Body(pipe))

    async def _copy(self, answer: aiohttp.ClientResponse, head: bytes, pipe: BytePipe) -> None:
        """Bring the rest of an answer; one that breaks off is shorter, as on a broken disk."""
        try:
            await pipe.put(head)
            async for chunk in answer.content.iter_any():
                await pipe.put(chunk)
        except (TimeoutError, aiohttp.ClientError, OSError):
            self._failures += 1
        finally:
            pipe.end()
            answer.close()

    async def _answer(
        self, url: str, headers: dict[str, str]
    ) -> tuple[aiohttp.ClientResponse, str]:
        if self._session is None:
            raise SourceFailed("the input is not open")
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answer = await self._session.get(
                    URL(url, encoded=True), headers=headers, allow_redirects=False
                )
            except aiohttp.InvalidURL as error:
                raise BadMedia("the input names what is no address") from error
            if answer.status in REDIRECTS:
                answer.close()
                location = answer.headers.get("Location", "")
                url = check_redirect(url, location, self._redirects)
                continue
            if answer.status != (206 if headers else 200):
                answer.close()
                raise SourceFailed(f"a part of the input answers with status {answer.status}")
            return answer, url
        raise BadMedia(f"the input sends us on more than {MAX_REDIRECTS} times")


def _range(options: dict[str, str]) -> dict[str, str]:
    """Say which bytes the demuxer wants; all, as a rule."""
    start, end = options.get("offset"), options.get("end_offset")
    if start is None and end is None:
        return {}
    return {"Range": f"bytes={int(start or 0)}-{'' if end is None else int(end) - 1}"}
