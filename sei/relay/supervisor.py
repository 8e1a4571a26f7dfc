"""The supervisor: which streams there are, which worker has each, and what became of them.

Decisions are made here, in synchronous methods; processes are the crew's.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import Callable, Iterable
from itertools import count
from typing import Final

from sei.config import RelayConfig, StreamConfig
from sei.relay.child import StartChild
from sei.relay.crew import Crew, Pace
from sei.relay.listed import Listed, Place
from sei.relay.placing import compare, spread, worker_count
from sei.relay.relayed import Handed, States
from sei.relay.restarts import Restarts
from sei.relay.rooms import Rooms, wanted
from sei.relay.words import Alive, Connection, Ended, Start, State, Stop

log: Final = logging.getLogger(__name__)

MAX_DIVIDED: Final = 8
"""So many places there may be beyond those that the streams want; finds one culprit among fifty."""


class Supervisor:
    """Keeps the streams of a configuration running in worker processes.

    Args:
        config: what to run.
        states: where the states of rooms come from.
        start_child: starts a worker.
        cores: how many the machine has.
        pace: how long things may take.
        draw: gives random numbers in 0..1.
    """

    def __init__(
        self,
        config: RelayConfig,
        states: States,
        start_child: StartChild,
        *,
        cores: int,
        pace: Pace = Pace(),  # noqa: B008 - immutable
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.config = config
        self.streams: Final[dict[str, Listed]] = {}
        self.places: Final[dict[int, Place]] = {}
        self.restarts = 0
        self.hangs = 0
        self.over: Final = asyncio.Event()
        """Set once every stream has ended or failed for good."""
        self._cores: Final = cores
        self._pace: Final = pace
        self._draw: Final = draw
        self._stopping = False
        self.rooms: Final = Rooms(states, self._tell_state)
        self.crew: Final = Crew(start_child, self._heard, self._lost, pace, draw)

    def start(self) -> None:
        """Start everything; ``stop`` must follow."""
        self._add(self.config.streams)

    async def watch(self) -> None:
        """Look after the workers until cancelled."""
        loop = asyncio.get_running_loop()
        last_s = loop.time()
        while True:
            await asyncio.sleep(self._pace.look_s)
            now_s = loop.time()
            self.crew.look(now_s - last_s)
            last_s = now_s

    async def stop(self) -> None:
        """End every stream in order, within bounds; nothing is left of any worker."""
        self._stopping = True
        for place in self.places.values():
            if place.retry is not None:
                place.retry.cancel()
        self.rooms.follow(set())
        await self.crew.stop()

    def reload(self, config: RelayConfig) -> None:
        """Change over to another configuration.

        What did not change is not touched. A stream that had failed for good is tried again.
        """
        if self._stopping:
            return
        self.config = config
        present = [
            listed.successor or listed.config
            for listed in self.streams.values()
            if listed.phase != "stopping" or listed.successor is not None
        ]
        change = compare(present, config.streams)
        for name in change.removed:
            self._remove(self.streams[name])
        for stream in change.changed:
            self._change(self.streams[stream.name], stream)
        self._retry_failed()
        self._add(change.added)
        self.over.clear()
        self._check_over()
        log.info(
            "the configuration was read again",
            extra={part: len(names) for part, names in change._asdict().items()},
        )

    def hand(self, name: str, connection: socket.socket, peer: str) -> Handed:
        """Hand a player to the worker that has a stream; only what is taken is owned by it."""
        listed = self.streams.get(name)
        if listed is None or listed.phase == "over":
            return "unknown"
        taken = self.crew.send(listed.place, Connection(peer), (connection,))
        return "taken" if taken else "away"

    def _add(self, streams: Iterable[StreamConfig]) -> None:
        fresh = []
        for stream in streams:
            leaving = self.streams.get(stream.name)
            if leaving is not None:
                leaving.successor = stream
                continue
            self.streams[stream.name] = Listed(stream)
            fresh.append(self.streams[stream.name])
        self._place(fresh)

    def _place(self, fresh: list[Listed]) -> None:
        """Give streams that are nowhere a worker, and start them."""
        loads = {number: len(place.names) for number, place in self.places.items()}
        limit = self.config.streams_per_worker
        most = worker_count(sum(loads.values()) + len(fresh), limit, self._cores)
        for listed, number in zip(fresh, spread(loads, len(fresh), limit, most), strict=True):
            listed.place, listed.phase, listed.over = number, "on", None
            self._at(number).names.add(listed.config.name)
        self._follow()
        for listed in fresh:
            if listed.place in loads:
                self._launch(listed)
        for number in sorted({listed.place for listed in fresh} - loads.keys()):
            self._fill(self.places[number])

    def _at(self, number: int) -> Place:
        if number not in self.places:
            self.places[number] = Place(number, Restarts(draw=self._draw))
        return self.places[number]

    def _fill(self, place: Place) -> None:
        place.retry = None
        if not self.crew.take(place.number):
            self._fill_later(place)
            return
        for name in sorted(place.names):
            self._launch(self.streams[name])

    def _fill_later(self, place: Place) -> None:
        loop = asyncio.get_running_loop()
        wait_s = place.policy.wait_s(loop.time())
        if wait_s > 0:
            log.warning("a worker starts again", extra={"in_s": round(wait_s, 1)})
        place.retry = loop.call_later(wait_s, self._fill, place)

    def _launch(self, listed: Listed) -> None:
        """Start a stream in its worker; where there is none yet, filling its place does it."""
        self.crew.send(listed.place, Start((listed.config,)))
        key = wanted(listed.config)
        state = None if key is None else self.rooms.newest(key)
        if state is not None:
            self.crew.send(listed.place, state, key=("state", key))

    def _remove(self, listed: Listed) -> None:
        listed.successor = None
        if listed.phase == "on" and self.crew.has(listed.place):
            self._stop(listed)
        elif listed.phase != "stopping":
            self._leave_place(listed)
            del self.streams[listed.config.name]
            self._follow()

    def _change(self, listed: Listed, config: StreamConfig) -> None:
        if listed.phase == "over":
            listed.config = config
            listed.tally.bank()
            self._place([listed])
        elif self.crew.has(listed.place):
            listed.successor = config
            if listed.phase == "on":
                self._stop(listed)
        else:
            listed.config = config
            self._follow()

    def _stop(self, listed: Listed) -> None:
        listed.phase = "stopping"
        self.crew.send(listed.place, Stop((listed.config.name,)))

    def _retry_failed(self) -> None:
        failed = [listed for listed in self.streams.values() if listed.over and listed.over.code]
        for listed in failed:
            listed.tally.bank()
        self._place(failed)

    def _heard(self, number: int, word: Alive | Ended) -> None:
        if isinstance(word, Alive):
            for name, counts in word.streams.items():
                listed = self.streams.get(name)
                if listed is not None and listed.place == number:
                    listed.tally.hear(counts)
                    if counts.video_packets > 0:
                        listed.begun.set()
            return
        listed = self.streams.get(word.name)
        if listed is None or listed.place != number:
            return
        if listed.phase == "stopping":
            self._stopped(listed)
        else:
            self._finish(listed, word)

    def _finish(self, listed: Listed, word: Ended) -> None:
        listed.phase, listed.over = "over", word
        log.info("a stream is over", extra={"stream": word.name, "code": word.code})
        self._leave_place(listed)
        self._follow()
        self._check_over()

    def _stopped(self, listed: Listed) -> None:
        """It stopped as it was told to: it is gone, or goes on as something else."""
        listed.tally.bank()
        if listed.successor is None:
            self._leave_place(listed)
            del self.streams[listed.config.name]
            self._follow()
            self._check_over()
            return
        listed.config, listed.successor, listed.phase = listed.successor, None, "on"
        self._follow()
        self._launch(listed)

    def _leave_place(self, listed: Listed) -> None:
        place = self.places.get(listed.place)
        listed.place = 0
        if place is None:
            return
        place.names.discard(listed.config.name)
        if not place.names:
            if place.retry is not None:
                place.retry.cancel()
            del self.places[place.number]
            self.crew.release(place.number)

    def _lost(self, number: int, hung: bool) -> None:
        """The worker of a place is gone: its streams start again, at once if it is the first."""
        place = self.places[number]
        place.restarts += 1
        place.hangs += hung
        self.restarts += 1
        self.hangs += hung
        for name in sorted(place.names):
            listed = self.streams[name]
            if listed.phase == "stopping":
                self._stopped(listed)
            else:
                listed.tally.bank()
        if place.names and not self._stopping:
            self._refill(place)

    def _refill(self, place: Place) -> None:
        loop = asyncio.get_running_loop()
        log.warning("the streams of a worker start again", extra={"streams": len(place.names)})
        wait_s = place.policy.wait_s(loop.time())
        parts = [place]
        if place.policy.ends_in_a_row > 1:
            parts += self._divide(place)
        for part in parts:
            if wait_s == 0:
                self._fill(part)
            else:
                part.retry = loop.call_later(wait_s, self._fill, part)

    def _divide(self, place: Place) -> list[Place]:
        """Give half the streams of a worker that ends again and again a worker of their own.

        After a few ends the one at fault is alone, and the others have their peace.
        """
        wanted_ones = worker_count(len(self.streams), self.config.streams_per_worker, self._cores)
        if len(place.names) < 2 or len(self.places) >= wanted_ones + MAX_DIVIDED:
            return []
        other = self._at(next(number for number in count(1) if number not in self.places))
        other.policy.wait_s(asyncio.get_running_loop().time())  # its next end is a repeated one
        for name in sorted(place.names)[len(place.names) // 2 :]:
            place.names.discard(name)
            other.names.add(name)
            self.streams[name].place = other.number
        return [other]

    def _tell_state(self, state: State) -> None:
        key = (state.room, state.max_message_bytes)
        for place in self.places.values():
            if any(wanted(self.streams[name].config) == key for name in place.names):
                self.crew.send(place.number, state, key=("state", key))

    def _follow(self) -> None:
        live = [listed.config for listed in self.streams.values() if listed.phase != "over"]
        keys = [wanted(config) for config in live]
        self.rooms.follow({key for key in keys if key is not None})

    def _check_over(self) -> None:
        if all(listed.phase == "over" for listed in self.streams.values()):
            self.over.set()
