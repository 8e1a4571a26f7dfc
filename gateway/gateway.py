"""Everything that the handlers of one gateway share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.audit import Audit
from gateway.auth import Authenticator
from gateway.bearer import Bearer
from gateway.chronicle import Chronicle
from gateway.committer import Committer
from gateway.config import Config
from gateway.connections import Connections
from gateway.limits import Limits
from gateway.metrics import Metrics
from gateway.presence import Occupied, PresenceLoops, Quiet, Tenure
from gateway.push.announcer import Announcer
from gateway.push.audience import Audience
from gateway.push.conversation import Conversation
from gateway.push.hub import Hub
from gateway.push.mailbox import Mailbox
from gateway.reads import Reads, no_document
from gateway.rooms import Rooms
from gateway.tasks import Tasks
from gateway.telling import Telling
from gateway.waiting import Waiting
from gateway.watch import Watch
from poller import Poller
from room.errors import RoomNotFound
from room.snapshot import Edition, External
from store.backend import Backend
from store.port import Clock

MAX_DOCUMENTS_HELD: Final = 2_000
"""``x-`` documents in memory: 64 KB each at most, and as much again for each of their forms."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one node, wired."""

    config: Config
    backend: Backend
    authenticator: Authenticator
    limits: Limits
    audit: Audit
    poller: Poller[Edition]
    rooms: Rooms
    hub: Hub
    audience: Audience
    presence: PresenceLoops
    watch: Watch
    waiting: Waiting
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
            presence=self.presence,
            metrics=self.metrics,
            clock_ms=self.clock_ms,
            home=home,
        )

    async def run(self) -> None:
        """Keep up with people and with the other nodes, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.presence.run(), name="presence")
            group.create_task(self.watch.run(), name="watch")


def assemble(
    config: Config,
    backend: Backend,
    *,
    clock_ms: Clock,
    monotonic_s: Callable[[], float],
    new_id: Callable[[], str],
) -> Gateway:
    """Wire the parts around a backend; needs a running loop.

    Raises:
        CannotStart: the audit log can't be opened.
    """
    node, rng = new_id(), random.Random()  # noqa: S311 - spread, not secrecy
    tasks = Tasks()
    hub, audience, metrics = Hub(), Audience(), Metrics()
    audit = Audit.open(config.audit_log, clock_ms)
    limits = Limits(config.bounds, monotonic_s)
    announcer = Announcer(hub, audience)
    reads = Reads(backend.store)
    poller: Poller[Edition] = Poller(
        reads.room,
        missing=RoomNotFound,
        clock_s=monotonic_s,
        spawn=tasks.spawn,
        announce=announcer.announce,
    )
    documents: Poller[External] = Poller(
        reads.document,
        missing=no_document,
        clock_s=monotonic_s,
        spawn=tasks.spawn,
        announce=announcer.announce_document,
        max_held=MAX_DOCUMENTS_HELD,
    )
    metrics.watch_store_reads(lambda: poller.reads + documents.reads)
    occupied, quiet = Occupied(), Quiet(lambda: int(monotonic_s() * 1000))
    tenure = Tenure(
        backend.leases,
        occupied,
        quiet,
        poll_interval_ms=lambda: config.poll_interval_ms,
        single_room_seat=config.single_room_seat,
    )
    telling = Telling(backend.bus, tasks)
    committer = Committer(
        backend.store,
        poller,
        tasks,
        seating=tenure,
        clock_ms=clock_ms,
        new_id=new_id,
        committed=telling.room,
    )
    rooms = Rooms(
        backend.store,
        poller,
        documents,
        committer,
        tasks,
        admit=limits.check_command,
        witness=Chronicle(metrics, audit),
        changed=telling.tell,
        clock_ms=clock_ms,
    )
    presence = PresenceLoops(
        tenure,
        occupied,
        backend.bus,
        rooms,
        audience,
        tasks,
        node=node,
        clock_ms=clock_ms,
        monotonic_ms=lambda: int(monotonic_s() * 1000),
        rng=rng,
    )
    announcer.add(presence.observe)
    return Gateway(
        config=config,
        backend=backend,
        authenticator=Authenticator(
            config.secret,
            lambda: clock_ms() / 1000,
            audience=config.audience,
            issuer=config.issuer,
        ),
        limits=limits,
        audit=audit,
        poller=poller,
        rooms=rooms,
        hub=hub,
        audience=audience,
        presence=presence,
        watch=Watch(backend.bus, rooms, hub, tasks, on_voices=presence.on_voices, rng=rng),
        waiting=Waiting(hub),
        connections=Connections(),
        metrics=metrics,
        tasks=tasks,
        clock_ms=clock_ms,
        new_id=new_id,
    )
