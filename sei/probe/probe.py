"""Look at an output, or at what a CDN made of it, once or again and again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from sei.counts import Counts
from sei.errors import BadFlv, BadMedia, SourceFailed
from sei.probe.fetch import Fetch
from sei.probe.judge import Expected, Judge, Picture, ProbeReport
from sei.probe.look import look

SLACK_S: Final = 20.0
"""For connecting, and for playlists and segments."""
_CODES: Final = {
    "stripped": "SEI_STRIPPED",
    "damaged": "SEI_DAMAGED",
    "unreachable": "UNAVAILABLE",
}

_log: Final = logging.getLogger(__name__)


async def probe(
    url: str,
    room: str,
    for_s: float,
    *,
    fetch: Fetch,
    expected: Callable[[], Expected],
    redirects: tuple[str, ...] = (),
) -> ProbeReport:
    """Read a stream for a while and say whether our messages are in it.

    Args:
        url: of FLV, fragmented MP4, MPEG-TS or an HLS playlist.
        room: whose messages are looked for.
        for_s: how long live streams are read, and how much of a playlist.
        fetch: gives what is at an address.
        expected: what is injected now; asked before and after.
        redirects: hosts beside its own that a playlist may name.
    """
    before, judge = expected(), Judge(room)

    def see(picture: Picture) -> None:
        judge.see(picture, before.injection)

    try:
        async with asyncio.timeout(for_s + SLACK_S):
            await look(url, see, for_s, fetch=fetch, redirects=redirects)
    except TimeoutError:
        return ProbeReport("unreachable", "the stream did not come in time")
    except (SourceFailed, BadMedia, BadFlv) as error:
        return ProbeReport("unreachable", error.message)
    after = expected()
    report = judge.report(Expected(min(before.messages, after.messages), after.injection))
    if not report.pictures:
        return ProbeReport("unreachable", "no picture came")
    return report


class ProbeLoop:
    """Looks again and again, and keeps what it found in the counts of the stream.

    Args:
        look: one look.
        every_s: from one to the next, spread by a fifth.
        counts: of the stream.
        stream: its name, for the log.
        draw: gives random numbers in 0..1.
        sleep: waits.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[ProbeReport]],
        every_s: float,
        counts: Counts,
        stream: str,
        *,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._look: Final = look
        self._every_s: Final = every_s
        self._counts: Final = counts
        self._stream: Final = stream
        self._draw: Final = draw
        self._sleep: Final = sleep
        self._last = "unknown"

    async def run(self) -> None:
        """Look until cancelled; the first time soon, at another moment for each stream."""
        await self._sleep(min(self._every_s, 10.0) * self._draw())
        while True:
            self._tell(await self._look())
            await self._sleep(self._every_s * (0.8 + 0.4 * self._draw()))

    def _tell(self, report: ProbeReport) -> None:
        self._counts.stripped = report.verdict in ("stripped", "damaged")
        self._counts.probe = f"{report.verdict}: {report.reason}"
        if report.verdict == self._last:
            return
        self._last = report.verdict
        code = _CODES.get(report.verdict, "")
        facts = {"stream": self._stream, "verdict": report.verdict, "reason": report.reason}
        level = logging.WARNING if code else logging.INFO
        _log.log(level, "what leaves the relay was read again", extra={**facts, "code": code})
