"""Every reader on a running relay: that it plays, and which of our messages it finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from browser_players import (
    CHROMIUM,
    Pictures,
    Told,
    Watcher,
    chromium,
    pictures_of,
    serving_pages,
    watching,
)
from playwright.sync_api import Browser
from readers_media import messages
from readers_relay import RealRelay, count, real_relay
from readers_table import NONE, ReadersTable, judge, version_of

from sei.flv.reader import FlvStateReader
from sei.wire.payload import decode

ENGINES: Final = ["tags", "packets"]
FORMS: Final = {
    "flv": "HTTP-FLV",
    "mp4": "fragmented MP4",
    "m3u8": "HLS, transport stream",
    "fmp4.m3u8": "HLS, fragmented MP4",
}
MAX_GAP_S: Final = 0.66
"""Half a second, a picture, and what B-frames change in the order."""
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
def pictures(relay: RealRelay) -> Pictures:
    return pictures_of(relay.clip)


@pytest.fixture
def watcher(browser: Browser, pages: str, pictures: Pictures) -> Iterator[Watcher]:
    with watching(browser, pages, pictures) as watcher:
        yield watcher


def played(watcher: Watcher, relay: RealRelay, player: str, url: str) -> Told:
    """Play until a change has been found in the stream, and the picture goes on behind it."""
    watcher.start(player, url)
    watcher.plays()
    watcher.finds(0)
    watcher.finds(relay.room.change())
    watcher.plays()
    return watcher.told()


def snapshots(content: bytes, room: str = "readers") -> list[tuple[int, int, str]]:
    """Read the snapshots of an FLV stream with no browser."""
    found = FlvStateReader(room).feed(content)
    return [(*sighting.position, sighting.body.decode()) for sighting in found]


# In Chromium -------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("library", ["mpegts.js", "flv.js"])
def test_our_reader_as_loader_of_a_player_finds_every_message(
    watcher: Watcher, relay: RealRelay, table: ReadersTable, library: str, engine: str
) -> None:
    told = played(watcher, relay, f"{library} with our reader", relay.url(f"{engine}.flv"))
    assert told.damaged == 0
    finds = judge(told.snapshots, snapshots(b"".join(told.chunks)))
    table.found(
        f"{version_of(library)}, `customLoader` with our `client/sei.js`", FORMS["flv"], finds
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_mpegts_js_tells_of_messages_from_its_first_remux_on(
    watcher: Watcher, relay: RealRelay, table: ReadersTable, engine: str
) -> None:
    told = played(watcher, relay, "mpegts.js", relay.url(f"{engine}.flv"))
    expected = messages(b"".join(told.chunks), "flv")
    finds = judge([decode(body) for body in told.bodies], expected)
    table.found(f"{version_of('mpegts.js')}, `SEI_ARRIVED`", FORMS["flv"], finds)


@pytest.mark.parametrize("engine", ENGINES)
def test_our_reader_needs_no_player(
    watcher: Watcher, relay: RealRelay, table: ReadersTable, engine: str
) -> None:
    watcher.start("our reader", relay.url(f"{engine}.flv"))
    watcher.finds(0)
    watcher.finds(relay.room.change())
    told = watcher.told()
    finds = judge(told.snapshots, snapshots(b"".join(told.chunks)))
    table.found("`fetch` with our `client/sei.js`", FORMS["flv"], finds, plays="–")


@pytest.mark.parametrize("engine", ENGINES)
def test_media_source_plays_what_a_page_fetches(
    watcher: Watcher, relay: RealRelay, table: ReadersTable, engine: str
) -> None:
    watcher.start("MediaSource", relay.url(f"{engine}.mp4"))
    watcher.plays()
    version = relay.room.change()
    watcher.plays()
    watcher.plays()
    content = b"".join(watcher.told().chunks)
    assert count(version, content) > 0
    assert messages(content, "mp4")
    table.found("`fetch` and `MediaSource` alone", FORMS["mp4"], NONE)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_plain_video_element_plays_and_shows_nothing(
    watcher: Watcher, relay: RealRelay, table: ReadersTable, engine: str
) -> None:
    watcher.start("video", relay.url(f"{engine}.mp4"))
    watcher.plays()
    tracks = watcher.page.evaluate("document.querySelector('video').textTracks.length")
    table.found("`<video src>`", FORMS["mp4"], "some" if tracks else NONE)


@pytest.mark.parametrize("source", ["packets.m3u8", "packets/fmp4.m3u8", "nginx"])
def test_hls_js_finds_every_message(
    watcher: Watcher, relay: RealRelay, pages: str, table: ReadersTable, source: str
) -> None:
    is_ours = source != "nginx"
    url = relay.url(source) if is_ours else f"{pages}/nginx/packaged.m3u8"
    told = played(watcher, relay, "hls.js", url)
    form = "fmp4.m3u8" if "fmp4" in source else "m3u8"
    suffix = "mp4" if "fmp4" in source else "ts"
    expected = [message for chunk in told.chunks for message in messages(chunk, suffix)]
    finds = judge([decode(body) for body in told.bodies], expected)
    over = FORMS[form] if is_ours else "HLS, made by nginx-rtmp of what we push"
    table.found(f"{version_of('hls.js')}, `FRAG_PARSING_USERDATA`", over, finds)
