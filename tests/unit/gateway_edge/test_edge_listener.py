"""The listening socket: what it passes on, what it refuses, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket

import pytest

from gateway.config import Address
from gateway.edge.exchange import Exchange
from gateway.edge.listener import (
    NOTSENT_BYTES,
    TCP_NOTSENT_LOWAT,
    CannotListen,
    bind,
    listening,
)
from tests.unit.gateway_edge.edge_door_samples import (
    Recorder,
    calling,
    make_house,
    on_uvloop,
    soon,
    told,
)
from tests.unit.gateway_edge.smuggling_corpus import get

ANY = Address("127.0.0.1", 0)


def test_accepted_connections_hold_back_little_in_the_kernel() -> None:
    with bind(ANY) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            limit = accepted.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT)
    assert limit == NOTSENT_BYTES


def test_address_that_is_taken_is_named() -> None:
    with bind(ANY) as listener:
        listener.listen()
        taken = Address("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(CannotListen, match=f"cannot listen on {taken}: "):
            bind(taken)


def test_address_of_another_machine_is_named() -> None:
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1"):
        bind(Address("192.0.2.1", 0))


@on_uvloop
async def test_connections_are_answered_on_the_port_that_is_told() -> None:
    recorder = Recorder()
    async with listening(make_house(recorder.route), ANY) as address, calling(address) as client:
        client.send(get())
        assert (await client.answer()).endswith(b"\r\n\r\n/x")


@on_uvloop
async def test_who_is_idle_at_the_end_is_closed_and_who_waits_is_answered() -> None:
    waiting: list[Exchange] = []
    house = make_house(lambda head: waiting.append)
    async with (
        asyncio.TaskGroup() as group,
        listening(house, ANY) as address,
        calling(address) as idle,
        calling(address) as busy,
    ):
        busy.send(get())
        await soon(lambda: bool(waiting) and len(house.doors) == 2)
        house.leave()
        assert await idle.rest() == b""
        waiting[0].reply(told("last"))
        answer = group.create_task(busy.rest())
        assert (await answer).endswith(b"last")
        assert b"Connection: close" in answer.result()


@on_uvloop
async def test_who_never_ends_is_cut_off_and_nobody_is_taken_any_more() -> None:
    house = make_house(lambda head: lambda exchange: None)
    async with listening(house, ANY, cleanup_s=0) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(get())
        await soon(lambda: bool(house.doors))
    await soon(lambda: not house.doors)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
    writer.close()


@on_uvloop
async def test_listener_recovers_when_it_ran_out_of_files() -> None:
    """F25: who comes while no file is left is turned away, not left waiting; the next is served."""
    troubles: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: troubles.append(context))
    recorder = Recorder()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with listening(make_house(recorder.route), ANY) as address, calling(address) as before:
        with socket.socket() as late:
            late.setblocking(False)
            resource.setrlimit(resource.RLIMIT_NOFILE, (late.fileno() + 1, limits[1]))
            try:
                late.connect_ex(address)
                before.send(get())
                assert (await before.answer()).endswith(b"/x"), "others are served on"
                assert await loop.sock_recv(late, 1) == b""
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        async with calling(address) as after:
            after.send(get())
            assert (await after.answer()).endswith(b"/x")
    assert troubles == []
