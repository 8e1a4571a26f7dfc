"""Bounds that hostile peers, and disks, have found missing."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from sei.errors import BadRtmp, SourceFailed
from sei.packets import hls_playlist
from sei.packets.backlog import Backlog
from sei.packets.places import Folder
from sei.packets.writer import Target, Writer
from sei.rtmp.chunks import FEW_MESSAGES, ChunkReader

FIRST = b"\x06" + bytes(6) + b"\x09" + bytes(4)
"""Begins chunk stream 6 with a message of no bytes; after it one byte makes another."""


def test_messages_of_no_bytes_are_a_flood() -> None:
    reader = ChunkReader()
    assert len(reader.feed(FIRST + b"\xc6" * (FEW_MESSAGES // 2))) == 1 + FEW_MESSAGES // 2
    with pytest.raises(BadRtmp, match="flood"):
        reader.feed(b"\xc6" * 4096)


def test_silence_in_small_packets_is_no_flood() -> None:
    sound = b"\x46" + bytes(3) + b"\x00\x00\x06" + b"\x08" + b"\xaf\x01\x21\x10\x04\x60"
    reader = ChunkReader()
    reader.feed(FIRST)
    assert len(reader.feed(sound * 4000)) == 4000


def test_a_playlist_of_short_names_below_a_long_address_is_refused() -> None:
    text = "#EXTM3U\n" + "a\n" * 20_000
    prepared = hls_playlist.prepare(text, "http://origin.example/live/x.m3u8")
    assert len(prepared.text) <= hls_playlist.MAX_PREPARED_BYTES
    with pytest.raises(SourceFailed, match="too long"):
        hls_playlist.prepare(text, f"http://origin.example/{'b' * 4000}/x.m3u8")


def test_a_playlist_of_endless_lines_is_refused() -> None:
    with pytest.raises(SourceFailed, match="too long"):
        hls_playlist.prepare("#EXTM3U\n" + "a\n" * (hls_playlist.MAX_LINES + 1), "http://a/")


class Disk(io.RawIOBase):
    """Takes so many bytes, some at a time, and no more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.content = bytearray()

    def write(self, chunk: object) -> int:
        taken = bytes(chunk)[: min(7, self.room)]  # type: ignore[call-overload] - a buffer
        if not taken:
            raise OSError(28, "No space left on device")
        self.room -= len(taken)
        self.content += taken
        return len(taken)

    def truncate(self, size: int | None = None) -> int:
        del self.content[size:]
        return len(self.content)


def test_of_a_packet_that_does_not_fit_on_the_disk_nothing_stays() -> None:
    disk = Disk(25)
    target = Target(lambda: disk)  # type: ignore[arg-type, return-value] - as far as it is used
    target.write(b"0123456789")
    target.write(b"abcdefghij")
    with pytest.raises(OSError, match="No space"):
        target.write(b"ABCDEFGHIJ")
    assert bytes(disk.content) == b"0123456789abcdefghij"


def test_a_folder_whose_disk_failed_says_so_and_goes_on_once_it_can(tmp_path: Path) -> None:
    place = tmp_path / "live"
    place.write_text("a file where the folder should be")
    writer = Writer("a", Backlog(threading.Event()), lambda _what: None)
    folder = Folder(place, writer)

    def put(name: str) -> bool:
        taken, done = folder.put(name, b"content"), threading.Event()
        writer.submit(done.set)
        assert done.wait(30)
        return taken

    assert put("1.ts")
    assert folder.trouble.startswith("UNAVAILABLE: cannot be written")
    assert not put("2.ts")
    assert folder.trouble
    place.unlink()
    assert not put("3.ts")
    assert not folder.trouble
    assert put("4.ts")
    folder.close()
    assert [path.name for path in place.iterdir()] == ["4.ts"]
