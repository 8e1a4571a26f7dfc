"""Origins that flood, and those beside them who go on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from attack_kit import Speak, flood, origin, relay, resident_bytes, table
from relay_player import encode_file

from sei.flv.tags import SCRIPT, VIDEO, Tag, file_header, write_tag
from sei.wire.message import UUID_BYTES
from tests.unit.sei.rtmp_samples import Server

OK = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n"
HEADER = file_header(has_audio=False, has_video=True)
WATCHED = 60
"""Pictures: more than what a player gets at once."""


def tags(kind: int, body: bytes, count: int) -> bytes:
    return write_tag(Tag(kind, 0, body)) * count


def http(stream: bytes, *, before: bytes = HEADER) -> Speak:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + before)
        await flood(writer, stream)

    return speak


def rtmp(stream: bytes) -> Speak:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = Server()
        while not any(command[0] == "play" for command in server.commands):
            chunk = await reader.read(65536)
            if not chunk:
                return
            writer.write(server.receive(chunk))
        await flood(writer, stream)

    return speak


def hls(playlist: bytes, *, elsewhere: bytes = b"") -> Speak:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if elsewhere and elsewhere not in head:
            answer = b"HTTP/1.1 302 Found\r\nLocation: " + elsewhere + b"\r\n"
            writer.write(answer + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            size = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(playlist)
            writer.write(b"HTTP/1.1 200 OK\r\n" + size + playlist)
        await writer.drain()

    return speak


EMPTY_MESSAGE = b"\x06" + bytes(6) + b"\x09" + bytes(4)
OURS = b"\x00\x00\x00\x20\x06\x05\x1c" + UUID_BYTES + bytes(13)
REFUSED = {
    "messages of no bytes": ("rtmp", rtmp(EMPTY_MESSAGE + b"\xc6" * 60_000), "flood"),
    "a chunk size of nothing": ("rtmp", rtmp(b"\x02" + bytes(5) + b"\x04\x01" + bytes(8)), "chunk"),
    "an AMF bomb": (
        "rtmp",
        rtmp(
            b"\x03\x00\x00\x00\x00\x00\x60\x14"
            + bytes(4)
            + b"\x02\x00\x08onStatus"
            + b"\x03\x00\x01a" * 21
            + b"\x03"
        ),
        "",
    ),
    "units without end": (
        "flv",
        http(tags(VIDEO, b"\x17\x01\x00\x00\x00" + b"\x00\x00\x00\x01\x41" * 20_000, 1)),
        "units",
    ),
    "our messages without end": (
        "flv",
        http(tags(VIDEO, b"\x17\x01\x00\x00\x00" + OURS * 3_000, 1)),
        "SEI",
    ),
    "a tag of 16 MB": ("flv", http(b"\x09\xff\xff\xff" + bytes(7) + bytes(60_000)), "at most"),
    "tags of metadata": ("flv", http(tags(SCRIPT, b"\x02\x00\x01a\x05", 3_000)), "no picture"),
    "a playlist of endless lines": ("hls", hls(b"#EXTM3U\n" + b"a\n" * 500_000), "too long"),
    "short names below a long address": (
        "hls",
        hls(b"#EXTM3U\n" + b"a\n" * 40_000, elsewhere=b"/" + b"b" * 3500 + b"/y.m3u8"),
        "too long",
    ),
    "a file in a playlist": (
        "hls",
        hls(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
        "not fetched",
    ),
}

SLOW = {"tags of metadata"}  # told after 12 s without a picture


def address(scheme: str, port: int) -> str:
    if scheme == "rtmp":
        return f"rtmp://127.0.0.1:{port}/live/x"
    return f"http://127.0.0.1:{port}/live/x.{'m3u8' if scheme == 'hls' else 'flv'}"


@pytest.mark.parametrize(
    "attack",
    [pytest.param(name, marks=pytest.mark.soak) if name in SLOW else name for name in REFUSED],
)
async def test_an_attack_is_told_by_name_and_the_stream_beside_it_goes_on(
    attack: str, start: Any, tmp_path: Path
) -> None:
    scheme, speak, told = REFUSED[attack]
    media = encode_file(tmp_path / "good.flv")
    async with origin(speak) as port:
        good = table("good", media, "flv", loop=True)
        bad = [table(f"bad{n}", address(scheme, port), "flv") for n in range(3)]
        async with relay(start, tmp_path, good, *bad) as running:
            await running.until("good", lambda one: one["state"] == "live")
            for number in range(3):
                found = await running.until(f"bad{number}", lambda one: one["error_code"])
                assert told in found["error"]
            await running.pictures("good", WATCHED)
            assert (await running.status())["restarts"] == 0
            assert all(resident_bytes(pid) < 400 << 20 for pid in await running.workers())


FLOODS = {
    "a whole stream without a pace": b"",
    "keyframes of 4 MB": tags(
        VIDEO,
        b"\x17\x01\x00\x00\x00" + (4 << 20).to_bytes(4, "big") + b"\x65" + bytes((4 << 20) - 1),
        1,
    ),
}


@pytest.mark.parametrize("engine", ["flv", "hls"])
@pytest.mark.parametrize("attack", FLOODS)
async def test_who_sends_without_a_pace_is_taken_in_slowly(
    attack: str, engine: str, start: Any, tmp_path: Path
) -> None:
    media = encode_file(tmp_path / "good.flv")
    content = media.read_bytes()
    before = content[: content.index(b"\x17\x01") - 11]  # up to its first keyframe
    stream = FLOODS[attack] or content[len(HEADER) :]
    async with origin(http(stream, before=before)) as port:
        good = table("good", media, "flv", loop=True)
        bad = table("bad", address("flv", port), engine)
        async with relay(start, tmp_path, good, bad) as running:
            await running.until("bad", lambda one: one["counts"]["video_packets"] > 20)
            await running.pictures("good", WATCHED)
            assert all(resident_bytes(pid) < 600 << 20 for pid in await running.workers())
