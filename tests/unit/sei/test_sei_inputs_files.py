from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sei_flv_tags import HEADER, picture, sound, stream

from sei.errors import BadMedia, SourceFailed
from sei.flv.tags import TagParser, write_tag
from sei.inputs import file as file_module
from sei.inputs.file import FileSource
from sei.inputs.stdin import StdinSource
from sei.source import ByteSource

TAGS = [sound(0), *(picture(n * 40) for n in range(50))]
FLV = stream(*TAGS)
TS = (b"G" + bytes(187)) * 20


class Clock:
    """A clock that stands still until somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(file_module, "asyncio", self)

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, wait_s: float) -> None:
        self.now_s += wait_s

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a.flv"
    write(made, FLV)
    return made


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def read(source: ByteSource) -> tuple[str, bytes]:
    async with source.open() as opened:
        return opened.container, b"".join([chunk async for chunk in opened.chunks])


async def take(chunks: AsyncIterator[bytes], enough: Callable[[bytes], bool]) -> bytes:
    got = b""
    async for chunk in chunks:
        got += chunk
        if enough(got):
            break
    return got


async def test_a_file_comes_whole_any_number_of_times(path: Path) -> None:
    source = FileSource(path)
    assert await read(source) == await read(source) == ("flv", FLV)


async def test_another_container_comes_whole_too(path: Path) -> None:
    write(path, TS)
    assert await read(FileSource(path, paced=True)) == ("mpegts", TS)


async def test_a_paced_file_gives_each_tag_at_its_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, parser, came = Clock(monkeypatch), TagParser(), []
    async with FileSource(path, paced=True, now_s=clock).open() as opened:
        async for chunk in opened.chunks:
            came += [(tag, clock.now_s) for tag in parser.feed(chunk)]
    assert [tag for tag, _ in came] == TAGS
    assert [at_s - 1000 for _, at_s in came] == pytest.approx(
        [tag.timestamp_ms / 1000 for tag in TAGS]
    )


async def test_a_looped_file_begins_again_without_its_header(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, FLV + write_tag(picture(2000))[:-9])  # cut off within a tag
    clock = Clock(monkeypatch)
    async with FileSource(path, paced=True, loop=True, now_s=clock).open() as opened:
        got = await take(opened.chunks, lambda got: len(got) >= len(FLV) * 2 - len(HEADER))
    assert got == FLV + FLV[len(HEADER) :]


async def test_a_short_looped_file_keeps_its_pace(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    async with FileSource(path, paced=True, loop=True, now_s=clock).open() as opened:
        await take(opened.chunks, lambda got: len(got) >= len(FLV) * 4)
    assert clock.now_s - 1000 == pytest.approx(4 * 1.96 + 4 * 0.02, abs=0.1)


@pytest.mark.parametrize("content", [FLV[:13], FLV[:30], b"FLV\x01\x05\xff\xff\xff\xff" + FLV[9:]])
async def test_a_file_with_no_tag_is_not_looped(path: Path, content: bytes) -> None:
    write(path, content)
    assert await read(FileSource(path, paced=True, loop=True)) == ("flv", content)


async def test_an_unpaced_file_can_be_looped(path: Path) -> None:
    async with FileSource(path, loop=True).open() as opened:
        got = await take(opened.chunks, lambda got: len(got) >= len(FLV) * 2)
    assert got.startswith(FLV + FLV[len(HEADER) :])


async def test_a_disk_that_fails_is_refused(path: Path) -> None:
    class Broken:
        def read(self, _size: int) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(BadMedia, match="Input/output"):
        await anext(file_module.read_file(Broken()))  # type: ignore[arg-type]  # what is used of one


async def test_a_looped_transport_stream_begins_again(path: Path) -> None:
    write(path, TS)
    async with FileSource(path, loop=True).open() as opened:
        got = await take(opened.chunks, lambda got: len(got) >= len(TS) * 3)
    assert got == TS * 3


async def test_a_paced_file_that_is_cut_off_comes_to_its_last_byte(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, FLV[:-5])
    assert await read(FileSource(path, paced=True, now_s=Clock(monkeypatch))) == ("flv", FLV[:-5])


async def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.flv").touch()
    os.mkfifo(tmp_path / "pipe.flv")
    for name in ("missing.flv", "empty.flv", "pipe.flv", ".", "a\x00b"):
        with pytest.raises(BadMedia):
            await read(FileSource(tmp_path / name))


async def test_cancelling_ends_a_paced_file(path: Path) -> None:
    first = asyncio.Event()

    async def follow() -> None:
        async with FileSource(path, paced=True).open() as opened:
            async for _ in opened.chunks:
                first.set()

    running = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        await first.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_standard_input_is_read_from_a_pipe_and_once_only() -> None:
    reader, writer = os.pipe()
    source = StdinSource(reader)
    os.write(writer, FLV)
    os.close(writer)
    assert await read(source) == ("flv", FLV)
    os.fstat(reader)  # it was left open
    assert os.get_blocking(reader)
    with pytest.raises(BadMedia, match="over"):
        await read(source)
    os.close(reader)


async def test_standard_input_in_small_pieces() -> None:
    reader, writer = os.pipe()
    source, got = StdinSource(reader), b""
    os.write(writer, FLV[:5])
    os.write(writer, FLV[5:300])
    async with source.open() as opened:
        async for chunk in opened.chunks:
            got += chunk
            if len(got) == 300:
                os.write(writer, FLV[300:])
                os.close(writer)
    assert got == FLV
    os.close(reader)


async def test_standard_input_is_read_from_a_file(path: Path) -> None:
    with path.open("rb") as file:
        assert await read(StdinSource(file.fileno())) == ("flv", FLV)


async def test_standard_input_without_a_byte_is_a_failure() -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with pytest.raises(SourceFailed):
        await read(StdinSource(reader))
    os.close(reader)


async def test_standard_input_that_is_closed_is_refused() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    with pytest.raises(BadMedia):
        await read(StdinSource(reader))


async def test_cancelling_leaves_standard_input_open() -> None:
    reader, writer = os.pipe()
    os.write(writer, FLV)
    first = asyncio.Event()

    async def follow() -> None:
        async with StdinSource(reader).open() as opened:
            async for _ in opened.chunks:
                first.set()

    running = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        await first.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    os.fstat(reader)
    os.close(reader)
    os.close(writer)
