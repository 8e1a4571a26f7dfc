"""The egress probe of one stream, for as long as the stream runs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

import aiohttp

from sei.config import Probe, StreamConfig
from sei.counts import Counts
from sei.insertion.supply import SupplyBox
from sei.outputs.outlet import Outlet
from sei.probe.fetch import Fetch, fetch_over_http
from sei.probe.judge import Expected, ProbeReport
from sei.probe.own import HOST, OwnPlayers
from sei.probe.probe import ProbeLoop, probe

_log: Final = logging.getLogger(__name__)
_OWN: Final = {"flv": "flv", "mp4": "mp4", "hls": "m3u8"}


class Watching:
    """Probes while the block runs; a fault of the probe never ends the stream.

    Args:
        config: of the stream.
        counts: of the stream; told what was found.
        box: what is injected.
        outlet: what the stream offers to players.
    """

    def __init__(
        self, config: StreamConfig, counts: Counts, box: SupplyBox, outlet: Outlet
    ) -> None:
        self._config: Final = config
        self._counts: Final = counts
        self._box: Final = box
        self._outlet: Final = outlet
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        wanted = self._config.probe
        if wanted is not None:
            self._task = asyncio.create_task(self._watch(wanted), name=f"probe {self._config.name}")
            self._task.add_done_callback(self._over)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _watch(self, wanted: Probe) -> None:
        async with AsyncExitStack() as exits:
            url, fetch = await self._target(wanted, exits)

            async def look() -> ProbeReport:
                return await probe(
                    url,
                    self._config.room,
                    wanted.for_s,
                    fetch=fetch,
                    expected=self._expected,
                    redirects=self._config.redirects,
                )

            await ProbeLoop(look, wanted.every_s, self._counts, self._config.name).run()

    def _over(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._counts.probe = "the probe failed"
            facts = {"stream": self._config.name}
            _log.error("the probe of a stream failed", extra=facts, exc_info=error)

    async def _target(self, wanted: Probe, exits: AsyncExitStack) -> tuple[str, Fetch]:
        form = _OWN.get(wanted.url)
        if form is None:
            session = await exits.enter_async_context(
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
            )
            return wanted.url, fetch_over_http(session, self._config.redirects)
        players = OwnPlayers(self._config.name, self._outlet)
        exits.push_async_callback(players.close)
        return f"http://{HOST}/live/{self._config.name}.{form}", players.fetch

    def _expected(self) -> Expected:
        return Expected(len(self._box.newest.messages), self._config.inject)
