"""The relay as a whole: supervisor, port for players, port for people."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, NamedTuple

from sei.config import RelayConfig
from sei.relay.child import StartChild
from sei.relay.crew import Pace
from sei.relay.front import Front, bind
from sei.relay.lifeline import take_descriptors
from sei.relay.rates import Rates
from sei.relay.relayed import States
from sei.relay.rules import split_listen
from sei.relay.status import Status, observe
from sei.relay.status_server import serving_status
from sei.relay.supervisor import Supervisor

_NOTE_S: Final = 1.0


class Relaying(NamedTuple):
    """A relay that runs."""

    supervisor: Supervisor
    port: int
    """For players."""
    status_port: int
    rates: Rates

    def look(self) -> Status:
        """See how everything is."""
        return observe(self.supervisor, self.rates)


@asynccontextmanager
async def relaying(
    config: RelayConfig,
    states: States,
    start_child: StartChild,
    *,
    cores: int,
    pace: Pace = Pace(),  # noqa: B008 - immutable
    draw: Callable[[], float] = random.random,
) -> AsyncIterator[Relaying]:
    """Run a relay while the block does; at its end no worker is left, and files are whole.

    Args:
        config: checked.
        states: where the states of rooms come from.
        start_child: starts a worker.
        cores: how many the machine has.
        pace: how long things may take.
        draw: gives random numbers in 0..1, for backoff.

    Raises:
        CannotStart: an address cannot be listened on.
    """
    take_descriptors()
    supervisor = Supervisor(config, states, start_child, cores=cores, pace=pace, draw=draw)
    rates = Rates()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(supervisor.stop)
        listener = stack.enter_context(bind(*split_listen(config.listen)))
        status_port = await stack.enter_async_context(
            serving_status(lambda: observe(supervisor, rates), split_listen(config.status_listen))
        )
        supervisor.start()  # both addresses are ours: no worker is started for nothing
        front = Front(listener, supervisor.hand)
        stack.callback(front.close)
        async with _beside(supervisor.watch(), _note(supervisor, rates)):
            yield Relaying(supervisor, front.port, status_port, rates)


@asynccontextmanager
async def _beside(*parts: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run parts while the block does; the failure of any ends all, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part) for part in parts]
            yield
            for task in running:
                task.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


async def _note(supervisor: Supervisor, rates: Rates) -> None:
    loop = asyncio.get_running_loop()
    while True:
        streams = {name: listed.tally.total() for name, listed in supervisor.streams.items()}
        rates.note(loop.time(), streams)
        await asyncio.sleep(_NOTE_S)
