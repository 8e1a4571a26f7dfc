"""The ten minutes of docs/STREAMS.md, followed word for word in a shell."""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

import pytest
from playwright.sync_api import Page, expect
from rtmp_peers import RTMP_MODULE, needed

from tests.e2e.chromium import chromium, needs_chromium

ROOT: Final = Path(__file__).parents[3]
DOCUMENT: Final = ROOT / "docs" / "STREAMS.md"
PATIENCE_S: Final = 60.0
STEPS: Final = 10
FRAMES: Final = 60
"""Shown by each player; the group of pictures that it began with has 50 at most."""
_PORT: Final = re.compile(r"(?<=127\.0\.0\.1:)\d+")

pytestmark = needs_chromium


def steps() -> list[str]:
    """Give the blocks of the ten minutes, one a step, with free ports where the page names some."""
    (part,) = re.findall(r"^## Ten minutes\n(.*?)^## ", DOCUMENT.read_text(), re.M | re.S)
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```$", part, re.M | re.S)
    assert len(blocks) == len(re.findall(r"^### \d+\. ", part, re.M)) == STEPS
    with ExitStack() as held:
        first = _PORT.sub(lambda _: str(_port(held.enter_context(socket.socket()))), blocks[0])
    return [first, *blocks[1:]]


def _port(held: socket.socket) -> int:
    held.bind(("127.0.0.1", 0))
    port: int = held.getsockname()[1]
    return port


class Terminal:
    """A shell in a folder, told one block after the other; all it started is gone at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = b""
        self._count = 0

    def __enter__(self) -> Self:
        clean = {name: text for name, text in os.environ.items() if "SEATSYNC" not in name}
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=self._folder,
            env=clean,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._to, self._from = self._shell.stdin.fileno(), self._shell.stdout.fileno()
        os.set_blocking(self._from, False)
        return self

    def __exit__(self, *_exception: object) -> None:
        with suppress(OSError):
            os.write(self._to, b"kill $(jobs -p); wait; exit\n")
        try:
            self._shell.wait(15)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        self._shell.communicate()

    def run(self, block: str) -> str:
        """Type a block; give what the screen shows once it is done, which must be well."""
        self._count += 1
        mark = f"end of block {self._count}, status "
        os.write(self._to, f'{block}\nprintf "\\n{mark}%s.\\n" $?\n'.encode())
        shown, status = self._until(mark.encode(), b".\n")
        assert status == "0", f"{block}\n{shown}\n{self._logs()}"
        return shown

    def type(self, block: str) -> None:
        """Type a block and look away; ``run`` waits for it too."""
        os.write(self._to, block.encode())

    def _until(self, mark: bytes, end: bytes) -> tuple[str, str]:
        until = time.monotonic() + PATIENCE_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._from, selectors.EVENT_READ)
            while end not in self._read.partition(mark)[2]:
                assert selector.select(until - time.monotonic()), f"{self._read!r}\n{self._logs()}"
                more = os.read(self._from, 65536)
                assert more, f"the shell ended: {self._read!r}"
                self._read += more
        shown, _, rest = self._read.partition(mark)
        status, _, self._read = rest.partition(end)
        return shown.decode(), status.decode()

    def _logs(self) -> str:
        logs = sorted(self._folder.glob("out/streams/*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in logs)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Open a shell in what looks like the root of the tree."""
    needed("ffmpeg", shutil.which("ffmpeg") is not None)
    needed("nginx", Path("/usr/sbin/nginx").exists())
    needed("libnginx-mod-rtmp", RTMP_MODULE.exists())
    for name in (".venv", "web"):
        (tmp_path / name).symlink_to(ROOT / name)
    with Terminal(tmp_path) as opened:
        yield opened


@pytest.fixture
def page() -> Iterator[Page]:
    """Open a window; what it complains of is an error."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 560})
        page.set_default_timeout(PATIENCE_S * 1000)
        yield page


def test_the_page_leads_from_ffmpeg_to_the_browser(terminal: Terminal, page: Page) -> None:
    todo = steps()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    terminal.run(todo[0])
    shown = terminal.run(todo[1])
    assert '"status":"ready"' in shown
    assert '"seat_index":0' in shown
    terminal.run(todo[2])
    terminal.run(todo[3])
    assert "ok" in terminal.run(todo[4])

    probed, _, told = terminal.run(todo[5]).partition("{")
    assert "User Data Unregistered SEI message" in probed
    message, _, report = ("{" + told).partition("\n")
    assert json.loads(message)["signed"] is True
    assert " valid" in report
    assert report.strip().endswith("fine")

    terminal.run(todo[6])
    address = terminal.run(todo[7]).split()[-1]
    page.goto(address)
    expect(page.locator("#seats")).to_have_text("seat 0: A*", timeout=PATIENCE_S * 1000)
    for video in ("#plain", "#player"):
        shown_frames = (
            f"document.querySelector('{video}').getVideoPlaybackQuality().totalVideoFrames"
        )
        page.wait_for_function(f"{shown_frames} > {FRAMES}")

    terminal.type(todo[8])
    expect(page.locator("#seats")).to_have_text("seat 2: A*", timeout=PATIENCE_S * 1000)
    assert re.search(r"  sei +\d+ ms +(signed )?1/9 2:A\*", terminal.run("true"))
    assert faults == []

    assert terminal.run(todo[9]).strip().endswith("fine")
