"""MPEG-TS over UDP, unicast or multicast.

| option | what |
| --- | --- |
| `localaddr` | address of the interface on which a group is joined |
| `buffer_size` | bytes of the socket's buffer |

Of the options that FFmpeg has, those that only tune its own reader are taken and mean nothing. A
sender is not known to anyone: whoever may send to the port speaks for the stream.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final
from urllib.parse import parse_qsl

from sei.errors import BadMedia, SourceFailed
from sei.inputs.address import Address
from sei.source import Opened

MAX_QUEUED_BYTES: Final = 2 * 1024 * 1024
STALL_TIMEOUT_S: Final = 10.0
_SOCKET_BYTES: Final = 1024 * 1024
_MEANINGLESS: Final = frozenset({"fifo_size", "overrun_nonfatal", "pkt_size", "reuse", "ttl"})


class UdpSource:
    """An input over UDP.

    Args:
        address: of kind ``udp``.
        stall_timeout_s: the longest silence.
        max_queued_bytes: of what has come in and nobody has taken; what comes then is dropped.

    Raises:
        BadMedia: the address has an option that is not known.
    """

    def __init__(
        self,
        address: Address,
        *,
        stall_timeout_s: float = STALL_TIMEOUT_S,
        max_queued_bytes: int = MAX_QUEUED_BYTES,
    ) -> None:
        self._address: Final = address
        self._options: Final = _options(address.query)
        self._stall_timeout_s: Final = stall_timeout_s
        self._max_queued_bytes: Final = max_queued_bytes
        self.dropped = 0
        """Datagrams that nobody took in time."""
        self.bound: tuple[str, int] | None = None
        """Where it listens, while it is open."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Begin to listen.

        Raises:
            SourceFailed: the port is taken.
            BadMedia: the address is not one of this machine or of a group.
        """
        receiver = _Receiver(self)
        with _bound(self._address, self._options) as sock:
            self.bound = sock.getsockname()[:2]
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: receiver, sock=sock
            )
            try:
                async with aclosing(receiver.chunks(self._stall_timeout_s)) as chunks:
                    yield Opened("mpegts", chunks)
            finally:
                transport.abort()
                self.bound = None

    def admits(self, queued_bytes: int) -> bool:
        """Tell whether one datagram more may wait; counts it where it may not."""
        if queued_bytes <= self._max_queued_bytes:
            return True
        self.dropped += 1
        return False


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, source: UdpSource) -> None:
        self._source: Final = source
        self._queue: Final[deque[bytes]] = deque()
        self._queued_bytes = 0
        self._arrived: Final = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not data:  # no sign of life of a stream; and any number of them would fit the bound
            return
        if self._source.admits(self._queued_bytes + len(data)):
            self._queue.append(data)
            self._queued_bytes += len(data)
            self._arrived.set()

    async def chunks(self, stall_timeout_s: float) -> AsyncGenerator[bytes, None]:
        while True:
            if not self._queue:
                self._arrived.clear()
                try:
                    async with asyncio.timeout(stall_timeout_s):
                        await self._arrived.wait()
                except TimeoutError as error:
                    raise SourceFailed(f"the input is silent for {stall_timeout_s:g} s") from error
            chunk = b"".join(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            yield chunk


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in _MEANINGLESS | {"localaddr", "buffer_size"}:
            raise BadMedia(f"a UDP input has no option {name[:40]!r}")
    if not options.get("buffer_size", "1").isdecimal():
        raise BadMedia("buffer_size is a number of bytes")
    return options


def _bound(address: Address, options: dict[str, str]) -> socket.socket:
    """Make the socket; a group is joined, an address of this machine is bound."""
    try:
        host = ipaddress.ip_address(address.host or "0.0.0.0")  # noqa: S104 — what the operator wrote
        interface = ipaddress.ip_address(options.get("localaddr", "0.0.0.0"))  # noqa: S104 — any
    except ValueError as error:
        raise BadMedia(f"a UDP input has a numeric address: {error}") from error
    family = socket.AF_INET if host.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, int(options.get("buffer_size", _SOCKET_BYTES))
        )
        if host.is_multicast:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((str(host), address.port))
        if host.is_multicast:
            _join(sock, host, interface)
    except (OSError, OverflowError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SourceFailed(f"{address.shown} cannot be listened on: {reason}") from error
    return sock


def _join(
    sock: socket.socket,
    group: ipaddress.IPv4Address | ipaddress.IPv6Address,
    interface: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if group.version == 4:
        member = group.packed + interface.packed[-4:]
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    else:
        member = group.packed + bytes(4)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
