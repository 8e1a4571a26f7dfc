"""One end of the pair over which supervisor and worker talk: whole words, sockets beside them.

``SOCK_SEQPACKET``: a word is a datagram, and the end of a process is an end of file at once.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

log: Final = logging.getLogger(__name__)

MAX_WORD_BYTES: Final = 128 * 1024
"""A State of sixteen messages of 4,000 bytes is half of it."""
_KERNEL_BYTES: Final = 1 << 20
"""Asked for; Linux gives 400 KiB of it unless told otherwise, room for several words."""
MAX_WAITING: Final = 512
MAX_WAITING_SOCKETS: Final = 256
"""Words with sockets among them: however many players come, what else is to be said has room."""
_FDS_A_WORD: Final = 4
_WORDS_A_TURN: Final = 64
"""Then the loop's other work has its turn."""

Word = TypeVar("Word")
"""What this end hears."""


class _Letter(NamedTuple):
    encoded: bytes
    sockets: tuple[socket.socket, ...]


def link_pair() -> tuple[socket.socket, socket.socket]:
    """Make both ends; neither is inherited by a child unless it is passed on purpose."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
    return ends


class Link(Generic[Word]):
    """Sends words without waiting and tells what comes in.

    When the other end reads too slowly words wait, ``MAX_WAITING`` of them, half of them with
    sockets; a word with the key of one that waits takes its place. Beyond that a word is refused.

    Args:
        end: of ``link_pair``; owned by the link.
        decoder: of what the other end says.
        on_word: told each word with its sockets, which it owns; in the loop.
        on_end: told once that the other end is gone, or spoke nonsense.
    """

    def __init__(
        self,
        end: socket.socket,
        decoder: msgspec.msgpack.Decoder[Word],
        on_word: Callable[[Word, list[socket.socket]], None],
        on_end: Callable[[], None],
    ) -> None:
        self._end: Final = end
        self._decoder: Final = decoder
        self._on_word: Final = on_word
        self._on_end: Final = on_end
        self._encoder: Final = msgspec.msgpack.Encoder()
        self._loop: Final = asyncio.get_running_loop()
        self._waiting: Final[OrderedDict[Hashable, _Letter]] = OrderedDict()
        self._waiting_sockets = 0
        """Words that wait with sockets beside them."""
        self._buffer: Final = bytearray(MAX_WORD_BYTES)
        self._stuck_since: float | None = None
        self.closed = False
        end.setblocking(False)
        self._loop.add_reader(end, self._readable)

    @property
    def stuck_s(self) -> float:
        """For how long the other end has read nothing although something waits."""
        return 0.0 if self._stuck_since is None else self._loop.time() - self._stuck_since

    def send(
        self,
        word: msgspec.Struct,
        sockets: Sequence[socket.socket] = (),
        *,
        key: Hashable = None,
    ) -> bool:
        """Send a word, or let it wait.

        Args:
            word: what to say.
            sockets: go with it; closed here once they are on their way or the link ends.
            key: replaces a word with the same key that waits, in its place.

        Returns:
            False where it was not taken: the link is closed or full. The sockets stay the caller's.
        """
        encoded = self._encoder.encode(word)
        if len(encoded) > MAX_WORD_BYTES:
            raise ValueError(f"a word of {len(encoded)} bytes")
        if self.closed:
            return False
        letter = _Letter(encoded, tuple(sockets))
        if not self._waiting:
            return self._post(letter) or self._wait(letter, key)
        return self._wait(letter, key)

    def close(self) -> None:
        """End it; what waits is lost, and its sockets are closed. Tells nobody."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._end)
        self._loop.remove_writer(self._end)
        for letter in self._waiting.values():
            _close(letter.sockets)
        self._waiting.clear()
        self._waiting_sockets = 0
        self._end.close()

    def _wait(self, letter: _Letter, key: Hashable) -> bool:
        key = object() if key is None else key
        replaced = self._waiting.get(key)
        if self.closed or (replaced is None and self._is_full(letter)):
            return False
        if not self._waiting:
            self._stuck_since = self._loop.time()
            self._loop.add_writer(self._end, self._writable)
        self._waiting[key] = letter
        self._waiting_sockets += bool(letter.sockets)
        if replaced is not None:
            self._waiting_sockets -= bool(replaced.sockets)
            _close(replaced.sockets)
        return True

    def _is_full(self, letter: _Letter) -> bool:
        if letter.sockets and self._waiting_sockets >= MAX_WAITING_SOCKETS:
            return True
        return len(self._waiting) >= MAX_WAITING

    def _writable(self) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            if not self._post(self._waiting[key]):
                return
            self._waiting_sockets -= bool(self._waiting.pop(key).sockets)
            self._stuck_since = self._loop.time()
        self._stuck_since = None
        self._loop.remove_writer(self._end)

    def _post(self, letter: _Letter) -> bool:
        """Hand a word to the kernel; False where it has no room for it now."""
        try:
            if letter.sockets:
                socket.send_fds(self._end, [letter.encoded], [s.fileno() for s in letter.sockets])
            else:
                self._end.send(letter.encoded)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            # Gone, or out of references in flight: reading tells the end, a player tries again.
            log.debug("a word was lost on the link: %s", error)
        _close(letter.sockets)
        return True

    def _readable(self) -> None:
        for _ in range(_WORDS_A_TURN):
            if self.closed or not self._read_one():
                return

    def _read_one(self) -> bool:
        try:
            size, sockets, flags = self._receive()
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            log.debug("the link broke: %s", error)
            return self._ended()
        if size == 0:
            return self._ended()
        try:
            word = self._decoder.decode(memoryview(self._buffer)[:size])
        except msgspec.DecodeError:
            log.exception("nonsense on the link", extra={"bytes": size, "flags": flags})
            _close(sockets)
            return self._ended()
        self._on_word(word, sockets)
        return True

    def _receive(self) -> tuple[int, list[socket.socket], int]:
        room = socket.CMSG_SPACE(_FDS_A_WORD * 4)
        size, ancillary, flags, _ = self._end.recvmsg_into(
            [self._buffer], room, socket.MSG_CMSG_CLOEXEC
        )
        sockets = []
        for level, kind, raw in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = memoryview(raw[: len(raw) - len(raw) % 4]).cast("i")
                sockets += [socket.socket(fileno=number) for number in numbers]
        return size, sockets, flags

    def _ended(self) -> bool:
        self.close()
        self._on_end()
        return False


def _close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        with suppress(OSError):
            one.close()
