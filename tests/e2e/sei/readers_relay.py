"""The real thing for readers: a gateway, a relay with both engines, nginx behind it."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import av
from rtmp_peers import NginxRtmp, running_nginx_rtmp
from sei_files import plain_remux

ROOM: Final = "readers"
OWNER: Final = "olga"
PATIENCE_S: Final = 30.0
CLIP_S: Final = 75
"""It lasts for all the tests of a file."""
SEAM_S: Final = 2
RATE_HZ: Final = 25
REPEATS: Final = 5
"""Messages of a change: with it, on the two access units behind, and twice after half a second."""
_ADDRESS: Final = re.compile(r'^(?:#EXT-X-MAP:URI=")?([^#"\s]+)', re.MULTILINE)
_CONFIG: Final = """
gateway = "{gateway}"
listen = "127.0.0.1:0"
status_listen = "127.0.0.1:0"

[[stream]]
name = "tags"
room = "{room}"
engine = "flv"
input = "clip.flv"
loop = true
outputs = ["flv", "mp4", "{pushed}", "{packaged}"]

[[stream]]
name = "packets"
room = "{room}"
engine = "av"
input = "clip.mp4"
loop = true
outputs = ["flv", "mp4", "hls", "hls-fmp4"]

[[stream]]
name = "tags-seam"
room = "{room}"
engine = "flv"
input = "seam.flv"
loop = true
outputs = ["flv", "mp4"]

[[stream]]
name = "packets-seam"
room = "{room}"
engine = "av"
input = "seam.mp4"
loop = true
outputs = ["flv", "mp4"]
"""


class Child:
    """``seatsync`` as a process; its log goes to a file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self._said = b""

    def find(self, pattern: str) -> str:
        """Read standard output until it fits; give its first group."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        until = time.monotonic() + PATIENCE_S
        while not (match := re.search(pattern, self._said.decode())):
            ready, _, _ = select.select([descriptor], [], [], until - time.monotonic())
            said = os.read(descriptor, 4096) if ready else b""
            assert said, f"nothing fits {pattern}: {self._log.read_text()}"
            self._said += said
        return match[1]


@contextmanager
def program(folder: Path, *arguments: str) -> Iterator[Child]:
    """Run ``seatsync``; it is gone at the end."""
    log = folder / f"{arguments[0]}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "seatsync", *arguments],
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Child(process, log)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _environment(folder: Path) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith("SEATSYNC_")}
    secret = "a secret of the test, long enough for HS256"
    return inherited | {"SEATSYNC_JWT_SECRET": secret, "SEATSYNC_DATA": str(folder)}


@dataclass
class LiveRoom:
    """A room whose state can be changed."""

    gateway: str
    token: str
    _is_locked: bool = field(default=False, init=False)
    _sent: int = field(default=0, init=False)

    def open(self) -> None:
        """Make the room, with a session in it."""
        self._ask("PUT", "", {})
        self._send("session.start", {"seat_count": 9})

    def change(self) -> int:
        """Change the state; give its version."""
        self._is_locked = not self._is_locked
        return self._send("seat.lock" if self._is_locked else "seat.unlock", {"seat_index": 8})

    def _send(self, name: str, args: dict[str, Any]) -> int:
        self._sent += 1
        ack = self._ask(
            "POST", "/commands", {"cmd": name, "cmd_id": f"c{self._sent}", "args": args}
        )
        assert ack["changed"]
        return int(ack["version"])

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(  # noqa: S310 - ours
            f"{self.gateway}/v1/rooms/{ROOM}{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - ours
            return json.load(answer)


@dataclass
class RealRelay:
    """A relay with streams that last for as long as the tests do."""

    address: str
    room: LiveRoom
    nginx: NginxRtmp
    clip: Path

    def url(self, path: str) -> str:
        """Give the address of a player's stream."""
        return f"{self.address}/live/{path}"


@contextmanager
def real_relay(folder: Path) -> Iterator[RealRelay]:
    """Run gateway, relay and nginx; all are gone at the end."""
    for name, seconds in (("clip", CLIP_S), ("seam", SEAM_S)):
        encode(folder / f"{name}.mp4", seconds)
        plain_remux(folder / f"{name}.mp4", folder / f"{name}.flv")
    with ExitStack() as stack:
        nginx = stack.enter_context(running_nginx_rtmp(folder / "nginx"))
        serving = stack.enter_context(program(folder, "serve", "--listen", "127.0.0.1:0"))
        gateway = serving.find(r"serving (http://\S+)\s")
        with program(folder, "token", "--user", OWNER) as token:
            room = LiveRoom(gateway, token.find(r"(\S+)\n"))
        room.open()
        config = folder / "relay.toml"
        config.write_text(
            _CONFIG.format(
                gateway=gateway,
                room=ROOM,
                pushed=nginx.url("pushed"),
                packaged=nginx.url("packaged", "hls"),
            )
        )
        relay = stack.enter_context(program(folder, "relay", "--config", str(config)))
        yield RealRelay(relay.find(r"relay (http://\S+) "), room, nginx, folder / "clip.mp4")


def encode(path: Path, seconds: int) -> None:
    """Make a file with B-frames, a keyframe a second, and sound that lies beside its pictures."""
    options = {"preset": "ultrafast", "threads": "1", "g": str(RATE_HZ), "bf": "2"}
    picture = f"testsrc2=size=320x180:rate={RATE_HZ}:duration={seconds},format=yuv420p"
    with (
        av.open(str(path), "w") as output,
        av.open(picture, format="lavfi") as pictures,
        av.open(f"sine=duration={seconds}:sample_rate=44100", format="lavfi") as sounds,
    ):
        video = output.add_stream("libx264", RATE_HZ, options, width=320, height=180)
        audio = output.add_stream("aac", 44_100)
        tone = sounds.decode(audio=0)
        for frame in pictures.decode(video=0):
            frame.pict_type = av.video.frame.PictureType.NONE
            output.mux(video.encode(frame))
            for sound in tone:
                output.mux(audio.encode(sound))
                if sound.time > frame.time:
                    break
        output.mux(video.encode(None))
        output.mux(audio.encode(None))


def record(url: str, room: LiveRoom) -> bytes:
    """Read a stream from its keyframe until a change has come, and repeats of it."""
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 - ours
        content = bytearray(answer.read1())
        version = room.change()
        until = time.monotonic() + PATIENCE_S
        while count(version, content) < REPEATS:
            assert time.monotonic() < until, "the change does not come"
            content += answer.read1()
    return bytes(content)


def record_segments(playlist: str, room: LiveRoom) -> bytes:
    """Fetch the segments of a playlist until a change has come, and repeats of it."""
    version = room.change()
    kept: dict[str, bytes] = {}
    until = time.monotonic() + PATIENCE_S
    while sum(count(version, segment) for segment in kept.values()) < REPEATS:
        assert time.monotonic() < until, "the change does not come"
        time.sleep(0.1)  # a segment comes every two seconds
        for name in _ADDRESS.findall(fetch(playlist).decode()):
            if name not in kept:
                kept[name] = fetch(urljoin(playlist, name))
    return b"".join(kept.values())


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 - ours
        content: bytes = answer.read()
        return content


def count(version: int, content: bytes | bytearray) -> int:
    """Count messages of a version by their text alone; a few may be cut by a container."""
    return len(re.findall(rb"SS1 fz? [\w-]{12} \d+ %d " % version, content))
