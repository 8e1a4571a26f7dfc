"""HLS as an input: every fetch is ours, whatever a playlist says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import pytest
from aiohttp import web
from packets_live import rig
from sei_files import frame_hashes, packets

from sei.errors import BadMedia, SourceFailed
from sei.files.read import read

Synthetic = Callable[[str], Path]


@dataclass
class Site:
    """A small web server whose contents a test may change."""

    files: dict[str, bytes | str] = field(default_factory=dict)
    """By path; a text that begins with ``http`` or ``/`` is a redirect to it."""
    asked: list[str] = field(default_factory=list)
    port: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.came.set()
        content = self.files.get(request.path)
        if content is None:
            raise web.HTTPNotFound
        if isinstance(content, str):
            return web.Response(status=302, headers={"Location": content})
        wanted = request.http_range
        if wanted.start is not None:
            return web.Response(status=206, body=content[wanted.start : wanted.stop])
        return web.Response(body=content)

    async def until_asked(self, path: str) -> None:
        async with asyncio.timeout(20):
            while path not in self.asked:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    served = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        tcp = web.TCPSite(runner, "127.0.0.1", 0)
        await tcp.start()
        served.port = runner.addresses[0][1]
        yield served
    finally:
        await runner.cleanup()


def cut(
    source: Path, folder: Path, *, kind: str = "mpegts", only: str = "", flags: str = ""
) -> dict[str, bytes]:
    """Cut a file into HLS by FFmpeg's muxer."""
    folder.mkdir()
    options = {"hls_time": "0.5", "hls_list_size": "0", "hls_segment_type": kind}
    options |= {"hls_flags": flags} if flags else {}
    with (
        av.open(str(source)) as container,
        av.open(str(folder / "live.m3u8"), "w", format="hls", options=options) as output,
    ):
        added = {
            stream.index: output.add_stream_from_template(stream, opaque=True)
            for stream in container.streams
            if only in ("", stream.type)
        }
        for packet in container.demux(*(container.streams[index] for index in added)):
            if packet.size:
                packet.stream = added[packet.stream.index]
                output.mux(packet)
    return {f"/{folder.name}/{path.name}": path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", ["mpegts", "fmp4"])
async def test_a_playlist_that_has_an_end_is_read_whole(
    kind: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    async with site() as served:
        served.files |= cut(synthetic("slices"), tmp_path / "a", kind=kind)
        async with rig(f"{served.url}/a/live.m3u8") as made:
            await made.live()
    path = made.sink.save(tmp_path / "sink.flv")
    assert frame_hashes(path) == frame_hashes(synthetic("slices"))
    assert len([item for item in read(path) if item.snapshot]) == made.counts.injected > 0


@pytest.mark.parametrize("kind", ["mpegts", "fmp4"])
async def test_segments_may_be_ranges_of_one_file(
    kind: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    async with site() as served:
        files = cut(synthetic("slices"), tmp_path / "a", kind=kind, flags="single_file")
        assert files["/a/live.m3u8"].count(b"#EXT-X-BYTERANGE:") > 2
        served.files |= files
        async with rig(f"{served.url}/a/live.m3u8") as made:
            await made.live()
    assert frame_hashes(made.sink.save(tmp_path / "sink.flv")) == frame_hashes(synthetic("slices"))
    [media] = [path for path in files if not path.endswith(".m3u8")]
    assert served.asked.count(media) > 2


async def test_a_live_playlist_is_followed_and_a_stop_leaves_it(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    async with site() as served:
        files = cut(synthetic("slices"), tmp_path / "a")
        lines = files["/a/live.m3u8"].decode().replace("#EXT-X-ENDLIST\n", "").splitlines(True)
        ends = [at + 1 for at, line in enumerate(lines) if line.endswith(".ts\n")]
        served.files |= files | {"/a/live.m3u8": "".join(lines[: ends[0]]).encode()}

        async def grow() -> None:
            await served.until_asked("/a/live0.ts")
            served.files["/a/live.m3u8"] = "".join(lines).encode()

        growing = asyncio.create_task(grow())
        async with rig(f"{served.url}/a/live.m3u8") as made:
            await made.until(lambda: len(made.sink.pictures) > 40)
        await growing


async def test_of_several_renditions_the_best_is_taken_with_its_sound(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    async with site() as served:
        served.files |= cut(synthetic("slices"), tmp_path / "video", only="video")
        served.files |= cut(synthetic("slices"), tmp_path / "sound", only="audio")
        served.files["/live.m3u8"] = (
            b"#EXTM3U\n"
            b'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b",DEFAULT=NO,URI="never/b.m3u8"\n'
            b'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="sound/live.m3u8"\n'
            b'#EXT-X-STREAM-INF:BANDWIDTH=100,CODECS="avc1.4d400b"\nnever/low.m3u8\n'
            b'#EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO="a"\nvideo/live.m3u8\n'
            b'#EXT-X-STREAM-INF:BANDWIDTH=9000,CODECS="mp4a.40.2"\nnever/sound.m3u8\n'
        )
        async with rig(f"{served.url}/live.m3u8") as made:
            await made.live()
    assert not any(path.startswith("/never") for path in served.asked)
    path = made.sink.save(tmp_path / "sink.flv")
    assert frame_hashes(path) == frame_hashes(synthetic("slices"))
    assert len([kind for kind, _, _ in packets(path) if kind == "audio"]) > 80


async def test_relative_addresses_follow_a_redirect(synthetic: Synthetic, tmp_path: Path) -> None:
    async with site() as served:
        served.files |= cut(synthetic("slices"), tmp_path / "a")
        served.files["/live.m3u8"] = "/a/live.m3u8"
        async with rig(f"{served.url}/live.m3u8") as made:
            await made.live()
    assert len(made.sink.pictures) == 50


ENCRYPTED = '#EXT-X-KEY:METHOD={},URI="/key"\n#EXTINF'


@pytest.mark.parametrize("method", ["AES-128", "SAMPLE-AES"])
async def test_encrypted_segments_are_refused_and_their_key_is_never_asked_for(
    method: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    async with site() as served:
        files = cut(synthetic("slices"), tmp_path / "a")
        text = files["/a/live.m3u8"].decode().replace("#EXTINF", ENCRYPTED.format(method), 1)
        served.files |= files | {"/a/live.m3u8": text.encode()}
        async with rig(f"{served.url}/a/live.m3u8") as made:
            with pytest.raises(BadMedia, match="encrypted"):
                await made.live()
    assert served.asked == ["/a/live.m3u8"]


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd.ts",
        "/etc/../../a.ts?x",
        "http://other.example/a.ts",
        "data:,a.ts",
        "concat:a.ts",
        "crypto+http://127.0.0.1/a.ts",
        "http://127.0.0.2:1/a.ts",
    ],
)
async def test_a_segment_elsewhere_is_never_opened(
    address: str, synthetic: Synthetic, tmp_path: Path
) -> None:
    async with site() as served:
        files = cut(synthetic("slices"), tmp_path / "a")
        text = files["/a/live.m3u8"].decode().replace("live0.ts", address)
        served.files |= files | {"/a/live.m3u8": text.encode()}
        async with rig(f"{served.url}/a/live.m3u8") as made:
            if address.startswith("/"):  # on this very server, where it is missing
                await made.live()
            else:
                with pytest.raises(BadMedia):
                    await made.live()
    assert set(served.asked) <= {*files, "/a.ts"}


async def test_a_redirect_to_another_host_is_refused_unless_it_is_allowed(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    async with site() as served, site() as other:
        other.files |= cut(synthetic("slices"), tmp_path / "a")
        served.files["/live.m3u8"] = f"http://localhost:{other.port}/a/live.m3u8"
        async with rig(f"{served.url}/live.m3u8") as made:
            with pytest.raises(BadMedia, match="localhost"):
                await made.live()
        assert other.asked == []
        async with rig(f"{served.url}/live.m3u8", redirects=("localhost",)) as made:
            await made.live()
    assert len(made.sink.pictures) == 50


@pytest.mark.parametrize("content", [b"", b"#EXTM3U\n", b"<html>", b"#EXTM3U\n" + b"#" * 2_000_000])
async def test_a_playlist_that_is_none_is_an_error(content: bytes) -> None:
    async with site() as served:
        served.files["/live.m3u8"] = content
        async with rig(f"{served.url}/live.m3u8") as made:
            with pytest.raises(SourceFailed):
                await made.live()


async def test_a_playlist_that_is_gone_is_an_error_that_another_attempt_may_mend() -> None:
    async with site() as served, rig(f"{served.url}/live.m3u8") as made:
        with pytest.raises(SourceFailed, match="404"):
            await made.live()


async def test_a_missing_segment_is_passed_over(synthetic: Synthetic, tmp_path: Path) -> None:
    async with site() as served:
        served.files |= cut(synthetic("slices"), tmp_path / "a")
        del served.files["/a/live1.ts"]
        async with rig(f"{served.url}/a/live.m3u8") as made:
            await made.live()
    assert 20 < len(made.sink.pictures) < 50


async def test_a_live_playlist_that_stays_the_same_is_given_up(
    synthetic: Synthetic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sei.packets.hls_input.MIN_STALL_S", 0.1)
    monkeypatch.setattr("sei.packets.hls_input.STALL_TARGETS", 0)
    async with site() as served:
        files = cut(synthetic("slices"), tmp_path / "a")
        text = files["/a/live.m3u8"].decode().replace("#EXT-X-ENDLIST\n", "")
        served.files |= files | {"/a/live.m3u8": text.encode()}
        async with rig(f"{served.url}/a/live.m3u8") as made:
            with pytest.raises(SourceFailed, match="is the same"):
                await made.live()
    assert len(made.sink.pictures) > 20
