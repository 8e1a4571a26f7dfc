"""What an FLV stream that was joined in the middle begins with."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.errors import SourceFailed
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, TagParser, file_header, write_tag
from sei.packets.flv_join import MAX_EARLY_MS, MAX_HEAD_BYTES, MAX_WAIT_S, FlvJoin

METADATA = Tag(SCRIPT, 0, b"m" * 50)
H264 = Tag(VIDEO, 0, bytes([0x17, 0, 0, 0, 0]) + b"avcC")
HEVC_METADATA = Tag(VIDEO, 0, bytes([0x94]) + b"hvc1colors")
KEY = Tag(VIDEO, 2000, bytes([0x17, 1, 0, 0, 0]) + b"key")
HEVC_KEY = Tag(VIDEO, 2000, bytes([0x91]) + b"hvc1" + bytes(3) + b"key")
OTHER_KEY = Tag(VIDEO, 2000, bytes([0x14, 0, 0, 0, 0, 0]))
AAC = Tag(AUDIO, 0, bytes([0xAF, 0]) + b"config")
EMPTY = [Tag(AUDIO, 5, b""), Tag(VIDEO, 5, b"")]
SOUND = [Tag(AUDIO, time_ms, bytes([0xAF, 1]) + b"sound") for time_ms in range(0, 2000, 20)]
TAIL = [Tag(VIDEO, 2040, bytes([0x27, 1, 0, 0, 0]) + b"next"), Tag(AUDIO, 2040, SOUND[0].body)]


class Chunks:
    """Gives at most so many bytes a read, and counts the reads."""

    def __init__(self, content: bytes, size: int = 1 << 20) -> None:
        self._content = BytesIO(content)
        self._size = size
        self.reads = 0

    def read(self, size: int) -> bytes:
        self.reads += 1
        return self._content.read(min(size, self._size))


def flv(*tags: Tag, flags: int = 5) -> bytes:
    header = bytearray(file_header(has_audio=True, has_video=True))
    header[4] = flags
    return bytes(header) + b"".join(map(write_tag, tags))


def joined(content: bytes, size: int = 1 << 20, *, expects_sound: bool = False) -> bytes:
    chunks, join = Chunks(content, size), FlvJoin(expects_sound=expects_sound)
    head = join.read_from(chunks, lambda: 0.0)
    return head + chunks.read(len(content))


@pytest.mark.parametrize("key", [KEY, HEVC_KEY, OTHER_KEY])
@given(size=st.integers(200, 5000))
def test_only_sound_from_just_before_the_first_picture_stays(key: Tag, size: int) -> None:
    content = flv(METADATA, AAC, *EMPTY, H264, HEVC_METADATA, *SOUND, key, *TAIL)
    chunks, join = Chunks(content, size), FlvJoin()
    head = join.read_from(chunks, lambda: 0.0)
    rest = b"".join(iter(lambda: chunks.read(size), b""))
    early = [tag for tag in SOUND if SOUND[-1].timestamp_ms - tag.timestamp_ms <= MAX_EARLY_MS]
    expected = [METADATA, AAC, *EMPTY, H264, HEVC_METADATA, *early, key, *TAIL]
    assert TagParser().feed(head + rest) == expected
    assert join.dropped == len(SOUND) - len(early)


def test_a_stream_that_begins_with_a_picture_stays_as_it_is() -> None:
    content = flv(METADATA, AAC, H264, *SOUND[-3:], KEY, *TAIL)
    assert joined(content) == content


@pytest.mark.parametrize(
    ("flags", "tags", "expects_sound", "said"),
    [
        (0, (H264, KEY), False, 1),
        (4, (H264, KEY), False, 5),
        (1, (H264, KEY), False, 1),
        (1, (H264, KEY), True, 5),
        (1, (H264, SOUND[0], KEY), False, 5),
    ],
)
def test_the_file_header_names_pictures_and_the_sound_that_is_there(
    flags: int, tags: tuple[Tag, ...], expects_sound: bool, said: int
) -> None:
    assert joined(flv(*tags, flags=flags), expects_sound=expects_sound)[4] == said


@pytest.mark.parametrize(
    "content", [b"", b"F", b"GIF89a" * 100, b"\x47" + bytes(187), flv(METADATA) + b"x" * 100]
)
def test_what_is_no_flv_or_gets_out_of_step_passes_as_it_is(content: bytes) -> None:
    assert joined(content) == content


def test_the_wait_for_a_picture_has_an_end() -> None:
    now_s = iter([0.0, 1.0, MAX_WAIT_S + 1])
    chunks = Chunks(flv(AAC, *SOUND), 200)
    with pytest.raises(SourceFailed, match="only sound"):
        FlvJoin().read_from(chunks, lambda: next(now_s))
    assert chunks.reads == 2


def test_a_beginning_without_a_picture_is_bounded() -> None:
    endless = Chunks(flv(*[METADATA._replace(body=bytes(500_000))] * 20))
    with pytest.raises(SourceFailed, match="no picture"):
        FlvJoin().read_from(endless, lambda: 0.0)
    assert endless.reads <= MAX_HEAD_BYTES // (32 * 1024) + 2
