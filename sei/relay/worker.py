"""A worker: a process with up to fifty streams, at the end of a link from its supervisor.

python -m sei.relay.worker --fd 7 --number 1 --parent 4711
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import uvloop

from sei.config import StreamConfig
from sei.counts import Counts
from sei.insertion.supply import Supply, SupplyBox
from sei.relay.keeping import Keeping
from sei.relay.lifeline import Memory, bound_resources, die_with
from sei.relay.link import Link
from sei.relay.logs import log_as_worker
from sei.relay.relayed import MakePlayers, MakeStream, WorkerSpoilt
from sei.relay.words import Alive, Connection, Ended, Quit, Start, State, Stop, ToWorker

log: Final = logging.getLogger(__name__)

ALIVE_S: Final = 0.25
_STREAMS_A_WORD: Final = 4
_MAX_TEXT: Final = 200
_MAX_OUTPUTS: Final = 16
"""With these an Alive always fits into a datagram."""


class Worker:
    """Does what the supervisor says.

    Args:
        end: of the link.
        make_stream: makes a stream.
        make_players: makes the players' server.
    """

    def __init__(
        self, end: socket.socket, make_stream: MakeStream, make_players: MakePlayers
    ) -> None:
        self._make_stream: Final = make_stream
        self._players: Final = make_players(self._outlet)
        self._kept: Final[dict[str, Keeping]] = {}
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._boxes: Final[dict[tuple[str, int], SupplyBox]] = {}
        self._quit: Final = asyncio.Event()
        self._memory: Final = Memory()
        decoder: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
        self._link: Final = Link(end, decoder, self._heard, self.quit)

    def quit(self) -> None:
        """End every stream in order; ``run`` then returns."""
        self._quit.set()

    async def run(self) -> None:
        """Say that it is alive until told to quit; then close everything."""
        while not self._quit.is_set():
            self._tell(self._kept.values())
            try:
                async with asyncio.timeout(ALIVE_S):
                    await self._quit.wait()
            except TimeoutError:
                continue
        for kept in self._kept.values():
            kept.stop()
        if self._tasks:
            await self._stopped()
        await self._players.close()
        self._link.close()
        self._memory.close()

    async def _stopped(self) -> None:
        """Wait for every stream, alive all the while; each bounds its own end."""
        while self._tasks:
            self._tell(self._kept.values())
            await asyncio.wait(self._tasks, timeout=ALIVE_S)

    def _heard(self, word: ToWorker, sockets: list[socket.socket]) -> None:
        if isinstance(word, Connection):
            self._adopt(sockets)
            return
        for stray in sockets:
            stray.close()
        if isinstance(word, State):
            supply = Supply(word.epoch, word.version, word.messages)
            self._box(word.room, word.max_message_bytes).newest = supply
        elif isinstance(word, Start):
            for config in word.streams:
                self._start(config)
        elif isinstance(word, Stop):
            for name in word.names:
                if name in self._kept:
                    self._kept[name].stop()
        elif isinstance(word, Quit):
            self.quit()

    def _adopt(self, sockets: list[socket.socket]) -> None:
        for connection in sockets:  # none where descriptors ran out on the way
            connection.setblocking(False)
            self._players.adopt(connection)

    def _start(self, config: StreamConfig) -> None:
        if self._quit.is_set():  # the supervisor starts it elsewhere once this process is gone
            return
        if config.name in self._kept:
            log.error("a stream was started twice", extra={"stream": config.name})
            return
        box = self._box(config.room, config.max_message_bytes)
        kept = Keeping(config, self._make_stream, box)
        self._kept[config.name] = kept
        task = asyncio.create_task(self._keep(kept), name=f"stream {config.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, kept: Keeping) -> None:
        try:
            ended = await kept.run()
        except WorkerSpoilt:
            log.exception("the worker must end", extra={"stream": kept.config.name})
            self.quit()
        else:
            self._say_goodbye(kept, ended)
        finally:
            del self._kept[kept.config.name]
            self._drop_boxes()

    def _say_goodbye(self, kept: Keeping, ended: Ended) -> None:
        """Tell the last counts, then the end; not of what goes on in another worker."""
        if not self._quit.is_set():
            kept.counts.input_state = "failed" if ended.code else "ended"
            kept.counts.error_code, kept.counts.error = ended.code, ended.reason
        self._tell([kept])
        if not self._quit.is_set():
            self._link.send(msgspec.structs.replace(ended, reason=ended.reason[:_MAX_TEXT]))

    def _outlet(self, name: str) -> object | None:
        kept = self._kept.get(name)
        return None if kept is None else kept.outlet

    def _box(self, room: str, max_message_bytes: int) -> SupplyBox:
        return self._boxes.setdefault((room, max_message_bytes), SupplyBox())

    def _drop_boxes(self) -> None:
        used = {(kept.config.room, kept.config.max_message_bytes) for kept in self._kept.values()}
        for key in self._boxes.keys() - used:
            del self._boxes[key]

    def _tell(self, kept: Iterable[Keeping]) -> None:
        """Say that it is alive and how some streams are; a word that waits is replaced."""
        streams = list(kept)
        rss = self._memory.rss_bytes()
        for start in range(0, max(1, len(streams)), _STREAMS_A_WORD):
            some = streams[start : start + _STREAMS_A_WORD]
            for one in some:
                one.count()
            word = Alive({one.config.name: short(one.counts) for one in some}, rss)
            self._link.send(word, key=("alive", start))


def short(counts: Counts) -> Counts:
    """Cut the texts, so that the word fits into a datagram."""
    outputs = list(counts.outputs.items())[:_MAX_OUTPUTS]
    return msgspec.structs.replace(
        counts,
        error=counts.error[:_MAX_TEXT],
        probe=counts.probe[:_MAX_TEXT],
        codec=counts.codec[:_MAX_TEXT],
        outputs={name[:_MAX_TEXT]: text[:_MAX_TEXT] for name, text in outputs},
    )


async def _work(end: socket.socket, make_stream: MakeStream, make_players: MakePlayers) -> None:
    worker = Worker(end, make_stream, make_players)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.quit)
    gc.collect()
    gc.freeze()  # what the start made is looked through no more; each time would stop every stream
    await worker.run()


def main(load: Callable[[], tuple[MakeStream, MakePlayers]]) -> None:
    """Run a worker by its command line until it is told to quit, or its supervisor is gone.

    Args:
        load: imports what is heavy, once this process is tied to its supervisor.
    """
    parser = argparse.ArgumentParser(prog="sei.relay.worker")
    parser.add_argument("--fd", type=int, required=True, help="the end of the link")
    parser.add_argument("--number", type=int, required=True, help="for the log")
    parser.add_argument("--parent", type=int, required=True, help="process id of the supervisor")
    parser.add_argument("--log-level", default="info")
    arguments = parser.parse_args()
    die_with(arguments.parent)
    bound_resources()
    sys.stdout = sys.stderr  # descriptor 1 may be a stream's output: nothing else goes there
    faulthandler.register(signal.SIGUSR1)  # before a hung worker is killed it says where it hangs
    for number in (signal.SIGINT, signal.SIGHUP):  # of a terminal; the supervisor answers them
        signal.signal(number, signal.SIG_IGN)
    log_as_worker(arguments.number, arguments.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(socket.socket(fileno=arguments.fd), *_loaded(load)))
    logging.shutdown()
    os._exit(0)  # a thread that hangs would keep the process for ever


def _loaded(load: Callable[[], tuple[MakeStream, MakePlayers]]) -> tuple[MakeStream, MakePlayers]:
    try:
        return load()
    except Exception:
        log.exception("a worker cannot start")
        raise SystemExit(1) from None


def _load() -> tuple[MakeStream, MakePlayers]:
    from sei.outputs.http import PlayerServer
    from sei.relay.stream import RelayedStream

    return RelayedStream, PlayerServer


if __name__ == "__main__":
    main(_load)
