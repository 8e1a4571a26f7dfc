"""How the relay is: a value for the page, for JSON and for metrics."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

import msgspec

from room.errors import InvalidArgument
from sei.config import StreamConfig
from sei.counts import Counts
from sei.inputs.address import parse_address
from sei.outputs.address import parse_output, parse_outputs
from sei.relay.listed import Listed
from sei.relay.rates import Rate, Rates
from sei.relay.rooms import wanted
from sei.relay.supervisor import Supervisor

TROUBLE: Final = ("failed", "restarting", "stalled", "waiting")
"""States in which no picture comes and somebody may have to look."""
OLD_STATE_S: Final = 60.0
"""A state that the gateway has not confirmed for so long is trouble."""


def is_broken(output: str) -> bool:
    """Tell whether an output says that it is in trouble; ``live, without …`` is none."""
    return output not in ("", "closed", "connecting") and not output.startswith("live")


class StreamStatus(msgspec.Struct, kw_only=True):
    """One stream."""

    name: str
    room: str
    state: str
    """``connecting``, ``live``, ``stalled``, ``waiting``, ``ended``, ``failed``; ``restarting``
    while its worker is started anew, ``stopping``."""
    error_code: str
    error: str
    input: str
    """Without credentials."""
    worker: int
    """Place of its worker; 0 where it has none."""
    packets_per_s: float
    delay_p50_ms: float | None
    """The bound of a bucket, of the last seconds; None: no packet, or beyond the last bound."""
    delay_p99_ms: float | None
    state_age_s: float | None
    """Since the gateway last confirmed the room's state; None: never, or nothing is injected."""
    injects: bool
    outputs: dict[str, str]
    """Each output, and ``live``, ``""`` where it tells nothing, or its error."""
    counts: Counts

    @property
    def in_trouble(self) -> bool:
        """Whether somebody should look at it."""
        keeps_failing = self.state == "connecting" and self.error_code != ""
        errors = any(is_broken(text) for text in self.outputs.values())
        return self.state in TROUBLE or keeps_failing or errors or self._is_blind

    @property
    def _is_blind(self) -> bool:
        """Whether viewers of the video lack the state of their room, or have an old one."""
        if self.counts.stripped:
            return True
        is_old = self.state_age_s is None or self.state_age_s > OLD_STATE_S
        return self.injects and self.state == "live" and is_old


class WorkerStatus(msgspec.Struct, kw_only=True):
    """One worker, or the spare."""

    place: int
    """0: the spare."""
    number: int
    """In its log."""
    pid: int
    rss_bytes: int
    streams: int
    restarts: int
    hangs: int


class Status(msgspec.Struct, kw_only=True):
    """The whole relay."""

    streams: list[StreamStatus]
    workers: list[WorkerStatus]
    restarts: int
    """Of workers, since the start."""
    hangs: int
    room_ages_s: dict[str, float | None]
    states: dict[str, Any]
    """How the states of rooms come in: channel ``ws``, ``poll`` or none, rooms, reconnects."""


def observe(supervisor: Supervisor, rates: Rates) -> Status:
    """Look at everything; O(streams)."""
    streams = [_stream(supervisor, listed, rates) for listed in supervisor.streams.values()]
    rooms = {stream.room: stream.state_age_s for stream in streams if stream.injects}
    return Status(
        streams=streams,
        workers=_workers(supervisor),
        restarts=supervisor.restarts,
        hangs=supervisor.hangs,
        room_ages_s=rooms,
        states=supervisor.rooms.source_counters(),
    )


def _stream(supervisor: Supervisor, listed: Listed, rates: Rates) -> StreamStatus:
    config, counts = listed.config, listed.tally.total()
    rate = rates.of(config.name) if listed.phase != "over" else Rate()
    key = wanted(config)
    return StreamStatus(
        name=config.name,
        room=config.room,
        state=_state(supervisor, listed, counts),
        error_code=listed.over.code if listed.over else counts.error_code,
        error=listed.over.reason if listed.over else counts.error,
        input=parse_address(config.input).shown,
        worker=listed.place,
        packets_per_s=round(rate.packets_per_s, 1),
        delay_p50_ms=_finite(rate.delay_p50_ms),
        delay_p99_ms=_finite(rate.delay_p99_ms),
        state_age_s=None if key is None else supervisor.rooms.age_s(config.room),
        injects=key is not None,
        outputs=_outputs(config, counts),
        counts=msgspec.structs.replace(counts, outputs={}),  # above, without secrets
    )


def _state(supervisor: Supervisor, listed: Listed, counts: Counts) -> str:
    if listed.phase == "over":
        return "failed" if listed.over is not None and listed.over.code else "ended"
    if not supervisor.crew.has(listed.place):
        return "restarting"
    return "stopping" if listed.phase == "stopping" else counts.input_state


def _outputs(config: StreamConfig, counts: Counts) -> dict[str, str]:
    """Say how each output is, by a name without secrets in it."""
    names = [output.shown for output in parse_outputs(config.outputs)]
    told = {n if n in names else _shown(n): text for n, text in counts.outputs.items()}
    return {name: told.pop(name, "") for name in names} | told


def _shown(output: str) -> str:
    try:
        return parse_output(output).shown
    except InvalidArgument:  # a name that the stream itself gave, such as that of a second file
        return "an address" if "://" in output else output


def _workers(supervisor: Supervisor) -> list[WorkerStatus]:
    workers = []
    for hand in supervisor.crew:
        place = None if hand.place is None else supervisor.places.get(hand.place)
        workers.append(
            WorkerStatus(
                place=hand.place or 0,
                number=hand.child.number,
                pid=hand.child.pid,
                rss_bytes=hand.rss_bytes,
                streams=len(place.names) if place else 0,
                restarts=place.restarts if place else 0,
                hangs=place.hangs if place else 0,
            )
        )
    return sorted(workers, key=lambda worker: (worker.place == 0, worker.place))


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
