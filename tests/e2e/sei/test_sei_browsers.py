"""Every reader on a running relay: that it plays, and which of our messages it finds."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import pytest
from browser_players import (
    CHROMIUM,
    Watcher,
    chromium,
    pictures_of,
    serving_pages,
    watching,
)
from playwright.sync_api import Browser
from readers_relay import (
    ROOM,
    RealRelay,
    count,
    real_relay,
    record,
    record_segments,
)
from readers_table import EVERY, NONE, ReadersTable, judge, version_of
from rtmp_peers import needed

from sei.files.read import Found, read
from sei.flv.reader import FlvStateReader
from sei.wire.message import UUID_BYTES
from sei.wire.payload import Message, decode

MAX_GAP_S: Final = 0.54
"""Half a second, and a picture."""
ENGINES: Final = ["tags", "packets"]
in_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def table() -> Iterator[ReadersTable]:
    table = ReadersTable()
    yield table
    table.end()


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRelay]:
    with real_relay(tmp_path_factory.mktemp("relay")) as relay:
        yield relay


@pytest.fixture(scope="module")
def pages(relay: RealRelay) -> Iterator[str]:
    with serving_pages(nginx=relay.nginx.folder / "hls") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pictures(relay: RealRelay) -> list[bytes]:
    return pictures_of(relay.clip)


@pytest.fixture
def watcher(browser: Browser, pages: str, pictures: list[bytes]) -> Iterator[Watcher]:
    with watching(browser, pages, pictures) as watcher:
        yield watcher


def test_smoke(relay: RealRelay, watcher: Watcher) -> None:
    for player, url in (
        ("mpegts.js with our reader", "tags.flv"),
    ):
        watcher.start(player, relay.url(url))
        watcher.finds(0)
        watcher.plays()
        v = relay.room.change()
        watcher.finds(v)
        watcher.plays()
        t = watcher.told()
        print(len(t.chunks), len(t.snapshots), len(t.bodies), t.damaged)
        watcher.page.locator("video").screenshot(path="/tmp/h9/shot.png")
