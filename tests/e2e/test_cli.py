"""The command line as somebody types it: flags, variables, exit statuses, one-line errors."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import av
import jwt
import pytest

from room.position import Position
from sei.files.read import read
from sei.wire.assembler import Assembler

COMMANDS = ["serve", "demo", "relay", "token", "cmd", "watch", "sei"]
ACTIONS = ["inject", "read", "strip"]


class Gateway(NamedTuple):
    """A gateway in another process, with a live room "r1" of olga."""

    url: str
    tokens: dict[str, str]


@pytest.fixture
async def gateway(start: Any, run: Any) -> Gateway:
    program = await start("serve", "--listen", "127.0.0.1:0", "--store", "memory:")
    url = await program.find(r"serving (http://\S+)")
    tokens = {
        user: (await asyncio.to_thread(run, "token", "--user", user)).output.strip()
        for user in ("olga", "bob")
    }
    headers = {"Authorization": f"Bearer {tokens['olga']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.put(f"{url}/v1/rooms/r1", json={}) as response:
            assert response.status == 201
        command = {"cmd": "session.start", "cmd_id": "c0"}
        async with session.post(f"{url}/v1/rooms/r1/commands", json=command) as response:
            assert response.status == 200
    return Gateway(url, tokens)


# Help, flags and variables


def test_help_lists_every_command(run: Any) -> None:
    result = run("--help")
    assert result.status == 0
    for command in COMMANDS:
        assert command in result.output
    assert run("sei", "--help").status == 0


@pytest.mark.parametrize(
    "command",
    [[name] for name in COMMANDS if name != "sei"] + [["sei", action] for action in ACTIONS],
    ids=" ".join,
)
def test_every_command_explains_itself_and_its_variables(run: Any, command: list[str]) -> None:
    result = run(*command, "--help")
    assert (result.status, result.errors) == (0, "")
    assert "usage: seatsync" in result.output
    words = result.output.replace("\n", " ").split()
    flags = {word.strip("[],=") for word in words if word.lstrip("[").startswith("--")}
    for flag in flags - {"--help"}:
        variable = "SEATSYNC_" + flag[2:].replace("-", "_").upper()
        if flag.startswith("--") and flag[2:].replace("-", "").isalpha():
            assert variable in result.output, flag


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["serve", "--listn", "127.0.0.1:0"],
        ["serve", "--list", "127.0.0.1:0"],
        ["serve", "extra"],
        ["token", "--user"],
        ["cmd"],
        ["cmd", "r1"],
        ["watch"],
        ["sei"],
        ["sei", "inject", "one-path"],
        ["serve", "--listen", "nowhere"],
        ["serve", "--listen", "127.0.0.1:99999"],
        ["serve", "--listen", "127.0.0.1:-1"],
        ["serve", "--poll-interval-ms", "0"],
        ["serve", "--poll-interval-ms", "soon"],
        ["serve", "--log-level", "loud"],
        ["serve", "--stream", "avi=http://a.example"],
        ["serve", "--stream", "flv=ftp://a.example"],
        ["token", "--user", "a", "--kind", "god"],
        ["token", "--user", "a", "--role", "king"],
        ["token", "--user", "a", "--ttl", "0"],
        ["watch", "a/b"],
        ["watch", "r1", "--channel", "post"],
        ["watch", "r1", "--count", "0"],
        ["watch", "r1", "--gateway", "ftp://a.example"],
        ["watch", "r1", "--gateway", "http://[::1"],
        ["cmd", "r1", "seat.take", "--args", "[]"],
        ["cmd", "r1", "seat.take", "--args", "{"],
    ],
    ids=" ".join,
)
def test_what_is_typed_wrong_ends_with_status_2_and_a_hint(run: Any, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.status == 2, result
    assert result.output == ""
    assert "usage: seatsync" in result.errors
    assert "error: " in result.complaint


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("SEATSYNC_LISTN", "SEATSYNC_LISTEN"),
        ("SEATSYNC_JWT_SECRE", "SEATSYNC_JWT_SECRET"),
        ("SEATSYNC_GATWAY", "SEATSYNC_GATEWAY"),
        ("SEATSYNC_", ""),
        ("SEATSYNC_QQQQQQQ", ""),
    ],
)
@pytest.mark.parametrize("command", [["token", "--user", "bob"], ["serve"]], ids=" ".join)
def test_a_variable_that_means_nothing_is_refused_with_a_hint(
    run: Any, command: list[str], variable: str, hint: str
) -> None:
    result = run(*command, **{variable: "x"})
    assert result.status == 2
    assert f"{variable} is set and means nothing" in result.complaint
    assert hint in result.complaint


WRONG_VARIABLES = {
    "SEATSYNC_LISTEN": ("nowhere", ["serve"]),
    "SEATSYNC_METRICS_LISTEN": ("nowhere", ["serve"]),
    "SEATSYNC_LOG_LEVEL": ("loud", ["serve"]),
    "SEATSYNC_POLL_INTERVAL_MS": ("soon", ["serve"]),
    "SEATSYNC_STORE": ("redis:", ["serve"]),
    "SEATSYNC_STREAM": ("avi=x", ["serve"]),
    "SEATSYNC_ROLE": ("king", ["token", "--user", "bob"]),
    "SEATSYNC_TTL": ("-1", ["token", "--user", "bob"]),
    "SEATSYNC_KIND": ("god", ["token", "--user", "bob"]),
    "SEATSYNC_USER": ("a b", ["token"]),
    "SEATSYNC_GATEWAY": ("ftp://a.example", ["watch", "r1"]),
    "SEATSYNC_CHANNEL": ("post", ["watch", "r1"]),
    "SEATSYNC_COUNT": ("0", ["watch", "r1"]),
    "SEATSYNC_ALL": ("perhaps", ["token", "--user", "bob"]),
    "SEATSYNC_ARGS": ("[]", ["cmd", "r1", "seat.take"]),
    "SEATSYNC_RELAY_LISTEN": ("nowhere", ["relay", "r1"]),
    "SEATSYNC_JWT_SECRET": ("short", ["token", "--user", "bob"]),
}


@pytest.mark.parametrize("variable", WRONG_VARIABLES)
def test_a_wrong_value_in_a_variable_is_as_bad_as_in_a_flag(run: Any, variable: str) -> None:
    value, command = WRONG_VARIABLES[variable]
    result = run(*command, **{variable: value})
    assert result.status == 2, result
    assert result.complaint


def test_a_wrong_variable_of_another_command_gives_no_traceback(run: Any) -> None:
    for variable, value in (("SEATSYNC_STREAM", "avi=x"), ("SEATSYNC_ROLE", "king")):
        result = run("watch", "--help", **{variable: value})
        assert "Traceback" not in result.errors


def test_a_variable_stands_for_its_flag_and_the_flag_wins(run: Any) -> None:
    by_variable = run("token", SEATSYNC_USER="bob", SEATSYNC_ROLE="operator, reviewer")
    claims = jwt.decode(by_variable.output.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["roles"]) == ("bob", ["operator", "reviewer"])
    by_flag = run("token", "--user", "carol", "--role", "reviewer", SEATSYNC_USER="bob")
    claims = jwt.decode(by_flag.output.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["roles"]) == ("carol", ["reviewer"])


# cmd and watch


async def test_cmd_prints_the_ack_or_the_refusal(gateway: Gateway, run: Any) -> None:
    def cmd(*arguments: str, **variables: str) -> Any:
        return run("cmd", *arguments, "--gateway", gateway.url, **variables)

    def session() -> None:
        bob = {"SEATSYNC_TOKEN": gateway.tokens["bob"]}
        take = ("r1", "seat.take", "--args", '{"seat_index":3}', "--cmd-id", "k1")
        first = cmd(*take, **bob)
        assert (first.status, first.errors) == (0, "")
        ack = json.loads(first.output)
        assert (ack["type"], ack["cmd_id"], ack["changed"]) == ("ack", "k1", True)
        assert cmd(*take, **bob).output == first.output
        refused = cmd("r1", "seat.take", "--args", '{"seat_index":4}', **bob)
        assert (refused.status, refused.output) == (1, "")
        assert "ALREADY_ON_SEAT" in refused.complaint
        stale = cmd("r1", "seat.leave", "--if-version", "1.1", **bob)
        assert (stale.status, "VERSION_MISMATCH" in stale.complaint) == (1, True)
        nobody = cmd("r1", "seat.leave")
        assert (nobody.status, "UNAUTHENTICATED" in nobody.complaint) == (1, True)
        nowhere = cmd("r2", "seat.leave", **bob)
        assert (nowhere.status, "ROOM_NOT_FOUND" in nowhere.complaint) == (1, True)
        unknown = cmd("r1", "seat.fly", **bob)
        assert (unknown.status, unknown.output) == (1, "")
        assert "UNKNOWN_COMMAND" in unknown.complaint
        for text in (refused, stale, nobody, nowhere, unknown):
            assert len(text.errors.strip().splitlines()) == 1, text.errors

    await asyncio.to_thread(session)


def test_cmd_without_a_gateway_ends_with_status_1_and_one_line(run: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        result = run("cmd", "r1", "seat.leave", "--gateway", url)
    assert (result.status, result.output) == (1, "")
    assert len(result.errors.strip().splitlines()) == 1
    assert result.complaint.startswith("seatsync: ")


@pytest.mark.parametrize("token", ["not printable \n", "ü"])
def test_a_token_that_fits_in_no_header_is_refused(run: Any, token: str) -> None:
    result = run("cmd", "r1", "seat.leave", SEATSYNC_TOKEN=token)
    assert result.status == 2
    assert result.complaint


async def test_watch_ends_after_so_many_lines(gateway: Gateway, run: Any) -> None:
    for channel in ("auto", "ws", "sse", "poll"):
        result = await asyncio.to_thread(
            run, "watch", "r1", "--channel", channel, "--count", "1", "--gateway", gateway.url
        )
        assert result.status == 0, result
        (line,) = result.output.splitlines()
        assert line.split()[1] == (channel if channel != "auto" else line.split()[1])
        assert "0/9" in line


async def test_watch_of_a_room_that_is_not_there_ends_with_status_1(
    gateway: Gateway, run: Any
) -> None:
    result = await asyncio.to_thread(
        run, "watch", "r2", "--channel", "poll", "--gateway", gateway.url
    )
    assert (result.status, result.output) == (1, "")
    assert "ROOM_NOT_FOUND" in result.complaint


# sei


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Two seconds of a grey picture."""
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "25"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(50):
            frame = av.VideoFrame(64, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 4 % 256]) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def snapshot(view: str = "anonymous", **more: Any) -> bytes:
    head = {"type": "snapshot", "doc": "state", "schema": 1, "view": view, "room": "r1"}
    rest = {"epoch": 9, "version": 4, "ts": 1000, "session": None, "seats": [], "note": "é"}
    return json.dumps({**head, **rest, **more}, ensure_ascii=False).encode()


@pytest.mark.parametrize("suffix", [".mp4", ".flv", ".ts"])
def test_sei_inject_read_and_strip_a_state_verbatim(
    run: Any, media: Path, tmp_path: Path, suffix: str
) -> None:
    state, out, clean = tmp_path / "s.json", tmp_path / f"out{suffix}", tmp_path / f"clean{suffix}"
    state.write_bytes(snapshot())
    injected = run("sei", "inject", str(media), str(out), "--state", str(state))
    assert injected.status == 0, injected
    messages = [found.message for found in read(out)]
    assert messages
    assembler = Assembler()
    bodies = {s.body for m in messages if m is not None and (s := assembler.offer(m)) is not None}
    assert bodies == {state.read_bytes()}, "the file's bytes, blanks included"
    listed = run("sei", "read", str(out))
    assert listed.status == 0
    lines = [json.loads(line) for line in listed.output.splitlines()]
    assert len(lines) == len(messages)
    assert {line["position"] for line in lines} == {str(Position(9, 4))}
    assert all(line["crc_ok"] for line in lines)
    other = run("sei", "read", str(out), "--room", "another")
    assert (other.status, other.output) == (0, "")
    stripped = run("sei", "strip", str(out), str(clean))
    assert stripped.status == 0
    assert str(len(messages)) in stripped.output
    assert run("sei", "read", str(clean)).output == ""


@pytest.mark.parametrize(
    "state",
    [
        snapshot("member"),
        snapshot(doc="requests"),
        snapshot(type="ack"),
        snapshot(epoch=-1),
        snapshot(version=2**53),
        b"{}",
        b"[]",
        b"",
        b"\xff",
        b"nonsense",
    ],
    ids=lambda state: state[:20].decode("latin-1"),
)
def test_what_is_not_for_everybody_never_goes_into_a_stream(
    run: Any, media: Path, tmp_path: Path, state: bytes
) -> None:
    (tmp_path / "s.json").write_bytes(state)
    out = tmp_path / "out.mp4"
    result = run("sei", "inject", str(media), str(out), "--state", str(tmp_path / "s.json"))
    assert result.status == 2, result
    assert result.complaint.startswith("seatsync: ")
    assert not out.exists()


def test_sei_says_what_is_wrong_with_its_files(run: Any, media: Path, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(snapshot())
    (tmp_path / "text.mp4").write_text("no video " * 100)
    state = ("--state", str(tmp_path / "s.json"))
    out = tmp_path / "out.mp4"
    missing, text = str(tmp_path / "missing.mp4"), str(tmp_path / "text.mp4")
    for arguments in (
        ("sei", "read", missing),
        ("sei", "read", text),
        ("sei", "strip", missing, str(out)),
        ("sei", "strip", text, str(out)),
        ("sei", "inject", missing, str(out), *state),
        ("sei", "inject", text, str(out), *state),
        ("sei", "inject", str(media), str(out), "--state", missing),
        ("sei", "inject", str(media), str(out)),
        ("sei", "inject", str(media), str(tmp_path / "no-folder" / "out.mp4"), *state),
        ("sei", "inject", str(media), str(tmp_path / "out.nonsense"), *state),
        ("sei", "inject", str(media), str(media), *state),
        ("sei", "inject", str(media), str(out), *state, "--room", "another"),
    ):
        before = media.read_bytes()
        result = run(*arguments)
        assert result.status in (1, 2), (arguments, result)
        assert len(result.complaint) > 10, arguments
        assert len(result.errors.strip().splitlines()) == 1, result.errors
        assert media.read_bytes() == before
        assert not out.exists(), arguments


async def test_sei_inject_takes_the_state_of_a_room(
    gateway: Gateway, run: Any, media: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    result = await asyncio.to_thread(
        run, "sei", "inject", str(media), str(out), "--room", "r1", "--gateway", gateway.url
    )
    assert result.status == 0, result
    listed = await asyncio.to_thread(run, "sei", "read", str(out), "--room", "r1")
    assert json.loads(listed.output.splitlines()[0])["version"] == 2
