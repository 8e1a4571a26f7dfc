from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from sei.errors import BadMedia, SourceFailed
from sei.inputs.address import parse_address
from sei.inputs.udp import UdpSource

PACKET = (b"G" + bytes(187)) * 7


def source(
    text: str = "udp://127.0.0.1:{}", *, queued: int = 1 << 20, stall_s: float = 5.0
) -> UdpSource:
    address = parse_address(text.format(free_port()))
    return UdpSource(address, stall_timeout_s=stall_s, max_queued_bytes=queued)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def send(made: UdpSource, *datagrams: bytes, host: str = "127.0.0.1") -> None:
    assert made.bound is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for datagram in datagrams:
            sock.sendto(datagram, (host, made.bound[1]))


async def take(chunks: AsyncIterator[bytes], size: int) -> bytes:
    got = b""
    async with asyncio.timeout(5):
        while len(got) < size:
            got += await anext(chunks)
    return got


async def test_datagrams_come_in_order() -> None:
    made = source()
    async with made.open() as opened:
        assert opened.container == "mpegts"
        for n in range(5):
            send(made, PACKET, bytes((0x47, n)))
        assert await take(opened.chunks, 5 * (len(PACKET) + 2)) == b"".join(
            PACKET + bytes((0x47, n)) for n in range(5)
        )
    assert made.dropped == 0
    assert made.bound is None


async def test_it_can_be_opened_again() -> None:
    made = source()
    for _ in range(2):
        async with made.open() as opened:
            send(made, PACKET)
            assert await take(opened.chunks, len(PACKET)) == PACKET


async def test_a_group_is_joined() -> None:
    made = source("udp://@239.255.17.23:{}?localaddr=127.0.0.1&overrun_nonfatal=1")
    async with made.open() as opened:
        send(made, PACKET, host="239.255.17.23")
        assert await take(opened.chunks, len(PACKET)) == PACKET


async def test_what_nobody_takes_is_dropped_and_counted() -> None:
    made = source(queued=3 * len(PACKET))
    async with made.open() as opened:
        for _ in range(10):
            send(made, PACKET)
        async with asyncio.timeout(5):
            while made.dropped < 7:  # noqa: ASYNC110 — it tells nobody
                await asyncio.sleep(0)
        assert await take(opened.chunks, 1) == PACKET * 3


async def test_empty_datagrams_are_no_sign_of_life() -> None:
    made = source(stall_s=0.05)
    async with made.open() as opened:
        send(made, *[b""] * 10)
        with pytest.raises(SourceFailed, match="silent"):
            await anext(opened.chunks)


async def test_silence_is_a_failure() -> None:
    async with source(stall_s=0.05).open() as opened:
        with pytest.raises(SourceFailed, match="silent"):
            await anext(opened.chunks)


async def test_a_port_that_is_taken_is_a_failure_and_leaves_nothing_open() -> None:
    first = source()
    async with first.open():
        assert first.bound is not None
        second = UdpSource(parse_address(f"udp://127.0.0.1:{first.bound[1]}"))
        with pytest.raises(SourceFailed):
            async with second.open():
                pass


@pytest.mark.parametrize(
    "query", ["sources=1.2.3.4", "buffer_size=x", "localaddr=eth0", "unknown=1"]
)
async def test_options_that_mean_something_else_are_refused(query: str) -> None:
    with pytest.raises(BadMedia):
        async with UdpSource(parse_address(f"udp://127.0.0.1:{free_port()}?{query}")).open():
            pass


async def test_a_name_is_refused() -> None:
    with pytest.raises(BadMedia):
        async with UdpSource(parse_address("udp://host.example:1234")).open():
            pass
