"""Chromium with players of many makers, on a page of another origin than the stream."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, Page
from readers_table import ROOT

PATIENCE_MS: Final = 20_000
FRAMES: Final = 10
"""Shown on top of what was shown before: the picture goes on."""
PICTURE: Final = (64, 36)
MAX_DIFFERENCE: Final = 6.0
"""Mean, of 256, between a picture of the browser and one of the clip; others are far above."""
Pictures = npt.NDArray[np.float32]
_FOLDERS: Final = {
    "/client/": ROOT / "web" / "client",
    "/modules/": ROOT / "web" / "node_modules",
    "/": Path(__file__).parent / "browser",
}


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, folders: dict[str, Path], *arguments: Any) -> None:
        self._folders = folders
        super().__init__(*arguments)

    def translate_path(self, path: str) -> str:
        prefix = next(prefix for prefix in self._folders if path.startswith(prefix))
        self.directory = str(self._folders[prefix])
        return super().translate_path("/" + path.removeprefix(prefix))

    def log_message(self, *_arguments: Any) -> None:
        pass


@contextmanager
def serving_pages(**folders: Path) -> Iterator[str]:
    """Serve the page, our client and the libraries; other folders under their names."""
    named = {f"/{name}/": folder for name, folder in folders.items()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, named | _FOLDERS))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Told(NamedTuple):
    """What a player was given, and what was found in it."""

    chunks: list[bytes]
    snapshots: list[tuple[int, int, str]]
    """Epoch, version, text: from our reader."""
    bodies: list[bytes]
    """Of our messages, from the player's own events."""
    damaged: int


class Watcher:
    """A page on which one player plays one stream.

    Args:
        page: the page, open.
        pictures: what may be seen.
    """

    def __init__(self, page: Page, pictures: Pictures) -> None:
        self.page = page
        self._pictures = pictures

    def start(self, player: str, url: str) -> None:
        """Start a player."""
        self.page.evaluate("([player, url]) => start(player, url)", [player, url])

    def finds(self, version: int) -> None:
        """Wait until a version is found, or a later one."""
        self._wait("newest >= bound", version)

    def plays(self, frames: int = 0) -> None:
        """Wait until the picture goes on, and see that it is one of the clip.

        Args:
            frames: so many are to be shown since the start, at least.
        """
        before = self._progress()
        self._wait("frames >= bound", max(frames, before["frames"] + FRAMES))
        assert self._progress()["time"] > before["time"]
        picture = np.array(self.page.evaluate("picture()"))
        assert np.abs(self._pictures - picture).mean(axis=1).min() < MAX_DIFFERENCE

    def told(self) -> Told:
        """Ask for everything that was found until now."""
        told = self.page.evaluate("told()")
        return Told(
            [base64.b64decode(chunk) for chunk in told["chunks"]],
            [(one["epoch"], one["version"], one["text"]) for one in told["snapshots"]],
            [base64.b64decode(body) for body in told["bodies"]],
            told["damaged"],
        )

    def _progress(self) -> Any:
        return self.page.evaluate("progress()")

    def _wait(self, condition: str, bound: int) -> None:
        script = (
            "bound => { const { frames, newest, errors } = progress();"
            f" return errors.length > 0 || {condition}; }}"
        )
        self.page.wait_for_function(script, arg=bound, timeout=PATIENCE_MS, polling=50)
        assert self._progress()["errors"] == []


@contextmanager
def watching(browser: Browser, pages: str, pictures: Pictures) -> Iterator[Watcher]:
    """Open a page of its own; it is gone at the end, and its player with it."""
    context = browser.new_context(viewport={"width": 640, "height": 360})
    try:
        page = context.new_page()
        page.goto(f"{pages}/players.html")
        page.wait_for_function("() => 'start' in window", timeout=PATIENCE_MS)
        yield Watcher(page, pictures)
    finally:
        context.close()


def pictures_of(clip: Path) -> Pictures:
    """Decode every picture of a file, small and grey as the page gives its own.

    Each comes twice: where a stream does not say what its colours are, Chromium takes them for
    BT.601 in one of its demuxers and for BT.709 in another.
    """
    pictures = []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            small = frame.reformat(*PICTURE, "yuv444p", interpolation="AREA")
            for colours in ("ITU601", "ITU709"):
                shown = small.reformat(format="rgb24", src_colorspace=colours).to_ndarray()
                pictures.append((shown @ (0.299, 0.587, 0.114)).ravel())
    return np.array(pictures, np.float32)
