"""A real ``seatsync serve`` and what is seen of it from outside."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from gateway.config import Address
from tests.e2e.gateway.gateway_kit import Node

PATIENCE_S = 30.0
HURRY = ("--user-commands-per-s", "off", "--room-commands-per-s", "off")
"""Tests are in a hurry."""


class Served(NamedTuple):
    """What ``Node`` needs to know of a server in another process."""

    address: Address
    metrics_address: str


class Server:
    """One process, and a client session on it."""

    def __init__(self, program: Any, node: Node) -> None:
        self.program = program
        self.node = node
        self.address = node.running.address
        self.pid: int = program.child.pid

    def cpu_s(self) -> float:
        """CPU time of the process so far (proc(5), stat)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self) -> int:
        """Resident memory of the process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1])

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    async def kill(self) -> None:
        self.program.child.kill()
        await self.program.ended()


@asynccontextmanager
async def served(
    start: Any, *more: str, listen: str = "127.0.0.1:0", store: str = "memory:"
) -> AsyncIterator[Server]:
    """Start a server; ``start`` ends it at the end of the test."""
    program = await start(
        "serve", "--listen", listen, "--metrics-listen", "127.0.0.1:0", "--store", store, *more
    )
    url = await program.find(r"serving http://(\S+)")
    metrics = await program.find(r"metrics http://(\S+)/metrics")
    host, _, port = url.rpartition(":")
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        timeout=timeout, connector=connector, skip_auto_headers=["Accept-Encoding"]
    ) as session:
        here = Served(Address(host, int(port)), metrics)
        yield Server(program, Node(here, session))  # type: ignore[arg-type]  # all that it reads


class Answered(NamedTuple):
    """One answer out of a stream of them."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def take_answer(held: bytes, method: str = "GET") -> tuple[Answered, bytes] | None:
    """Read one whole answer off the front; None: there is none yet.

    Strict: a header twice, or a body of unknown length, is an error.
    """
    head, blank, rest = held.partition(b"\r\n\r\n")
    if not blank:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version == "HTTP/1.1", first
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        assert name.lower() not in headers, (name, lines)
        headers[name.lower()] = value
    size = 0
    if method != "HEAD" and status not in ("101", "204", "304"):
        size = int(headers["content-length"])
    if len(rest) < size:
        return None
    return Answered(int(status), headers, rest[:size]), rest[size:]


async def next_answer(reader: asyncio.StreamReader, method: str = "GET") -> Answered:
    """Read exactly one answer of a bare connection."""
    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readuntil(b"\r\n\r\n")
        found = take_answer(head, "HEAD")
        assert found is not None
        answer = found[0]
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        body = await reader.readexactly(int(answer.headers["content-length"]))
        return answer._replace(body=body)


def get(path: str, *lines: str) -> bytes:
    """Write a GET as bytes."""
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: a", *lines, "", "")).encode()


def listen_overflows() -> int:
    """Connections that found the queue of a listening socket full (proc(5), net/netstat)."""
    names, values = [
        line.split()
        for line in Path("/proc/net/netstat").read_text().splitlines()
        if line.startswith("TcpExt:")
    ]
    return int(dict(zip(names, values, strict=True))["ListenOverflows"])
