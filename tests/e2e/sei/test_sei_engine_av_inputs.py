"""Engine two with real inputs: the test picture, a file in a loop, HTTP, UDP, standard output."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from aiohttp import web
from packets_live import rig
from sei_files import frame_hashes

from sei.files.read import read
from sei.inputs.address import parse_address
from sei.inputs.http import HttpSource
from sei.inputs.udp import UdpSource

Synthetic = Callable[[str], Path]
TS_DATAGRAM = 7 * 188


async def test_the_test_picture_is_h264_with_sound_and_state(tmp_path: Path) -> None:
    async with rig("test:", ("flv", "hls")) as made:
        await made.until(lambda: len(made.sink.pictures) >= 20)
    path = made.sink.save(tmp_path / "sink.flv")
    assert len(frame_hashes(path)) >= 20
    assert len([item for item in read(path) if item.snapshot]) == made.counts.injected > 0
    assert made.counts.codec == "h264"


async def test_a_file_in_a_loop_goes_on_without_a_seam(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    async with rig(synthetic("slices"), ("flv", str(tmp_path / "a.ts")), loop=True) as made:
        await made.until(lambda: len(made.sink.pictures) >= 140)
    times = [tag.timestamp_ms for tag in made.sink.pictures]
    # Its sound is longer than its pictures by some 60 ms.
    assert max(after - before for before, after in pairwise(times)) < 200
    hashes = frame_hashes(made.sink.save(tmp_path / "sink.flv"))
    assert hashes[:140] == (frame_hashes(synthetic("slices")) * 3)[:140]


async def test_a_paced_file_keeps_the_pace_of_its_times(synthetic: Synthetic) -> None:
    async with rig(synthetic("slices"), paced=True) as made:
        started_s = asyncio.get_running_loop().time()
        await made.until(lambda: len(made.sink.pictures) >= 26)
        assert asyncio.get_running_loop().time() - started_s > 0.9


async def test_a_transport_stream_over_http(synthetic: Synthetic, tmp_path: Path) -> None:
    source = tmp_path / "source.ts"
    async with rig(synthetic("b pyramid"), (str(source),), state=False) as first:
        await first.live()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=source.read_bytes(), content_type="video/mp2t")

    app = web.Application()
    app.router.add_get("/live.ts", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = parse_address(f"http://127.0.0.1:{runner.addresses[0][1]}/live.ts")
        async with rig(HttpSource(address), ("flv", "hls")) as made:
            await made.live()
    finally:
        await runner.cleanup()
    hashes = frame_hashes(made.sink.save(tmp_path / "sink.flv"))
    assert hashes == frame_hashes(synthetic("b pyramid"))


async def test_a_transport_stream_over_udp(synthetic: Synthetic, tmp_path: Path) -> None:
    source = tmp_path / "source.ts"
    async with rig(synthetic("slices"), (str(source),), state=False) as first:
        await first.live()
    content = source.read_bytes()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = parse_address(f"udp://127.0.0.1:{port}")

    async def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while True:
                for at in range(0, len(content), TS_DATAGRAM):
                    sender.sendto(content[at : at + TS_DATAGRAM], ("127.0.0.1", port))
                    await asyncio.sleep(0.001)

    async with rig(UdpSource(address)) as made:
        sending = asyncio.create_task(send())
        try:
            await made.until(lambda: len(made.sink.pictures) >= 80)
        finally:
            sending.cancel()
    assert made.sink.pictures[0].is_keyframe
    assert made.counts.injected > 5


async def test_standard_output_takes_a_transport_stream(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    target = tmp_path / "out.ts"
    kept = os.dup(1)
    with target.open("wb") as file:
        os.dup2(file.fileno(), 1)
        try:
            async with rig(synthetic("slices"), ("ts:-",)) as made:
                await made.live()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
    assert frame_hashes(target) == frame_hashes(synthetic("slices"))
    assert len(list(read(target))) == made.counts.injected
