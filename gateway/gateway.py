"""Everything that the handlers of one gateway share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.auth import Authenticator
from gateway.bearer import Bearer
from gateway.config import Config
from gateway.connections import Connections
from gateway.metrics import Metrics
from gateway.push.announcer import Announcer
from gateway.push.audience import Audience
from gateway.push.conversation import Conversation
from gateway.push.hub import Hub
from gateway.push.mailbox import Mailbox
from gateway.rooms import Rooms
from gateway.tasks import Tasks
from poller import Poller
from store.port import Clock, Store


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one node, wired."""

    config: Config
    store: Store
    authenticator: Authenticator
    poller: Poller
    rooms: Rooms
    hub: Hub
    audience: Audience
    connections: Connections
    metrics: Metrics
    tasks: Tasks
    clock_ms: Clock
    new_id: Callable[[], str]

    def conversation(self, bearer: Bearer, mailbox: Mailbox, home: str | None) -> Conversation:
        """Begin what one caller says and hears over one connection."""
        return Conversation(
            f"c_{self.new_id()}",
            bearer,
            mailbox,
            rooms=self.rooms,
            hub=self.hub,
            audience=self.audience,
            metrics=self.metrics,
            clock_ms=self.clock_ms,
            home=home,
        )


def assemble(
    config: Config,
    store: Store,
    *,
    clock_ms: Clock,
    monotonic_s: Callable[[], float],
    new_id: Callable[[], str],
) -> Gateway:
    """Wire the parts around a store; needs a running loop."""
    tasks = Tasks()
    hub, audience, metrics = Hub(), Audience(), Metrics()
    poller = Poller(
        store.read,
        clock_s=monotonic_s,
        spawn=tasks.spawn,
        announce=Announcer(hub, audience).announce,
    )
    metrics.watch_store_reads(lambda: poller.reads)
    rooms = Rooms(store, poller, tasks, clock_ms=clock_ms, new_id=new_id)
    return Gateway(
        config=config,
        store=store,
        authenticator=Authenticator(config.secret, lambda: clock_ms() / 1000),
        poller=poller,
        rooms=rooms,
        hub=hub,
        audience=audience,
        connections=Connections(),
        metrics=metrics,
        tasks=tasks,
        clock_ms=clock_ms,
        new_id=new_id,
    )
