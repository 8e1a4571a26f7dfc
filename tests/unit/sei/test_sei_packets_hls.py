"""Playlists: those that we write, and those that an input brings."""

from __future__ import annotations

import pytest

from sei.errors import BadMedia
from sei.packets.hls_playlist import prepare
from sei.packets.playlist import GRACE_SEGMENTS, WINDOW_SEGMENTS, Playlist, Segment

BASE = "https://cdn.example/live/a.m3u8?token=1"


def segment(number: int, *, gap: bool = False, init: str = "", duration_s: float = 2.0) -> Segment:
    return Segment(f"{number}.ts", duration_s, gap, init)


def test_a_playlist_names_the_newest_segments() -> None:
    playlist = Playlist(100, 2.0)
    gone = [name for number in range(100, 112) for name in playlist.add(segment(number))]
    text = playlist.text()
    assert "#EXT-X-MEDIA-SEQUENCE:106\n" in text
    assert text.endswith("#EXTINF:2.000000,\n111.ts\n")
    assert text.count("#EXTINF") == WINDOW_SEGMENTS
    assert gone == [f"{100 + at}.ts" for at in range(12 - WINDOW_SEGMENTS - GRACE_SEGMENTS)]


def test_discontinuities_that_left_are_counted() -> None:
    playlist = Playlist(0, 2.0)
    for number in range(WINDOW_SEGMENTS + 2):
        playlist.add(segment(number, gap=number in (1, 4)))
    text = playlist.text()
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1\n" in text
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1


def test_an_initialisation_goes_when_no_segment_names_it() -> None:
    playlist = Playlist(0, 2.0)
    gone: list[str] = []
    for number in range(20):
        init = "init-0.mp4" if number < 2 else "init-2.mp4"
        gone += playlist.add(segment(number, init=init))
    assert gone.count("init-0.mp4") == 1
    assert gone.index("init-0.mp4") == gone.index("1.ts") + 1
    assert "init-2.mp4" not in gone
    assert playlist.text().count("#EXT-X-MAP") == 1


def test_the_target_covers_the_longest_segment() -> None:
    playlist = Playlist(0, 2.0)
    playlist.add(segment(0, duration_s=9.6))
    assert "#EXT-X-TARGETDURATION:10\n" in playlist.text()


def test_a_playlist_that_ended_says_so() -> None:
    playlist = Playlist(0, 2.0)
    playlist.add(segment(0))
    assert playlist.text(ended=True).endswith("#EXT-X-ENDLIST\n")


def test_addresses_are_given_in_full_and_durations_as_one_second() -> None:
    text = '#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI="i.mp4"\n#EXTINF:6.0,x\n../s.m4s\n'
    prepared = prepare(text, BASE)
    assert prepared.is_live
    assert prepared.target_s == 6
    assert prepared.text.splitlines() == [
        "#EXTM3U",
        "#EXT-X-TARGETDURATION:1",
        '#EXT-X-MAP:URI="https://cdn.example/live/i.mp4"',
        "#EXTINF:1,",
        "https://cdn.example/s.m4s",
    ]


def test_a_playlist_with_an_end_is_not_live() -> None:
    assert not prepare("#EXTM3U\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n", BASE).is_live


def test_the_best_rendition_is_kept_alone() -> None:
    text = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\nlow.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=70\nhigh.m3u8\n"
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=900,URI="i.m3u8"\n'
    )
    prepared = prepare(text, BASE)
    assert prepared.text.splitlines()[-1] == "https://cdn.example/live/high.m3u8"
    assert "low" not in prepared.text
    assert "i.m3u8" not in prepared.text
    assert not prepared.is_live


@pytest.mark.parametrize("method", ["AES-128", "SAMPLE-AES", ""])
def test_encryption_is_refused(method: str) -> None:
    with pytest.raises(BadMedia, match="encrypted"):
        prepare(f'#EXTM3U\n#EXT-X-KEY:METHOD={method},URI="k"\n#EXTINF:1,\na.ts\n', BASE)


def test_a_key_of_method_none_is_no_encryption() -> None:
    assert prepare("#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\na.ts\n", BASE).is_live


@pytest.mark.parametrize("address", ["file:///etc/passwd", "data:,x", "crypto+http://a/b"])
def test_what_is_not_fetched_over_http_is_refused(address: str) -> None:
    for text in (f"#EXTM3U\n#EXTINF:1,\n{address}\n", f'#EXTM3U\n#EXT-X-MAP:URI="{address}"\n'):
        with pytest.raises(BadMedia, match="HTTP"):
            prepare(text, BASE)


def test_a_playlist_of_sound_alone_is_refused() -> None:
    with pytest.raises(BadMedia, match="no video"):
        prepare('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5,CODECS="mp4a.40.2"\na.m3u8\n', BASE)
