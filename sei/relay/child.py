"""A worker's process as its supervisor sees it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from typing import Final, Protocol

import msgspec

from sei.relay.link import Link, link_pair
from sei.relay.words import ToSupervisor

log: Final = logging.getLogger(__name__)

PROGRAM: Final = (sys.executable, "-m", "sei.relay.worker")
_LAST_WORDS_S: Final = 0.1
"""For the trace of a hung worker, which the kernel lets it write although it hangs."""

OnWord = Callable[["Child", ToSupervisor], None]
OnEnd = Callable[["Child"], None]


class Child(Protocol):
    """What a supervisor does with a worker process."""

    @property
    def number(self) -> int:
        """As in its log."""
        ...

    @property
    def pid(self) -> int:
        """Of the process."""
        ...

    @property
    def stuck_s(self) -> float:
        """For how long it has read nothing although something waits for it."""
        ...

    def send(
        self, word: msgspec.Struct, sockets: Sequence[socket.socket] = (), *, key: Hashable = None
    ) -> bool:
        """Say something; False where it cannot be taken."""
        ...

    def kill(self, *, trace: bool = False) -> None:
        """End it now; with a trace of where it hangs in the log. Tells nobody."""
        ...

    async def gone(self) -> None:
        """Wait until the process is gone."""
        ...


StartChild = Callable[[int, OnWord, OnEnd], Child]
"""Starts a worker; told its number, what it says, and once that it ended or left the link."""


class WorkerProcess:
    """A process of ``sei.relay.worker``.

    Args:
        number: for its log.
        on_word: told what it says.
        on_end: told that its end of the link is closed, as a dead one's is.
        program: what to run.
        log_level: of the worker.
        with_stdin: whether it gets our standard input, for a stream that reads it.
        with_stdout: whether it gets our standard output, for a stream that writes it.

    Raises:
        OSError: no process can be started, or descriptors ran out.
    """

    def __init__(
        self,
        number: int,
        on_word: OnWord,
        on_end: OnEnd,
        *,
        program: Sequence[str] = PROGRAM,
        log_level: str = "info",
        with_stdin: bool = False,
        with_stdout: bool = False,
    ) -> None:
        ours, theirs = link_pair()
        told = ("--fd", theirs.fileno(), "--number", number, "--parent", os.getpid())
        with theirs, ExitStack() as undo:
            undo.callback(ours.close)
            self._process: Final = subprocess.Popen(  # noqa: S603 - our own program
                [*program, *map(str, told), "--log-level", log_level],
                pass_fds=(theirs.fileno(),),
                stdin=None if with_stdin else subprocess.DEVNULL,
                stdout=None if with_stdout else subprocess.DEVNULL,
            )
            undo.callback(self._process.wait)
            undo.callback(self._process.kill)
            self._pidfd: Final = os.pidfd_open(self._process.pid)
            undo.pop_all()
        self.number: Final = number
        self.pid: Final = self._process.pid
        self._gone: Final = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)
        decoder: msgspec.msgpack.Decoder[ToSupervisor] = msgspec.msgpack.Decoder(ToSupervisor)
        self._link: Final = Link(
            ours,
            decoder,
            lambda word, sockets: on_word(self, _without(sockets, word)),
            lambda: on_end(self),
        )

    @property
    def stuck_s(self) -> float:
        """For how long it has read nothing although something waits for it."""
        return self._link.stuck_s

    def send(
        self, word: msgspec.Struct, sockets: Sequence[socket.socket] = (), *, key: Hashable = None
    ) -> bool:
        """Say something; False where it cannot be taken."""
        return self._link.send(word, sockets, key=key)

    def kill(self, *, trace: bool = False) -> None:
        """End it now; with a trace of where it hangs in the log. Tells nobody."""
        self._link.close()
        if trace:
            self._signal(signal.SIGUSR1)
            asyncio.get_running_loop().call_later(_LAST_WORDS_S, self._signal, signal.SIGKILL)
        else:
            self._signal(signal.SIGKILL)

    async def gone(self) -> None:
        """Wait until the process is gone."""
        await self._gone.wait()

    def _signal(self, number: signal.Signals) -> None:
        if not self._gone.is_set():  # else the number may be another process's by now
            os.kill(self.pid, number)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        status = self._process.wait()
        log.info("a worker ended", extra={"worker": self.number, "status": status})
        self._gone.set()


def _without(sockets: Sequence[socket.socket], word: ToSupervisor) -> ToSupervisor:
    for stray in sockets:  # a worker sends none
        stray.close()
    return word
