"""Peers that speak RTMP: the packaged nginx, FFmpeg, and servers that stop answering."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import av
import pytest

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import SCRIPT, Tag, TagParser, is_configuration, read_video, write_tag
from sei.inputs.rtmp import RtmpSource
from tests.unit.sei.rtmp_samples import Server

PATIENCE_S = 30.0
LOOPBACK = "127.0.0.1"
RTMP_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
_NGINX = shutil.which("nginx") or "/usr/sbin/nginx"  # few users have sbin in their path
_CONFIGURATION = """
load_module {module};
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log info;
events {{ worker_connections 256; }}
rtmp {{
  access_log off;
  server {{
    listen {host}:{port};
    application live {{ live on; }}
    application onward {{ live on; push rtmp://{host}:{port}/live; }}
    application hls {{
      live on;
      hls on;
      hls_path {folder}/hls;
      hls_fragment 500ms;
      hls_playlist_length 60s;
    }}
  }}
}}
"""


class NginxRtmp:
    """nginx with its RTMP module on a free port; nothing is running before ``start``.

    Applications: ``live``; ``onward``, which relays to ``live``; ``hls``, which writes segments.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._child: subprocess.Popen[bytes] | None = None

    def url(self, name: str, application: str = "live") -> str:
        """Give the address of a stream."""
        return f"rtmp://{LOOPBACK}:{self.port}/{application}/{name}"

    @property
    def log(self) -> str:
        """What it has to say."""
        path = self.folder / "nginx.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def segments(self, name: str) -> list[Path]:
        """Give the files of an HLS stream in order."""
        playlist = self.folder / "hls" / f"{name}.m3u8"
        lines = playlist.read_text().splitlines()
        return [playlist.parent / line for line in lines if line and not line.startswith("#")]

    def start(self) -> None:
        """Start it, on the port it had before if it had one, and wait until it accepts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(5):  # another program may have taken the port in between
            self.port = self.port or free_port()
            if self._launch():
                return
            self.port = 0
        raise AssertionError(f"nginx does not start: {self.log}")

    def kill(self) -> None:
        """End it at once, its worker too."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait(PATIENCE_S)
            self._child = None

    def _launch(self) -> bool:
        # Without a user of its own the worker runs as nobody, to whom the folder is closed.
        user = "user root;" if os.geteuid() == 0 else ""
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                module=RTMP_MODULE, user=user, folder=self.folder, host=LOOPBACK, port=self.port
            )
        )
        log = self.folder / "nginx.log"
        command = [_NGINX, "-p", self.folder, "-e", log, "-c", configuration]
        self._child = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self._child.poll() is None:
            with suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=1):
                return True
            time.sleep(0.01)
        self.kill()
        return False


@contextmanager
def running_nginx_rtmp(folder: Path) -> Iterator[NginxRtmp]:
    """Run nginx with its RTMP module; it is gone at the end."""
    needed("nginx", Path(_NGINX).exists())
    needed("libnginx-mod-rtmp", RTMP_MODULE.exists())
    server = NginxRtmp(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def nginx_rtmp(tmp_path: Path) -> Iterator[NginxRtmp]:
    """Run nginx with its RTMP module for one test."""
    with running_nginx_rtmp(tmp_path / "nginx") as server:
        yield server


def needed(package: str, is_there: bool) -> None:
    """Fail with the name of the package that is not installed."""
    assert is_there, f"this test needs Debian's {package}: make test installs it"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def ffmpeg(*arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``ffmpeg``; it is gone at the end."""
    needed("ffmpeg", shutil.which("ffmpeg") is not None)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    child = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def ffmpeg_ended(*arguments: str | Path) -> None:
    """Run ``ffmpeg`` to its end, which must be a good one."""
    async with ffmpeg(*arguments) as child, asyncio.timeout(PATIENCE_S):
        assert await child.wait() == 0


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds, for as long as patience lasts."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


async def pulled(url: str, published: Callable[[], object] | None = None) -> list[Tag]:
    """Pull a stream to its end; call something once it plays."""
    chunks = []
    async with asyncio.timeout(PATIENCE_S), RtmpSource(url).open() as opened:
        assert opened.container == "flv"
        if published is not None:
            published()
        async for chunk in opened.chunks:
            chunks.append(chunk)
    return TagParser().feed(b"".join(chunks))


def stream_tags(flv: Path) -> list[StreamTag]:
    """Read a file as an engine would give it: with times that never fall."""
    tags, now_ms = [], 0
    for tag in TagParser().feed(flv.read_bytes()):
        now_ms = max(now_ms, tag.timestamp_ms)
        video = read_video(tag)
        keyframe = video is not None and video.is_keyframe and video.part == "access_unit"
        configures = tag.kind == SCRIPT or is_configuration(tag)
        encoded = write_tag(tag._replace(timestamp_ms=now_ms))
        tags.append(StreamTag(tag.kind, now_ms, configures, keyframe, encoded))
    return tags


def bodies(kind: int, tags: Sequence[Tag | StreamTag]) -> list[bytes]:
    """Give the bodies of all tags of a kind: servers keep the order within a kind alone."""
    return [
        tag.body if isinstance(tag, Tag) else tag.encoded[11:-4] for tag in tags if tag.kind == kind
    ]


def listen_with_pyav(port: int) -> list[bytes]:
    """Take one publication with FFmpeg's own server; give the pictures. Blocks."""
    pictures = []
    url = f"rtmp://{LOOPBACK}:{port}/live/demo"
    limits = (PATIENCE_S, PATIENCE_S)
    with av.open(url, format="flv", options={"listen": "1"}, timeout=limits) as container:
        try:
            for packet in container.demux(video=0):
                if packet.size:
                    pictures.append(bytes(packet))
        except OSError:  # so it tells the end of a publication
            pass
    return pictures


class ScriptedPeer:
    """A server on the loopback that keeps to a script, anew for each connection."""

    def __init__(
        self, make: Callable[[], Server], scheme: str, *, answers: bool, reads_on: bool
    ) -> None:
        self.make = make
        self.scheme = scheme
        self.answers = answers
        self.reads_on = reads_on
        self.servers: list[Server] = []
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._left = asyncio.Event()

    def url(self, name: str = "demo") -> str:
        return f"{self.scheme}://{LOOPBACK}:{self.port}/live/{name}"

    @property
    def connections(self) -> int:
        return len(self.servers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = self.make()
        self.servers.append(server)
        self.writers.append(writer)
        try:
            while self.reads_on or "publish" not in [command[0] for command in server.commands]:
                chunk = await reader.read(65536)
                if not chunk:
                    break
                if self.answers:
                    writer.write(server.receive(chunk))
                    await writer.drain()
            else:
                await self._left.wait()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def leave(self) -> None:
        """Let connections that are not read go."""
        self._left.set()
        for writer in self.writers:
            with suppress(AttributeError):  # of TLS that is over already, on Python before 3.11.3
                writer.transport.abort()


@asynccontextmanager
async def scripted_peer(
    make: Callable[[], Server] = Server,
    *,
    answers: bool = True,
    reads_on: bool = True,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[ScriptedPeer]:
    """Run a scripted server.

    Args:
        make: gives the script of a connection.
        answers: whether it says anything at all.
        reads_on: whether it reads anything after it has heard ``publish``.
        tls: speaks TLS with this certificate.
    """
    scheme = "rtmp" if tls is None else "rtmps"
    peer = ScriptedPeer(make, scheme, answers=answers, reads_on=reads_on)
    listening = socket.socket()
    if not reads_on:  # little fits into what nobody reads
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    listening.bind((LOOPBACK, 0))
    server = await asyncio.start_server(peer.serve, sock=listening, ssl=tls)
    peer.port = listening.getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        peer.leave()
        await server.wait_closed()
