"""A huge room beside small ones: nobody waits for a whole pass of the huge one (sweep)."""

from __future__ import annotations

import asyncio
import re
import select
import socket
from typing import Any

from gateway.config import Address
from tests.e2e.edge.edge_kit import HURRY, served
from tests.e2e.gateway.gateway_kit import OWNER, auth, client_frame, upgrade

BIG = "big"
BIG_READERS = 3000
SMALL = [f"small-{number}" for number in range(100)]
SMALL_READERS = 3
ROUNDS = 20
_PLACE = re.compile(rb'"type":"snapshot".{0,60}?"room":"([^"]+)","epoch":\d+,"version":(\d+),')


class Eye:
    """One epoll over every connection: it sees in which order the server has sent."""

    def __init__(self, address: Address) -> None:
        self._address = tuple(address)
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self.room_of: dict[int, str] = {}

    def open(self, room: str, *lines: str) -> socket.socket:
        """Follow a room; returns when the first snapshot has come."""
        made = socket.create_connection(self._address, timeout=30)
        made.sendall(upgrade(f"/v1/rooms/{room}/push", *lines))
        held = b""
        while b'"type":"snapshot"' not in held or not held.endswith(b"}"):
            piece = made.recv(65536)
            assert piece, held
            held += piece
        made.setblocking(False)
        self._sockets[made.fileno()] = made
        self.room_of[made.fileno()] = room
        self._poll.register(made, select.EPOLLIN)
        return made

    def see(self) -> list[tuple[int, str, int]]:
        """Give who was sent what, in the order of arrival: socket, room, version."""
        seen = []
        for number, _ in self._poll.poll(10, 64):
            data = self._sockets[number].recv(262144)
            assert data, "it was cut off"
            seen += [(number, m[1].decode(), int(m[2])) for m in _PLACE.finditer(data)]
        assert seen or self._sockets
        return seen

    def close(self) -> None:
        self._poll.close()
        for made in self._sockets.values():
            made.close()


def command(cmd: str, number: int, **args: int) -> bytes:
    filled = ",".join(f'"{name}":{value}' for name, value in args.items())
    text = f'{{"type":"cmd","cmd":"{cmd}","cmd_id":"n-{number}","args":{{{filled}}}}}'
    return client_frame(1, text.encode())


class Match:
    """Changes the huge room, and small ones in the middle of its pass."""

    def __init__(self, eye: Eye, big: socket.socket, small: dict[str, socket.socket]) -> None:
        self._eye = eye
        self._big = big
        self._small = small
        self._number = 0
        self._seats: dict[socket.socket, int] = {}
        self.late = 0
        """Rooms whose change came behind the pass of the huge room that was under way."""
        self.in_time = 0

    def change(self, to: socket.socket) -> None:
        """Move somebody from seat 1 to 2, or back."""
        self._number += 1
        self._seats[to] = 3 - self._seats.get(to, 1)
        to.sendall(command("seat.move", self._number, to=self._seats[to]))

    def play(self, number: int) -> None:
        """One pass of the huge room; at its first sign every tenth small room is changed."""
        chosen = list(self._small)[number % 10 :: 10]
        waiting = {n for n, room in self._eye.room_of.items() if room in chosen}
        ahead = {n for n, room in self._eye.room_of.items() if room == BIG}
        reached: dict[int, int] = {}
        self.change(self._big)
        version = 0
        while waiting or ahead:
            for number, room, at in self._eye.see():
                if room == BIG:
                    if not version:
                        version = at
                        for name in chosen:
                            self.change(self._small[name])
                    if at >= version:
                        ahead.discard(number)
                elif number in waiting:
                    waiting.discard(number)
                    reached[number] = len(ahead)
        self.in_time += sum(left > 0 for left in reached.values())
        self.late += sum(left == 0 for left in reached.values())


def watch(address: Address) -> Match:
    eye = Eye(address)
    bearer = f"Authorization: {auth('bob')['Authorization']}"
    try:
        small = {room: eye.open(room, bearer) for room in SMALL}
        for room in SMALL:
            for _ in range(SMALL_READERS - 1):
                eye.open(room)
        big = eye.open(BIG, bearer)
        for _ in range(BIG_READERS - 1):
            eye.open(BIG)
        match = Match(eye, big, small)
        for number in range(ROUNDS):
            match.play(number)
        return match
    finally:
        eye.close()


async def test_small_rooms_do_not_wait_for_the_pass_of_a_huge_one(start: Any) -> None:
    """A client that is late sees everything behind the pass: many must be seen in it, not all."""
    async with served(start, *HURRY, "--connections-per-s", "off") as server:
        for room in (BIG, *SMALL):
            assert (await server.node.create(room)).status == 201
            await server.node.do(OWNER, "session.start", room)
            await server.node.do("bob", "seat.take", room, seat_index=1)
        match = await asyncio.to_thread(watch, server.address)
    print(match.in_time, match.late)
    assert match.in_time + match.late == ROUNDS * 10 * SMALL_READERS
    assert match.in_time > match.late / 2
