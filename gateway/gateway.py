"""Everything that the handlers of one gateway share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.commits.audit import Audit
from gateway.commits.chronicle import Chronicle
from gateway.commits.committer import Committer
from gateway.commits.telling import Telling
from gateway.config import NO_PROGRESS_S, SSE_COMMENT_S, Config
from gateway.keys import PublishedKeys
from gateway.limits import Limits
from gateway.loop.probe import LoopProbe
from gateway.loop.tasks import Tasks
from gateway.loop.tick import Tick
from gateway.loop.wheel import Wheel
from gateway.metrics.instruments import Metrics
from gateway.presence import Occupied, PresenceLoops, Quiet, Tenure
from gateway.push.admission import Admission
from gateway.push.announcer import Announcer
from gateway.push.audience import Audience
from gateway.push.channel import Channel
from gateway.push.connections import Connections
from gateway.push.conversation import Conversation
from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Mailbox
from gateway.push.sweep import Sweep
from gateway.push.waiting import Waiting
from gateway.push.ws import TICKS_TO_PING
from gateway.reads import Reads, no_document
from gateway.rooms import Rooms
from gateway.tokens.authenticator import Authenticator
from gateway.tokens.bearer import Bearer
from gateway.upstream.opening import Upstreams
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
    keys: PublishedKeys | None
    poller: Poller[Edition]
    rooms: Rooms
    hub: Hub
    audience: Audience
    presence: PresenceLoops
    watch: Watch
    upstreams: Upstreams
    waiting: Waiting
    connections: Connections
    channels: dict[str, Channel]
    admission: Admission | None
    probe: LoopProbe
    tick: Tick
    wheel: Wheel
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
            self,
            home,
        )

    def pace_ms(self) -> int:
        """Say how often pollers should ask now."""
        return self.probe.pace_ms(self.config.poll_interval_ms)

    def reload(self) -> None:
        """Open and read again what was replaced on disk."""
        self.audit.reopen()
        if self.keys is not None:
            self.keys.reload()

    async def run(self) -> None:
        """Keep up with people and with the other nodes, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.presence.run(), name="presence")
            group.create_task(self.watch.run(), name="watch")
            group.create_task(self.upstreams.run(), name="upstreams")
            group.create_task(self.wheel.run(), name="wheel")
            group.create_task(self.probe.run(), name="probe")


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
        CannotStart: the audit log can't be opened, or the key file not published.
    """
    keys = None if config.sei_keys is None else PublishedKeys(config.sei_keys)
    node, rng = new_id(), random.Random()  # noqa: S311 - spread, not secrecy
    tasks = Tasks()
    metrics, wheel, loop = Metrics(), Wheel(), asyncio.get_running_loop()
    sweep = Sweep(loop.call_soon, loop.call_later, monotonic_s, metrics.to_socket.observe)
    hub, audience = Hub(sweep), Audience(sweep)
    tick = Tick(clock_ms, lambda: probe.pace_ms(config.poll_interval_ms))
    probe = LoopProbe(metrics.stall.observe, tick.beat, monotonic_s)
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
        is_kept=lambda room: any(hub.is_followed(Key(room, doc)) for doc in ("state", "requests")),
    )
    documents: Poller[External] = Poller(
        reads.document,
        missing=no_document,
        clock_s=monotonic_s,
        spawn=tasks.spawn,
        announce=announcer.announce_document,
        max_held=MAX_DOCUMENTS_HELD,
        is_kept=lambda key: hub.is_followed(Key(*key)),
    )
    upstreams = Upstreams(
        config.upstreams,
        hub,
        tasks,
        metrics.registry,
        clock_s=monotonic_s,
        clock_ms=clock_ms,
        rng=rng,
        announce=announcer.announce_document,
    )
    metrics.watch_store_reads(lambda: poller.reads + documents.reads)
    occupied, quiet = Occupied(), Quiet(lambda: int(monotonic_s() * 1000))
    tenure = Tenure(
        backend.leases,
        occupied,
        quiet,
        poll_interval_ms=lambda: probe.pace_ms(config.poll_interval_ms),
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
        upstream=upstreams.documents,
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
    announcer.add(lambda edition, _: metrics.observe_published(clock_ms() - edition.stored.ts_ms))
    connections = Connections()
    channels = {
        name: Channel(
            name,
            wheel,
            connections,
            limits,
            tasks.spawn,
            clock_ms,
            monotonic_s,
            tick_s,
            NO_PROGRESS_S,
            jitter=rng.random,
        )
        for name, tick_s in (
            ("ws", config.ping_interval_s / TICKS_TO_PING),
            ("sse", SSE_COMMENT_S),
        )
    }
    metrics.watch_channels({name: channel.tally for name, channel in channels.items()})
    admission = _admission(config, monotonic_s, rng)
    if admission is not None:
        metrics.watch_admission(lambda: admission.refused)
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
        keys=keys,
        poller=poller,
        rooms=rooms,
        hub=hub,
        audience=audience,
        presence=presence,
        watch=Watch(
            backend.bus,
            rooms,
            hub,
            tasks,
            on_voices=presence.on_voices,
            rng=rng,
            is_stored=upstreams.is_stored,
        ),
        upstreams=upstreams,
        waiting=Waiting(hub, wheel),
        connections=connections,
        channels=channels,
        admission=admission,
        probe=probe,
        tick=tick,
        wheel=wheel,
        metrics=metrics,
        tasks=tasks,
        clock_ms=clock_ms,
        new_id=new_id,
    )


def _admission(
    config: Config, clock_s: Callable[[], float], rng: random.Random
) -> Admission | None:
    rate = config.bounds.connections
    return None if rate is None else Admission(rate.per_s, rate.burst, clock_s, rng)
