"""Every reader on a running relay: that it plays, and which of our messages it finds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from browser_players import (
    Pictures,
    Told,
    Watcher,
    pictures_of,
    serving_pages,
    watching,
)
from playwright.sync_api import Browser
from readers_media import (
    copying,
    ffmpeg_complaints,
    ffprobe_units,
    keyframes,
    messages,
    pyav_units,
    shown,
    traced_units,
    until_said,
    whole,
)
from readers_relay import RATE_HZ, SEAM_S, RealRelay, count, real_relay, record, record_segments
from readers_table import AS_SHOWN, EVERY, NONE, ReadersTable, judge, version_of

from sei.files.read import read
from sei.flv.reader import FlvStateReader
from sei.wire.payload import Message, decode
from tests.e2e.chromium import CHROMIUM, chromium

ENGINES: Final = ["tags", "packets"]
FORMS: Final = {
    "flv": "HTTP-FLV",
    "mp4": "fragmented MP4",
    "m3u8": "HLS, transport stream",
    "fmp4.m3u8": "HLS, fragmented MP4",
}
EVERYWHERE: Final = "HTTP-FLV, fragmented MP4, HLS of both kinds"
BY_NGINX: Final = "HLS, made by nginx-rtmp of what we push"
MAX_GAP_S: Final = 0.66
"""Half a second, a picture, and what B-frames change in the order."""


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
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
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


@pytest.mark.browser
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


@pytest.mark.browser
@pytest.mark.parametrize("engine", ENGINES)
def test_mpegts_js_tells_of_messages_from_its_first_remux_on(
    watcher: Watcher, relay: RealRelay, table: ReadersTable, engine: str
) -> None:
    told = played(watcher, relay, "mpegts.js", relay.url(f"{engine}.flv"))
    expected = messages(b"".join(told.chunks), "flv")
    finds = judge([decode(body) for body in told.bodies], expected)
    table.found(f"{version_of('mpegts.js')}, `SEI_ARRIVED`", FORMS["flv"], finds)


@pytest.mark.browser
@pytest.mark.parametrize("engine", ENGINES)
def test_our_reader_needs_no_player(
    watcher: Watcher, relay: RealRelay, table: ReadersTable, engine: str
) -> None:
    watcher.start("our reader", relay.url(f"{engine}.flv"))
    watcher.finds(0)
    watcher.finds(relay.room.change())
    told = watcher.told()
    finds = judge(told.snapshots, snapshots(b"".join(told.chunks)))
    table.found("`fetch` with our `client/sei.js`", FORMS["flv"], finds, plays="-")


@pytest.mark.browser
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


@pytest.mark.browser
def test_a_plain_video_element_plays_and_shows_nothing(
    watcher: Watcher, relay: RealRelay, table: ReadersTable
) -> None:
    watcher.start("video", relay.url("packets.mp4"))
    watcher.plays()
    tracks = watcher.page.evaluate("document.querySelector('video').textTracks.length")
    table.found("`<video src>`", FORMS["mp4"], "some" if tracks else NONE)


@pytest.mark.browser
@pytest.mark.parametrize("source", ["packets.m3u8", "packets/fmp4.m3u8", "nginx"])
def test_hls_js_finds_every_message(
    watcher: Watcher, relay: RealRelay, pages: str, table: ReadersTable, source: str
) -> None:
    is_ours = source != "nginx"
    url = relay.url(source) if is_ours else f"{pages}/nginx/packaged.m3u8"
    told = played(watcher, relay, "hls.js", url)
    form = "fmp4.m3u8" if "fmp4" in source else "m3u8"
    suffix = "mp4" if "fmp4" in source else "ts"
    expected = [
        message for chunk in told.chunks for message in messages(chunk, suffix, as_shown=True)
    ]
    found = [decode(body) for body in told.bodies]
    finds = AS_SHOWN if judge(found, expected) == EVERY else "some"
    over = FORMS[form] if is_ours else BY_NGINX
    table.found(f"{version_of('hls.js')}, `FRAG_PARSING_USERDATA`", over, finds)


SEAMS: Final = [
    ("mpegts.js", "tags-seam.flv"),
    ("flv.js with our reader", "tags-seam.flv"),
    ("flv.js with our reader", "packets-seam.flv"),
    ("MediaSource", "tags-seam.mp4"),
    ("MediaSource", "packets-seam.mp4"),
]


@pytest.mark.browser
def test_players_go_on_where_an_input_begins_again(
    browser: Browser, pages: str, pictures: Pictures, relay: RealRelay
) -> None:
    with ExitStack() as stack:
        started = []
        for player, path in SEAMS:
            watcher = stack.enter_context(watching(browser, pages, pictures))
            watcher.start(player, relay.url(path))
            started.append(watcher)
        for watcher in started:
            watcher.plays(int(2.5 * SEAM_S * RATE_HZ))


# Elsewhere ---------------------------------------------------------------------------------------


def at(engine: str, form: str) -> str:
    """Give where a form of a stream is, below ``/live/``."""
    return f"{engine}/{form}" if form == "fmp4.m3u8" else f"{engine}.{form}"


def recorded(relay: RealRelay, name: str, form: str, folder: Path) -> Path:
    """Keep what a stream gave until a change and its repeats had come."""
    if form in ("flv", "mp4"):
        path, content = folder / f"made.{form}", record(relay.url(at(name, form)), relay.room)
    else:
        path = folder / ("made.ts" if form == "m3u8" else "made.mp4")
        content = record_segments(relay.url(at(name, form)), relay.room)
    path.write_bytes(whole(content, path.suffix[1:]))
    return path


def holds_all(path: Path) -> list[Message | None]:
    """See that every keyframe has a message, and that they repeat; give them as shown."""
    found = shown(list(read(path)))
    assert all(item.crc_holds for item in found)
    times = [item.pts_s or 0.0 for item in found]
    assert set(keyframes(path)) <= {round(time_s, 3) for time_s in times}
    assert max(after - before for before, after in pairwise(times)) <= MAX_GAP_S
    return [item.message for item in found]


RECORDED: Final = [
    *((engine, form) for form in ("flv", "mp4") for engine in ENGINES),
    *(("packets", form) for form in ("m3u8", "fmp4.m3u8")),
]


@pytest.mark.parametrize(("engine", "form"), RECORDED)
def test_readers_without_a_browser_find_every_message(
    relay: RealRelay, table: ReadersTable, tmp_path: Path, engine: str, form: str
) -> None:
    path = recorded(relay, engine, form, tmp_path)
    expected = holds_all(path)
    table.found("`seatsync sei read`", EVERYWHERE, EVERY, plays="-")
    ours, foreign = pyav_units(path)
    assert ours == expected
    table.found("PyAV, `SEI_UNREGISTERED` side data", EVERYWHERE, AS_SHOWN)
    assert ffprobe_units(path) == len(ours) + foreign
    table.found("`ffprobe -show_frames`", EVERYWHERE, "that there is one, not what it says")
    assert traced_units(path) == len(ours)
    table.found("`ffmpeg -bsf:v trace_headers`", EVERYWHERE, EVERY, plays="-")


def test_ffmpeg_plays_every_form_without_a_complaint(relay: RealRelay, table: ReadersTable) -> None:
    urls = [relay.url(at(engine, form)) for engine, form in RECORDED]
    with ThreadPoolExecutor(len(urls)) as threads:
        assert [*threads.map(ffmpeg_complaints, urls)] == [""] * len(urls)
    table.found("ffmpeg as a player", EVERYWHERE, NONE)


def test_nginx_rtmp_passes_every_message_on(
    relay: RealRelay, table: ReadersTable, tmp_path: Path
) -> None:
    copied = tmp_path / "copied.flv"
    with copying(relay.nginx.url("pushed"), copied):
        until_said(relay.nginx, "play: name='pushed'")
        version = relay.room.change()
    found = holds_all(copied)
    assert version in {message.position.version for message in found if message}
    table.found("`seatsync sei read`", "RTMP, through nginx-rtmp", EVERY, plays="-")
    segments = b"".join(path.read_bytes() for path in relay.nginx.segments("packaged"))
    packaged = tmp_path / "packaged.ts"
    packaged.write_bytes(segments)
    assert len(holds_all(packaged)) > 1
    table.found("`seatsync sei read`", BY_NGINX, EVERY, plays="-")
