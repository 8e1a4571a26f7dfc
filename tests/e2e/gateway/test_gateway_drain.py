"""A real process: it is ready, it drains, and nothing secret is in its logs and metrics."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from typing import Any

import aiohttp
import pytest
from gateway_kit import OWNER, ROOM, Node, auth, greeted, hear_close, token, upgrade

from gateway.config import Address

SERVE = ("serve", "--listen", "127.0.0.1:0", "--store", "memory:")


class Served:
    """What ``Node`` needs to know of a server in another process."""

    def __init__(self, url: str, metrics: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.address = Address(host, int(port))
        self.metrics_address = metrics


@pytest.fixture
async def session() -> Any:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(
        connector=connector, skip_auto_headers=["Accept-Encoding"]
    ) as opened:
        yield opened


async def serve(start: Any, session: aiohttp.ClientSession, *more: str) -> tuple[Any, Node]:
    program = await start(*SERVE, *more)
    url = await program.find(r"serving (http://\S+)")
    metrics = await program.find(r"metrics http://(\S+)/metrics")
    return program, Node(Served(url, metrics), session)  # type: ignore[arg-type]


async def status_of(node: Node, path: str) -> int:
    return (await node.ask("GET", path)).status


async def test_a_drain_says_goodbye_to_everybody_at_different_times(
    start: Any, session: aiohttp.ClientSession
) -> None:
    program, node = await serve(start, session)
    await node.live()
    assert await status_of(node, "/readyz") == 200
    url = f"{node.url}/v1/rooms/{ROOM}/events"
    stream = await session.get(url)
    sockets = [
        await session.ws_connect(node.url + path, headers=auth(user), protocols=("seatsync.v1",))
        for path in (f"/v1/rooms/{ROOM}/push", "/v1/push")
        for user in (None, "bob")
        for _ in range(6)
    ]
    program.terminate()
    byes = []
    for socket_ in sockets:
        while (frame := await socket_.receive()).type is aiohttp.WSMsgType.TEXT:
            if (message := json.loads(frame.data))["type"] == "bye":
                byes.append(message)
        assert socket_.close_code == 4000
    assert len(byes) == len(sockets)
    assert {bye["code"] for bye in byes} == {4000}
    delays = {bye["retry_after_ms"] for bye in byes}
    assert len(delays) > len(byes) // 2, "all would come back at once"
    events = (await stream.read()).decode().strip().split("\n\n")
    stream.close()
    bye = json.loads(events[-1].partition("data: ")[2])
    assert events[-1].startswith("event: bye\n")
    assert (bye["code"], bye["retry_after_ms"] > 0) == (4000, True)
    assert await program.ended(10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_ends_at_once_with_status_0(
    start: Any, session: aiohttp.ClientSession, number: signal.Signals
) -> None:
    program, node = await serve(start, session)
    assert await status_of(node, "/livez") == 200
    program.child.send_signal(number)
    assert await program.ended(10) == 0
    for line in program.log.read_text().splitlines():
        assert json.loads(line)["level"] == "info", line


async def test_while_draining_it_is_alive_not_ready_and_takes_no_connection(
    start: Any, session: aiohttp.ClientSession
) -> None:
    """A client that never reads holds the drain up; the end comes within 10 s all the same."""
    program, node = await serve(start, session)
    await node.live(seat_count=50)
    for number in range(48):
        user = "bob" if not number else f"user-{number}-{'x' * 40}"
        await node.do(user, "seat.take", seat_index=number + 1)
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    stuck.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(stuck, tuple(node.running.address))
    bearer = f"Authorization: {auth('bob')['Authorization']}"
    await loop.sock_sendall(stuck, upgrade(f"/v1/rooms/{ROOM}/push", bearer))
    assert (await loop.sock_recv(stuck, 12)) == b"HTTP/1.1 101"
    for number in range(20):
        await node.do("bob", "seat.move", to=1 if number % 2 else 49)
    started = loop.time()
    program.terminate()
    while await status_of(node, "/readyz") != 503:
        assert loop.time() - started < 5
    assert await status_of(node, "/livez") == 200
    assert await status_of(node, f"/v1/rooms/{ROOM}/state") == 200
    async with node.ws() as late:
        bye, code = await hear_close(late)
        assert bye is not None
        assert 4000 <= code < 4500
        assert bye["retry_after_ms"] > 0
    answer = await node.ask("GET", f"/v1/rooms/{ROOM}/events")
    assert (answer.status, answer.code) == (503, "OVERLOADED")
    assert "Retry-After" in answer.headers
    assert await program.ended(10 - (loop.time() - started)) == 0
    stuck.close()


async def test_a_second_signal_changes_nothing(start: Any, session: aiohttp.ClientSession) -> None:
    program, node = await serve(start, session)
    await node.live()
    async with node.ws() as socket_:
        await greeted(socket_)
        program.terminate()
        program.terminate()
        bye, code = await hear_close(socket_)
        assert (bye is not None, code) == (True, 4000)
    assert await program.ended(10) == 0


async def test_metrics_have_a_listener_of_their_own(
    start: Any, session: aiohttp.ClientSession
) -> None:
    _, node = await serve(start, session)
    await node.live()
    assert await status_of(node, "/metrics") == 404
    assert node.running.metrics_address.startswith("127.0.0.1:")
    samples = await node.metrics()
    assert samples['seatsync_commands_total{cmd="session.start",code="ok"}'] == 1
    other = f"http://{node.running.metrics_address}"
    for path in ("/v1/rooms/r1/state", "/livez", "/"):
        assert await status_of(node, other + path) == 404


async def test_no_secret_room_or_user_is_in_metrics_and_no_secret_in_logs(
    start: Any, session: aiohttp.ClientSession, environment: dict[str, str]
) -> None:
    room, user = "planted-room-7f3a", "planted-user-91c2"
    program, node = await serve(start, session, "--log-level", "debug")
    mine = token(user, nickname="planted-nickname")
    headers = {"Authorization": f"Bearer {mine}"}
    assert (await node.create(room, user)).status == 201
    await node.do(user, "session.start", room)
    await node.do(user, "seat.take", room, seat_index=0)
    await node.command(user, "planted-command", room=room)
    await node.command(None, "seat.leave", room=room, headers={"Authorization": "Bearer planted-x"})
    for path in (f"/v1/rooms/{room}/state?token={mine}&x=planted-query", f"/planted-path/{mine}"):
        await node.ask("GET", path, headers=headers)
    async with node.ws(
        f"/v1/rooms/{room}/push?token={mine}", protocols=("seatsync.v1", f"bearer.{mine}")
    ) as socket_:
        await greeted(socket_)
        await socket_.send_str('{"type":"planted-type"}')
        await socket_.send_json(
            {"type": "applied", "room": room, "doc": "planted-doc", "epoch": 1, "version": 1}
            | {"channel": "planted-channel", "lag_ms": 1}
        )
        await hear_error(socket_)
    metrics = await node.ask("GET", f"http://{node.running.metrics_address}/metrics")
    assert b"planted" not in metrics.body
    program.terminate()
    assert await program.ended(12) == 0
    log = program.log.read_text()
    assert log
    for secret in (
        mine,
        mine.rpartition(".")[2],
        "Bearer",
        "planted-x",
        environment["SEATSYNC_JWT_SECRET"],
        "planted-query",
        "planted-nickname",
        "Authorization",
    ):
        assert secret not in log, secret
    for line in log.splitlines():
        entry = json.loads(line)
        assert {"ts", "level", "logger", "message"} <= set(entry)
        assert entry["level"] not in ("error", "critical"), line


async def hear_error(socket_: aiohttp.ClientWebSocketResponse) -> None:
    while json.loads((await socket_.receive()).data)["type"] != "error":
        pass


async def test_a_log_line_cannot_be_forged(start: Any, session: aiohttp.ClientSession) -> None:
    program, node = await serve(start, session)
    await node.live()
    forged = '\n{"level":"error","message":"forged"}\r\n\u2028'
    assert (await node.command("bob", "seat.leave", cmd_id=forged)).status == 200
    assert (await node.command("bob", "seat\nfly", cmd_id=forged)).status == 400
    await node.ask("GET", f"/v1/rooms/a%0A{ROOM}/state")
    program.terminate()
    assert await program.ended(12) == 0
    lines = program.log.read_text().strip().split("\n")
    assert all(json.loads(line)["message"] != "forged" for line in lines)


async def test_a_killed_server_on_sqlite_forgets_nothing_that_it_acked(
    start: Any, session: aiohttp.ClientSession, tmp_path: Any
) -> None:
    more = ("--store", f"sqlite:{tmp_path / 'rooms.db'}")
    program, node = await serve(start, session, *more)
    await node.live()
    ack = await node.command("bob", "seat.take", {"seat_index": 3}, cmd_id="k1")
    program.child.kill()
    await program.ended()
    program, node = await serve(start, session, *more)
    state = (await node.poll()).json
    assert state["seats"][3]["status"] == "occupied"
    assert state["epoch"] > ack.json["epoch"]
    again = await node.command("bob", "seat.take", {"seat_index": 3}, cmd_id="k1")
    assert again.body == ack.body
    assert (await node.do(OWNER, "session.end"))["version"] == state["version"] + 1
