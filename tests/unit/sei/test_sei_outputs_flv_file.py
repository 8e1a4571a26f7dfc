"""FLV written down: whole from the first keyframe, bounded, and never in anybody's way."""

from __future__ import annotations

import asyncio
import errno
import io
import threading
from collections.abc import Callable
from typing import BinaryIO

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, TagParser, write_tag
from sei.outputs.flv_file import LOW_BYTES, FlvFile


def tag(
    number: int, kind: int = VIDEO, *, key: bool = False, configuration: bool = False, size: int = 8
) -> StreamTag:
    encoded = write_tag(Tag(kind, number, number.to_bytes(4, "big") + bytes(size)))
    return StreamTag(kind, number, configuration, key, encoded)


class Kept(io.BytesIO):
    """Keeps what was written when it is closed; writes only while the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.content = b""
        self.gate = threading.Event()
        self.gate.set()

    def write(self, chunk: object) -> int:
        assert self.gate.wait(30)
        return super().write(chunk)  # type: ignore[arg-type]  # as BytesIO types it

    def close(self) -> None:
        self.content = self.getvalue()
        super().close()

    def numbers(self) -> list[int]:
        assert self.content[:3] == b"FLV"
        return [tag.timestamp_ms for tag in TagParser().feed(self.content)]


def writer(target: BinaryIO, said: list[str], **more: int) -> FlvFile:
    output = FlvFile("a.flv", lambda: target, said.append, **more)
    output.start()
    return output


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1_000_000):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


async def test_file_begins_at_a_keyframe_with_all_it_needs() -> None:
    target, said = Kept(), []
    output = writer(target, said)
    setup = [tag(1, SCRIPT, configuration=True), tag(2, VIDEO, configuration=True)]
    output.publish([*setup, tag(3), tag(4, AUDIO, configuration=True)])
    output.publish([tag(5, key=True), tag(6, AUDIO)])
    await output.close()
    assert target.numbers() == [1, 2, 4, 5, 6]
    assert target.content[4] == 5, "the header says audio and video"
    assert said == ["live"]


async def test_after_a_break_the_file_goes_on_at_a_keyframe() -> None:
    target = Kept()
    output = writer(target, [])
    output.publish([tag(1, VIDEO, configuration=True), tag(2, key=True), tag(3)])
    output.break_off()
    output.publish([tag(4), tag(5, AUDIO)])
    output.publish([tag(6, key=True), tag(7)])
    await output.close()
    assert target.numbers() == [1, 2, 3, 1, 6, 7]


async def test_stream_without_audio_says_so() -> None:
    target = Kept()
    output = writer(target, [])
    output.publish([tag(1, VIDEO, configuration=True), tag(2, key=True)])
    await output.close()
    assert target.content[4] == 1


async def test_slow_disk_makes_it_go_on_at_the_next_keyframe() -> None:
    target = Kept()
    target.gate.clear()
    output = writer(target, [], max_pending_bytes=1000)
    output.publish([tag(1, VIDEO, configuration=True), tag(2, key=True)])
    output.publish([tag(3, size=2000)])
    output.publish([tag(4), tag(5, key=True)])
    assert output.pending_bytes < 3000
    assert output.skips == 1
    target.gate.set()
    await until(lambda: not output.pending_bytes)
    output.publish([tag(6), tag(7, key=True), tag(8)])
    await output.close()
    assert target.numbers() == [1, 2, 3, 1, 7, 8]


async def test_drained_waits_for_a_slow_disk_and_not_for_a_broken_one() -> None:
    target = Kept()
    target.gate.clear()
    output = writer(target, [])
    output.publish([tag(1, key=True, size=LOW_BYTES)])
    waiting = asyncio.create_task(output.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    target.gate.set()
    await waiting
    await output.close()


async def test_error_is_told_with_its_code_and_costs_only_the_file() -> None:
    class Full(Kept):
        def write(self, _chunk: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    said: list[str] = []
    output = writer(Full(), said)
    output.publish([tag(1, key=True, size=LOW_BYTES)])
    await output.drained()
    await until(lambda: len(said) == 2)
    output.publish([tag(2, key=True)])
    assert said[1] == "UNAVAILABLE: cannot be written: No space left on device"
    assert output.pending_bytes == 0
    await output.close()
