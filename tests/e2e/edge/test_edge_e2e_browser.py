"""What browsers do: EventSource over a cable that is cut, and WebSocket with compression."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.config import Address
from tests.e2e.chromium import needs_chromium, page_of
from tests.e2e.edge.edge_kit import HURRY, PATIENCE_S, get, served
from tests.e2e.gateway.gateway_kit import ROOM, Node, token

LISTEN = """
() => {
  window.seen = [];
  window.opened = 0;
  const source = new EventSource(`/v1/rooms/r1/events`);
  source.onopen = () => { window.opened += 1; };
  source.addEventListener("snapshot", (event) => {
    const found = JSON.parse(event.data);
    window.seen.push([event.lastEventId, found.epoch, found.version]);
  });
}
"""
CONNECT = """
(token) => new Promise((resolve, reject) => {
  const socket = new WebSocket(`ws://${location.host}/v1/rooms/r1/push`,
    ["seatsync.v1", `bearer.${token}`]);
  window.socket = socket;
  window.versions = [];
  window.closeCode = null;
  socket.onclose = (event) => { window.closeCode = event.code; };
  socket.onerror = () => reject(new Error("no socket"));
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "snapshot") {
      window.versions.push(message.version);
      window.state = message;
      resolve([socket.extensions, socket.protocol]);
    }
  };
})
"""


class Cable:
    """A connection between a client and a server that can be cut, with what went through it."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.asked: list[bytes] = []

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._server)
        self._writers |= {writer, far_writer}
        for source, sink, heard in (
            (reader, far_writer, self.asked),
            (far_reader, writer, None),
        ):
            pump = asyncio.create_task(self._pump(source, sink, heard))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, heard: list[bytes] | None
    ) -> None:
        try:
            while data := await source.read(65536):
                if heard is not None:
                    heard.append(data)
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            assert sink.transport.is_closing() or source.exception() is not None
        finally:
            self._writers.discard(sink)
            sink.transport.abort()

    def cut(self) -> None:
        """Cut every connection that there is."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def settle(self) -> None:
        self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)


@asynccontextmanager
async def cable_to(server: Address) -> AsyncIterator[tuple[Cable, Address]]:
    cable = Cable(server)
    listening = await asyncio.start_server(cable.join, "127.0.0.1", 0)
    try:
        yield cable, Address(*listening.sockets[0].getsockname()[:2])
    finally:
        listening.close()
        await cable.settle()


async def read_event(reader: asyncio.StreamReader, name: str) -> dict[str, str]:
    """Read blocks up to the event of a name (WHATWG HTML 9.2.6)."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            block = (await reader.readuntil(b"\n\n")).decode()
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if fields.get("event") == name:
                return fields


async def listen(
    address: Address, last_id: str | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*address)
    lines = [] if last_id is None else [f"Last-Event-ID: {last_id}"]
    writer.write(get(f"/v1/rooms/{ROOM}/events", "Accept: text/event-stream", *lines))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    return reader, writer


async def change(node: Node, seat: int) -> str:
    ack = await node.do("bob", "seat.move", to=seat)
    return f"state:{ack['epoch']}.{ack['version']}"


async def test_stream_goes_on_where_it_was_cut_however_it_was_cut(start: Any) -> None:
    """A reader who holds the newest is sent nothing again; one who missed some gets the newest."""
    async with served(start, *HURRY) as server, cable_to(server.address) as (cable, address):
        node = server.node
        await node.live()
        await node.do("bob", "seat.take", seat_index=1)
        reader, writer = await listen(address, None)
        held = (await read_event(reader, "snapshot"))["id"]
        for number in range(20):
            cable.cut()
            writer.transport.abort()
            missed = number % 2
            if missed:
                await change(node, 4 + number % 4)
            reader, writer = await listen(address, held)
            if missed:
                first = await read_event(reader, "snapshot")
                assert first["id"] != held
                held = first["id"]
            newest = await change(node, 8 if number % 4 < 2 else 3)
            following = await read_event(reader, "snapshot")
            assert following["id"] == newest, "something came again"
            held = newest
        writer.transport.abort()


class TestChromium:
    pytestmark = needs_chromium

    async def test_event_source_comes_back_with_what_it_holds(self, start: Any) -> None:
        async with served(start, *HURRY) as server, cable_to(server.address) as (cable, address):
            node = server.node
            await node.live()
            await node.do("bob", "seat.take", seat_index=1)
            async with page_of(f"http://{address}/livez") as opened:
                await opened.evaluate(LISTEN)
                await opened.wait_for_function("window.seen.length === 1")
                held = (await opened.evaluate("window.seen"))[-1][0]
                cable.cut()
                await opened.wait_for_function("window.opened === 2")
                asked = b"".join(cable.asked).lower()
                assert f"last-event-id: {held}".encode() in asked
                newest = await change(node, 2)
                await opened.wait_for_function("window.seen.length === 2")
                assert (await opened.evaluate("window.seen"))[-1][0] == newest
                seen = await opened.evaluate("window.seen")
                assert seen[-1][0] == newest
                assert sorted({tuple(one[1:]) for one in seen}) == [tuple(one[1:]) for one in seen]

    async def test_socket_with_compression_follows_and_is_sent_home(self, start: Any) -> None:
        async with served(start, *HURRY) as server:
            node = server.node
            await node.live(seat_count=30)
            await node.do("bob", "seat.take", seat_index=1)
            async with page_of(f"{node.url}/livez") as opened:
                extensions, protocol = await opened.evaluate(CONNECT, token("wanda"))
                assert extensions.startswith("permessage-deflate")
                assert protocol == "seatsync.v1"
                last = 0
                for number in range(40):
                    last = (await node.do("bob", "seat.move", to=2 + number % 20))["version"]
                await opened.wait_for_function(f"window.versions.at(-1) === {last}")
                versions = await opened.evaluate("window.versions")
                assert versions == sorted(set(versions))
                state = (await node.poll(user="wanda")).json
                assert json.loads(await opened.evaluate("JSON.stringify(window.state)")) == state
                server.program.terminate()
                await opened.wait_for_function("window.closeCode !== null")
                assert await opened.evaluate("window.closeCode") == 4000
            assert await server.program.ended(10) == 0
