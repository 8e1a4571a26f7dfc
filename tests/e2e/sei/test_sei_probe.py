"""The egress probe against our own outputs and against hops that harm the stream."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import av
import pytest
from players_kit import (
    encode_source,
    injected_flv,
    later,
    play,
    staged,
    state,
    tags_of,
    until,
)
from probe_hop import hop

from sei.config import Probe, StreamConfig
from sei.counts import Counts
from sei.errors import BadMedia
from sei.files.inject import inject
from sei.flv.stream_tag import StreamTag
from sei.insertion.supply import Supply, SupplyBox
from sei.outputs.fanout import LiveStream
from sei.outputs.outlet import Outlet
from sei.outputs.shelf import PLAYLIST, Shelf
from sei.probe.container import pictures_in
from sei.probe.fetch import fetch_over_http
from sei.probe.judge import Expected, ProbeReport
from sei.probe.probe import ProbeLoop, probe
from sei.relay.watching import Watching

PACE = 8.0
SECONDS = 6.0
KNOWN = Supply(9, 1, (b"one message",))


@asynccontextmanager
async def on_air(live: LiveStream, tags: Sequence[StreamTag]) -> AsyncIterator[None]:
    """Play a stream over and over, faster than it is."""

    async def go_on() -> None:
        for turn in itertools.count():
            await play(live, later(tags, int(turn * SECONDS * 1000)), pace=PACE)

    task = asyncio.create_task(go_on())
    try:
        await live.started.wait()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def look(url: str, for_s: float = 1.0) -> ProbeReport:
    async with aiohttp.ClientSession() as session:
        return await probe(
            url, "demo", for_s, fetch=fetch_over_http(session), expected=lambda: Expected(1)
        )


@pytest.fixture(scope="module")
def flv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return injected_flv(tmp_path_factory.mktemp("probe"), seconds=SECONDS)


async def test_a_hop_that_strips_is_found_out_and_found_well_again(flv: Path) -> None:
    counts, verdicts = Counts(), []
    async with (
        staged() as stage,
        hop(f"{stage.address}/live/demo.flv") as cdn,
        on_air(stage.add(), tags_of(flv)),
    ):

        async def one_look() -> ProbeReport:
            report = await look(f"{cdn.url}/live.flv", 0.6)
            verdicts.append(report.verdict)
            return report

        loop = asyncio.create_task(ProbeLoop(one_look, 0.01, counts, "demo").run())
        try:
            await until(lambda: counts.probe.startswith("whole"))
            assert not counts.stripped
            cdn.strips = True
            await until(lambda: counts.stripped and counts.probe.startswith("stripped"))
            cdn.strips = False
            await until(lambda: counts.probe.startswith("whole"))
            assert not counts.stripped
        finally:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
    assert "unreachable" not in verdicts


@pytest.mark.parametrize("form", ["flv", "mp4", "hls"])
async def test_our_own_outputs_are_read_without_an_address(form: str, flv: Path) -> None:
    config = StreamConfig(
        name="stage",
        room="demo",
        input="test:",
        probe=Probe(url=form, every_s=0.01, for_s=1.0),
    )
    live, shelf, box, counts = LiveStream(), Shelf(), SupplyBox(), Counts()
    outlet = Outlet(live, frozenset({"flv", "mp4"}), shelf)
    shelve(shelf, flv)
    async with on_air(live, tags_of(flv)), Watching(config, counts, box, outlet):
        await until(lambda: counts.probe)
        assert counts.probe.startswith("unknown")  # no state is known
        box.newest = KNOWN
        await until(lambda: counts.probe.startswith("whole"))
        assert not counts.stripped
    assert live.player_count == 0


async def test_a_stream_that_was_never_injected_is_found_out(tmp_path: Path) -> None:
    plain = encode_source(tmp_path / "plain.flv", seconds=SECONDS)
    config = StreamConfig(
        name="stage", room="demo", input="test:", probe=Probe(url="flv", every_s=0.01, for_s=1.0)
    )
    live, box, counts = LiveStream(), SupplyBox(), Counts()
    box.newest = KNOWN
    async with (
        on_air(live, tags_of(plain)),
        Watching(config, counts, box, Outlet(live, frozenset({"flv"}), None)),
    ):
        await until(lambda: counts.stripped)
    assert counts.probe.startswith("stripped")


async def test_a_re_encode_drops_the_messages_and_a_copy_keeps_them(tmp_path: Path) -> None:
    source = encode_source(tmp_path / "source.mp4", seconds=3)
    for name in ("copy.ts", "copy.mp4"):
        inject(source, tmp_path / name, state(1))
    re_encode(tmp_path / "copy.ts", tmp_path / "anew.ts")
    async with hop() as cdn:
        for name in ("copy.ts", "copy.mp4", "anew.ts"):
            cdn.files[f"/{name}"] = (tmp_path / name).read_bytes()
        assert (await look(f"{cdn.url}/copy.ts")).verdict == "whole"
        assert (await look(f"{cdn.url}/copy.mp4")).verdict == "whole"
        assert (await look(f"{cdn.url}/anew.ts")).verdict == "stripped"


async def test_hls_of_a_cdn_is_followed_from_its_master_to_its_newest_segments(
    tmp_path: Path,
) -> None:
    source = encode_source(tmp_path / "source.mp4", seconds=3)
    inject(source, tmp_path / "whole.ts", state(1))
    re_encode(source, tmp_path / "bare.ts")
    master = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/%b.m3u8\n"
    media = b"#EXTM3U\n#EXTINF:3,\nold.ts\n#EXTINF:3.0,\n%b.ts\n"
    async with hop() as cdn:
        for name in ("whole", "bare"):
            cdn.files[f"/{name}.m3u8"] = master % name.encode()
            cdn.files[f"/low/{name}.m3u8"] = media % name.encode()
            cdn.files[f"/low/{name}.ts"] = (tmp_path / f"{name}.ts").read_bytes()
        assert (await look(f"{cdn.url}/whole.m3u8", 3.0)).verdict == "whole"
        assert (await look(f"{cdn.url}/bare.m3u8", 3.0)).verdict == "stripped"


async def test_what_cannot_be_reached_says_so_and_is_not_stripped() -> None:
    async with hop() as cdn:
        assert (await look(f"{cdn.url}/nothing.flv")).verdict == "unreachable"
        redirected = await look(f"{cdn.url}/away.flv")
        assert redirected.verdict == "unreachable"
        assert "elsewhere.example" in redirected.reason
        url = cdn.url
    gone = await look(f"{url}/live.flv")
    assert gone.verdict == "unreachable"
    assert (await look("file:///etc/passwd")).verdict == "unreachable"


async def test_a_fault_of_the_probe_is_told_and_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(SupplyBox):
        @property
        def newest(self) -> Supply:  # type: ignore[override]  # it is to fail
            raise RuntimeError("planted")

        @newest.setter
        def newest(self, _supply: Supply) -> None:
            pass

    config = StreamConfig(
        name="stage", room="demo", input="test:", probe=Probe(url="flv", every_s=0.01, for_s=1.0)
    )
    counts = Counts()
    async with Watching(config, counts, Faulty(), Outlet(LiveStream(), frozenset({"flv"}), None)):
        await until(lambda: counts.probe)
    assert counts.probe == "the probe failed"
    assert "planted" in caplog.text


@pytest.mark.parametrize("form", ["mp4", "hls"])
async def test_an_output_that_gives_nothing_is_unreachable(form: str) -> None:
    config = StreamConfig(
        name="stage", room="demo", input="test:", probe=Probe(url=form, every_s=0.01, for_s=1.0)
    )
    box, counts = SupplyBox(), Counts()
    box.newest = KNOWN
    outlet = Outlet(LiveStream(), frozenset({"flv"}), Shelf())
    async with Watching(config, counts, box, outlet):
        await until(lambda: counts.probe)
    assert counts.probe.startswith("unreachable")
    assert "404" in counts.probe
    assert not counts.stripped


async def test_a_stream_without_a_probe_is_left_alone() -> None:
    config = StreamConfig(name="stage", room="demo", input="test:")
    before = asyncio.all_tasks()
    live = LiveStream()
    async with Watching(config, Counts(), SupplyBox(), Outlet(live, frozenset({"flv"}), None)):
        assert asyncio.all_tasks() == before


@pytest.mark.parametrize("suffix", ["ts", "mp4", "flv"])
def test_damaged_media_is_read_as_far_as_it_goes(suffix: str, tmp_path: Path) -> None:
    source = encode_source(tmp_path / "source.mp4", seconds=1)
    inject(source, tmp_path / f"whole.{suffix}", state(1))
    whole = (tmp_path / f"whole.{suffix}").read_bytes()
    assert len(pictures_in(whole)) == 25
    rng = random.Random(7)
    read = 0
    for _ in range(400):
        damaged = bytearray(whole[: rng.choice((len(whole), rng.randrange(len(whole))))])
        for _ in range(min(len(damaged), rng.choice((1, 30, 300)))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        with suppress(BadMedia):
            read += len(pictures_in(bytes(damaged))) > 0
    assert read > 20


def re_encode(source: Path, target: Path) -> None:
    with av.open(str(source)) as media, av.open(str(target), "w") as output:
        video = output.add_stream("libx264", 25, {"preset": "ultrafast", "g": "12"})
        video.width, video.height = 160, 96
        for frame in media.decode(video=0):
            frame.pict_type = av.video.frame.PictureType.NONE
            output.mux(video.encode(frame))
        output.mux(video.encode(None))


def shelve(shelf: Shelf, flv: Path) -> None:
    """Put what a muxer would on a shelf: one segment of MPEG-TS."""
    segment = flv.with_suffix(".ts")
    with av.open(str(flv)) as media, av.open(str(segment), "w") as output:
        video = output.add_stream_from_template(media.streams.video[0], opaque=True)
        for packet in media.demux(video=0):
            if packet.size:
                packet.stream = video
                output.mux(packet)
    shelf.put("1.ts", segment.read_bytes())
    shelf.put(PLAYLIST, b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nstage/1.ts\n")
