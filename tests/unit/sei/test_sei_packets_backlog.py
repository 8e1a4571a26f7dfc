"""What an output of engine two does when whoever takes its bytes is behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from sei.counts import Counts
from sei.flv.stream_tag import StreamTag
from sei.outputs.fresh import open_fresh
from sei.packets.backlog import Backlog, Gate
from sei.packets.handover import Handover, Timed
from sei.packets.layout import Item
from sei.packets.places import Folder
from sei.packets.writer import Target, Writer

TAG = StreamTag(9, 0, False, True, b"x" * 100)


def item(*, is_keyframe: bool = False) -> Item:
    return Item(0, 0, 0, 0, is_keyframe, is_keyframe, b"", b"", (), 0.0)


def backlog(max_waiting_bytes: int = 100) -> Backlog:
    return Backlog(threading.Event(), max_waiting_bytes=max_waiting_bytes)


def test_a_live_output_that_is_behind_goes_on_at_a_keyframe_once_there_is_room() -> None:
    counts, waiting = Counts(), backlog()
    gate = Gate(waiting, counts, waits=False)
    assert gate.admits(item())
    waiting.add(101)
    assert not gate.admits(item(is_keyframe=True))
    waiting.remove(40)
    assert not gate.admits(item(is_keyframe=True))
    waiting.remove(11)
    assert not gate.admits(item())
    assert gate.admits(item(is_keyframe=True))
    assert gate.admits(item())
    assert counts.dropped == 3


def test_an_output_of_a_file_that_is_read_unpaced_makes_the_input_wait() -> None:
    counts, waiting = Counts(), backlog()
    gate = Gate(waiting, counts, waits=True)
    waiting.add(200)
    relief = threading.Timer(0, lambda: waiting.remove(200))
    relief.start()
    assert gate.admits(item())
    relief.join()
    assert waiting.waiting_bytes == counts.dropped == 0


def test_a_stop_ends_the_wait() -> None:
    stop = threading.Event()
    waiting = Backlog(stop, max_waiting_bytes=1)
    waiting.add(10)
    stop.set()
    waiting.wait_until_low()


class _Sink:
    def __init__(self) -> None:
        self.calls: list[int] = []

    def publish(self, tags: Sequence[StreamTag]) -> None:
        self.calls.append(len(tags))


async def test_tags_of_a_busy_moment_are_one_call_of_each_sink() -> None:
    sinks, counts, waiting = [_Sink(), _Sink()], Counts(), backlog()
    handover = Handover(sinks, counts, waiting, now=lambda: 5.0)
    await asyncio.to_thread(lambda: [handover.push([Timed(TAG, 4.99)]) for _ in range(3)])
    await asyncio.sleep(0)
    assert sum(sinks[0].calls) == 3
    assert sinks[0].calls == sinks[1].calls
    assert counts.delay_sum_ms == pytest.approx(30)
    assert waiting.waiting_bytes == 0


async def test_what_the_sinks_have_not_written_yet_counts_as_waiting() -> None:
    room = asyncio.Event()

    async def drained() -> None:
        await room.wait()

    waiting = backlog()
    handover = Handover([_Sink()], Counts(), waiting, drained=drained)
    handover.push([Timed(TAG, None)])
    handover.push([Timed(TAG, None)])
    await asyncio.sleep(0)
    assert waiting.waiting_bytes == 200
    room.set()
    for _ in range(10):  # turns of the loop
        await asyncio.sleep(0)
    assert waiting.waiting_bytes == 0
    handover.close()


def test_jobs_are_done_in_order_and_all_before_the_end(tmp_path: Path) -> None:
    said: list[str] = []
    writer = Writer("a", backlog(), said.append)
    target = Target(lambda: open_fresh(tmp_path / "a.ts"))
    for part in (b"one ", b"two ", b"three"):
        writer.submit(lambda part=part: target.write(part), len(part))
    writer.submit(target.close)
    writer.close()
    assert (tmp_path / "a.ts").read_bytes() == b"one two three"
    assert writer.backlog.waiting_bytes == 0
    assert said == []


def test_a_job_that_fails_ends_the_writer_and_says_why(tmp_path: Path) -> None:
    said: list[str] = []
    writer = Writer("a", backlog(), said.append)
    target = Target(lambda: open_fresh(tmp_path / "no" / "a.ts"))
    writer.submit(lambda: target.write(b"x"), 1)
    writer.submit(lambda: said.append("never"), 1)
    writer.close()
    assert said == ["UNAVAILABLE: cannot be written: No such file or directory"]
    assert writer.backlog.waiting_bytes == 0


def test_a_name_that_is_taken_gets_the_next_number(tmp_path: Path) -> None:
    for name in ("a.ts", "a-2.ts", "a-3.ts"):
        open_fresh(tmp_path / "a.ts").close()
        assert (tmp_path / name).exists()


def test_a_folder_that_is_far_behind_refuses_a_segment(tmp_path: Path) -> None:
    release = threading.Event()
    writer = Writer("a", backlog(10), lambda _what: None)
    folder = Folder(tmp_path / "new", writer)
    writer.submit(release.wait, 11)
    assert not folder.put("1.ts", b"segment")
    release.set()
    writer.close()
    assert not (tmp_path / "new").exists()


def test_only_what_an_old_playlist_names_is_deleted(tmp_path: Path) -> None:
    names = ["live-1.ts", "live-2.ts", "other.ts", "key.txt"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "live.m3u8").write_text("#EXTM3U\nlive-1.ts\n../x.ts\nlive-2.ts\n\nkey.txt\n")
    folder = Folder(tmp_path, Writer("a", backlog(), lambda _what: None))
    folder.remove_listed("live.m3u8", ".ts")
    folder.put("live.m3u8", b"#EXTM3U\n")
    folder.close()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["key.txt", "live.m3u8", "other.ts"]
