from __future__ import annotations

from struct import unpack_from

from hypothesis import given
from hypothesis import strategies as st

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, write_tag
from sei.mp4.writer import Mp4Writer
from sei.outputs.fanout import LiveStream
from tests.unit.sei.test_sei_fanout import FakeLine

SMALL = bytes.fromhex(
    "0142c00affe100176742c00ada0290bf97011000000300100000030320f122ea01000468ce0fc8"
)
"""avcC of a stream of 160x96."""
AVC = b"\x17\x00\x00\x00\x00" + SMALL
AAC = b"\xaf\x00\x12\x10"
MP3 = b"\x2f\xff\xfb\x90\x00" + bytes(20)


def tag(kind: int, ts_ms: int, body: bytes, *, configures: bool = False) -> StreamTag:
    is_keyframe = kind == VIDEO and body[:2] == b"\x17\x01"
    return StreamTag(kind, ts_ms, configures, is_keyframe, write_tag(Tag(kind, ts_ms, body)))


def avc(body: bytes = AVC) -> StreamTag:
    return tag(VIDEO, 0, body, configures=True)


def aac(body: bytes = AAC) -> StreamTag:
    return tag(AUDIO, 0, body, configures=True)


def key(ts_ms: int, offset_ms: int = 0) -> StreamTag:
    return tag(VIDEO, ts_ms, b"\x17\x01" + offset_ms.to_bytes(3, "big", signed=True) + b"key")


def inter(ts_ms: int, offset_ms: int = 0) -> StreamTag:
    return tag(VIDEO, ts_ms, b"\x27\x01" + offset_ms.to_bytes(3, "big", signed=True) + b"inter")


def sound(ts_ms: int) -> StreamTag:
    return tag(AUDIO, ts_ms, b"\xaf\x01sound")


def track_of(fragment: bytes) -> int:
    return int(unpack_from(">I", fragment, 44)[0])


def shown_ms(fragment: bytes) -> int:
    (decoded,) = unpack_from(">Q", fragment, 60)
    (composition,) = unpack_from(">i", fragment, 100)
    return int(decoded + composition)


def kinds(content: bytes) -> list[bytes]:
    found = []
    while content:
        size, kind = unpack_from(">I4s", content)
        found.append(kind)
        content = content[size:]
    return found


def writer(*tags: StreamTag, with_audio: bool = True) -> Mp4Writer:
    made = Mp4Writer(with_audio=with_audio)
    for one in tags:
        made.learn(one)
    return made


def test_each_tag_of_media_makes_one_fragment_at_once() -> None:
    mp4 = writer(avc(), aac())
    written = [mp4.write(one) for one in (key(0), sound(0), inter(40), sound(23))]
    assert [kinds(one) for one in written] == [[b"moof", b"mdat"]] * 4
    assert [track_of(one) for one in written] == [1, 2, 1, 2]
    assert [one[112:] for one in written] == [b"key", b"sound", b"inter", b"sound"]
    assert [unpack_from(">I", one, 20)[0] for one in written] == [1, 2, 3, 4]


def test_configurations_and_metadata_make_no_fragment() -> None:
    mp4 = writer(avc(), aac())
    script = tag(SCRIPT, 0, b"\x02onMetaData", configures=True)
    assert [mp4.write(one) for one in (avc(), aac(), script)] == [b""] * 3


def test_pictures_are_shown_at_their_time_with_an_offset_of_either_sign() -> None:
    mp4 = writer(avc())
    written = [
        mp4.write(one) for one in (key(0, 80), inter(40, 120), inter(80, -40), inter(700, 9))
    ]
    assert [shown_ms(one) for one in written] == [80, 160, 40, 709]


def test_a_repeated_configuration_changes_nothing_and_a_new_one_does() -> None:
    mp4 = writer(avc(), aac())
    first = mp4.init
    mp4.write(avc())
    mp4.write(aac())
    assert mp4.init is first
    mp4.write(aac(b"\xaf\x00\x11\x90"))
    assert mp4.init != first
    assert len(mp4.init) == len(first)


def test_nothing_is_written_before_pictures_are_described() -> None:
    mp4 = writer(aac())
    assert (mp4.init, mp4.write(key(0)), mp4.write(sound(0))) == (b"", b"", b"")
    mp4.write(avc(b"\x17\x00\x00\x00\x00broken"))
    assert mp4.write(key(0)) == b""
    mp4.write(avc())
    assert kinds(mp4.write(key(40))) == [b"moof", b"mdat"]


def test_without_a_track_for_sound_there_is_none() -> None:
    mp4 = writer(avc(), aac(), with_audio=False)
    assert b"mp4a" not in mp4.init
    assert mp4.write(sound(0)) == b""


def test_mp3_is_described_by_its_first_frame_and_bit_rates_may_change() -> None:
    mp4 = writer(avc(), tag(AUDIO, 0, MP3))
    first = mp4.init
    assert b"mp4a" in first
    assert mp4.write(tag(AUDIO, 0, MP3))[112:] == MP3[1:]
    mp4.write(tag(AUDIO, 26, b"\x2f\xff\xfb\xb2\x00" + bytes(20)))
    mp4.write(tag(AUDIO, 52, b"\x2f" + bytes(24)))
    assert mp4.init is first


def test_a_broken_configuration_of_sound_leaves_the_last_one() -> None:
    mp4 = writer(avc(), aac())
    first = mp4.init
    mp4.write(aac(b"\xaf\x00\x12"))
    assert mp4.init is first
    assert mp4.write(sound(0))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([AUDIO, VIDEO]),
            st.integers(0, 2**32 - 1),
            st.sampled_from([b"", b"\x17\x00\x00\x00\x00", b"\x17\x01", b"\x90hvc1", b"\x93avc1"])
            | st.sampled_from([AVC, AAC, b"\xaf\x00", b"\xaf\x01", b"\x2f", b"\x90mp4a"]),
            st.binary(max_size=30),
        ),
        max_size=12,
    )
)
def test_whatever_the_tags_hold_boxes_are_whole(
    tags: list[tuple[int, int, bytes, bytes]],
) -> None:
    mp4 = writer(avc(), aac())
    for kind, ts_ms, start, rest in tags:
        written = mp4.write(tag(kind, ts_ms, start + rest))
        assert kinds(written) in ([], [b"moof", b"mdat"])
        assert kinds(mp4.init) in ([], [b"ftyp", b"moov"])


# As players get it -------------------------------------------------------------------------------


def started(*tags: StreamTag) -> LiveStream:
    stream = LiveStream()
    for one in tags:
        stream.publish([one])
    return stream


def joined(stream: LiveStream) -> FakeLine:
    line = FakeLine()
    line.player = stream.join(line, "mp4")
    return line


def media(line: FakeLine) -> list[bytes]:
    """List the boxes that arrived, an init segment as one."""
    found = kinds(bytes(line.taken))
    return [kind for kind in found if kind not in (b"ftyp", b"mdat")]


async def test_a_late_player_begins_with_init_and_the_group() -> None:
    stream = started(avc(), aac(), key(0), inter(40), key(80), sound(80), inter(120))
    line = joined(stream)
    assert media(line) == [b"moov", *[b"moof"] * 3]
    stream.publish([inter(160), sound(100)])
    assert media(line) == [b"moov", *[b"moof"] * 5]


async def test_all_players_get_the_same_fragments() -> None:
    stream = started(avc(), key(0), inter(40))
    first = joined(stream)
    stream.publish([key(80)])
    second = joined(stream)
    stream.publish([inter(120)])
    assert bytes(first.taken).endswith(bytes(second.taken)[-200:])


async def test_a_new_configuration_comes_as_an_init_segment_to_all() -> None:
    changed = avc(b"\x17\x00\x00\x00\x00" + SMALL.replace(b"\x42\xc0\x0a", b"\x42\xc0\x0b"))
    stream = started(avc(), key(0))
    early = joined(stream)
    stream.publish([changed, key(40)])
    late = joined(stream)
    stream.publish([key(80), inter(120)])
    assert media(early) == [b"moov", b"moof", b"moov", b"moof", b"moof", b"moof"]
    assert media(late) == [b"moov", b"moof", b"moof", b"moof"]


async def test_sound_that_is_silent_for_long_is_no_track_for_new_players() -> None:
    stream = started(avc(), aac(), key(0), sound(0))
    early = joined(stream)
    for n in range(1, 60):
        stream.publish([inter(n * 40)])
    late = joined(stream)
    stream.publish([sound(2400)])
    assert b"mp4a" in early.taken
    assert b"mp4a" not in late.taken
    assert len(media(early)) == len(media(late)) + 2
    assert b"mp4a" in joined(stream).taken


async def test_nothing_is_encoded_for_mp4_without_its_players() -> None:
    stream = started(avc(), key(0))
    line = joined(stream)
    assert len(stream._forms) == 2
    assert line.player is not None
    stream.leave(line.player)
    assert len(stream._forms) == 1


async def test_a_stream_that_mp4_cannot_hold_gives_nothing() -> None:
    stream = started(avc(b"\x17\x00\x00\x00\x00broken"), key(0), inter(40))
    line = joined(stream)
    stream.publish([key(80), inter(120)])
    assert line.taken == b""
    stream.publish([avc(), key(160)])
    assert media(line) == [b"moov", b"moof"]
