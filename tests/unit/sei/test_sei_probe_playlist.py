from __future__ import annotations

import pytest

from sei.errors import BadMedia
from sei.probe.playlist import Segment, after, newest, read_playlist

LIVE = b"""#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MAP:URI="init-1.mp4"
#EXTINF:2.000,
a.m4s
#EXTINF:1.96,first
b.m4s?x=1

#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-2.mp4"
#EXTINF:2,
https://cdn.example/c.m4s
"""


def test_segments_come_with_what_a_reader_needs_first() -> None:
    playlist = read_playlist(LIVE)
    assert playlist.variants == ()
    assert playlist.segments == (
        Segment("a.m4s", 2.0, "init-1.mp4"),
        Segment("b.m4s?x=1", 1.96, "init-1.mp4"),
        Segment("https://cdn.example/c.m4s", 2.0, "init-2.mp4"),
    )


def test_the_newest_segments_of_one_initialisation_are_chosen() -> None:
    segments = tuple(Segment(name, 2.0, None) for name in "abcdef")
    assert [one.address for one in newest(segments, 5.0)] == ["d", "e", "f"]
    assert [one.address for one in newest(segments, 0.0)] == ["f"]
    assert [one.address for one in newest(read_playlist(LIVE).segments, 60.0)] == [
        "https://cdn.example/c.m4s"
    ]
    assert newest((), 5.0) == ()


def test_a_master_playlist_names_variants() -> None:
    master = b"#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\nlow.m3u8\r\n"
    assert read_playlist(master).variants == ("low.m3u8",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:2,\na.ts\n',
        b"#EXTM3U\n#EXT-X-BYTERANGE:10@0\n#EXTINF:2,\na.ts\n",
        b'#EXTM3U\n#EXT-X-MAP:URI="a.mp4",BYTERANGE="10@0"\n#EXTINF:2,\na.mp4\n',
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(BadMedia):
        read_playlist(body)


def test_an_endless_playlist_is_read_in_part() -> None:
    body = b"#EXTM3U\n" + b"#EXTINF:2,\na.ts\n" * 100_000
    assert len(read_playlist(body).segments) < 5_000


def test_the_end_of_a_playlist_is_told() -> None:
    assert not read_playlist(LIVE).is_ended
    assert read_playlist(LIVE + b"#EXT-X-ENDLIST\n").is_ended


def test_what_follows_a_segment_is_new_and_all_where_it_has_left() -> None:
    segments = tuple(Segment(name, 2.0, None) for name in "abc")
    assert [one.address for one in after(segments, "b")] == ["c"]
    assert after(segments, "c") == ()
    assert after(segments, "z") == segments
