from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_flv_tags import (
    HEADER,
    SLICE,
    configuration,
    cut,
    head,
    picture,
    record,
    sound,
    stream,
)
from sei_strategies import codecs, foreign_message, insert, our_message, packets

from sei.errors import BadFlv, BadMedia
from sei.flv.filecopy import copy_flv
from sei.flv.record import without_our_units
from sei.flv.rewriter import FlvRewriter
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, TagParser, read_video, write_tag
from sei.insertion.cadence import Cadence, Injection
from sei.insertion.rewrite import Rewriter
from sei.wire.framing import Codec, Framing
from sei.wire.message import UUID_BYTES, find_messages, message_unit, remove_messages

STATE = (b"SS1 state",)
PIECES = (b"SS1 one", b"SS1 two", b"SS1 three")
H264 = Framing("h264", 4)
OURS = message_unit(b"forged", "h264")
injections = st.sampled_from(["on", "keyframes", "off"])


def rewrite(
    content: bytes, messages: tuple[bytes, ...] = STATE, injection: Injection = "on"
) -> bytes:
    return FlvRewriter(lambda _ms: messages, injection).rewrite(content)


def rewrite_in_steps(content: bytes, step: int) -> bytes:
    rewriter = FlvRewriter(lambda _ms: STATE)
    return b"".join(rewriter.rewrite(chunk) for chunk in cut(content, step))


def tags_of(content: bytes) -> list[Tag]:
    return TagParser().feed(content)


def by_rewriter(
    tags: list[Tag], codec: Codec, messages: tuple[bytes, ...], injection: Injection
) -> list[Tag]:
    """Rewrite with the rewriter of packets, tag by tag."""
    rewriter = Rewriter(codec, record(Framing(codec, 4)), cadence=Cadence(injection))
    made = []
    for tag in tags:
        video = read_video(tag)
        if video is None or video.part == "other":
            made.append(tag)
            continue
        start = tag.body[: len(tag.body) - len(video.content)]
        if video.part == "configuration":
            rewriter.reconfigure(video.content)
            made.append(tag)
            continue
        done = rewriter.rewrite(
            video.content,
            dts_ms=tag.timestamp_ms,
            is_keyframe=video.is_keyframe,
            messages=messages,
        )
        made.append(tag._replace(body=start + done.packet))
    return made


@st.composite
def streams(draw: st.DrawFn) -> tuple[Codec, list[Tag]]:
    """Draw tags of one codec: pictures whole and broken, forged messages, new configurations."""
    codec: Codec = draw(codecs)
    enhanced = draw(st.booleans())
    framing = Framing(codec, 4)
    tags: list[Tag] = []
    time_ms = 0
    for _ in range(draw(st.integers(1, 12))):
        time_ms += draw(st.sampled_from([0, 20, 40, 600]))
        kind = draw(st.sampled_from(["picture"] * 5 + ["sound", "configuration", "end", "noise"]))
        if kind == "configuration":
            framing = Framing(codec, draw(st.sampled_from([2, 3, 4])))
            tags.append(configuration(framing, enhanced=enhanced, time_ms=time_ms))
        elif kind == "sound":
            tags.append(sound(time_ms))
        elif kind == "end":
            tags.append(Tag(VIDEO, time_ms, head(codec, 2, enhanced=enhanced)))
        else:
            content = draw(packets(framing, with_vcl=draw(st.booleans())))
            if draw(st.booleans()):
                content = insert(content, framing, [message_unit(b"forged", codec)])
            if kind == "noise":
                content += draw(st.binary(max_size=30)) + our_message(b"x")
            part = draw(st.sampled_from([1, 3])) if enhanced else 1
            keyframe = draw(st.booleans())
            tags.append(
                picture(
                    time_ms,
                    content,
                    framing=framing,
                    enhanced=enhanced,
                    keyframe=keyframe,
                    part=part,
                )
            )
    return codec, tags


@given(
    streams(),
    st.sampled_from([(), STATE, PIECES]),
    injections,
    st.integers(1, 400),
)
def test_it_makes_the_same_bytes_as_the_rewriter_of_packets(
    drawn: tuple[Codec, list[Tag]],
    messages: tuple[bytes, ...],
    injection: Injection,
    step: int,
) -> None:
    codec, tags = drawn
    rewriter = FlvRewriter(lambda _ms: messages, injection)
    made = b"".join(rewriter.rewrite(chunk) for chunk in cut(stream(*tags), step))
    assert made == stream(*by_rewriter(tags, codec, messages, injection))


@given(streams(), st.sampled_from([STATE, PIECES]))
def test_strip_of_inject_is_what_there_was(
    drawn: tuple[Codec, list[Tag]], messages: tuple[bytes, ...]
) -> None:
    plain = rewrite(stream(*drawn[1]), injection="off")
    assert rewrite(rewrite(plain, messages), injection="off") == plain


@given(st.binary(max_size=300), st.integers(1, 40), st.booleans())
def test_garbage_is_refused_or_passes_and_nothing_else(
    noise: bytes, step: int, with_header: bool
) -> None:
    content = (HEADER if with_header else b"") + noise
    rewriter = FlvRewriter(lambda _ms: STATE)
    made = b""
    try:
        for chunk in cut(content, step):
            made += rewriter.rewrite(chunk)
    except (BadFlv, BadMedia):
        return
    assert rewriter.held_bytes <= len(content)


@given(st.binary(max_size=200))
def test_garbage_in_a_picture_stays_as_it_is_and_the_stream_goes_on(noise: bytes) -> None:
    tags = [picture(0, noise), picture(40)]
    made = tags_of(rewrite(stream(*tags)))
    assert len(made) == 2
    assert find_messages(read_video(made[1]).content, H264) == [STATE[0]]  # type: ignore[union-attr]  # it is video


def test_what_needs_no_change_is_handed_on_uncopied() -> None:
    content = stream(sound(0), Tag(SCRIPT, 0, b"meta"), Tag(VIDEO, 0, b"\x22h263"), sound(20))
    rewriter = FlvRewriter(lambda _ms: STATE)
    rewriter.feed(HEADER)
    chunk = content[len(HEADER) :]
    (piece,) = rewriter.feed(chunk)
    assert isinstance(piece, memoryview)
    assert piece.obj is chunk
    assert piece == chunk


def test_both_sizes_of_a_changed_tag_are_right() -> None:
    made = rewrite(stream(picture(0)))[len(HEADER) :]
    size = int.from_bytes(made[1:4], "big")
    assert len(made) == 11 + size + 4
    assert int.from_bytes(made[-4:], "big") == 11 + size


def test_off_takes_foreign_messages_out_and_puts_nothing_in() -> None:
    forged = picture(0, H264.frame(OURS) + H264.frame(b"\x65idr"))
    rewriter = FlvRewriter(lambda _ms: STATE, "off")
    assert rewriter.rewrite(stream(forged)) == stream(picture(0, H264.frame(b"\x65idr")))
    assert (rewriter.video.injected, rewriter.video.removed) == (0, 1)


def test_a_foreign_message_behind_the_picture_goes_too() -> None:
    forged = picture(0, H264.frame(SLICE["h264"]) + H264.frame(OURS))
    assert rewrite(stream(forged), ()) == stream(picture(0))


def test_other_messages_in_a_forged_unit_stay() -> None:
    other = foreign_message(4, b"caption")
    unit = b"\x06" + other + our_message(b"forged") + b"\x80"
    made = tags_of(rewrite(stream(picture(0, H264.frame(unit) + H264.frame(b"\x41x"))), ()))
    assert made[0].body[5:] == H264.frame(b"\x06" + other + b"\x80") + H264.frame(b"\x41x")


def test_the_uuid_inside_a_picture_is_not_ours() -> None:
    content = stream(picture(0, H264.frame(b"\x41" + our_message(b"x"))))
    assert rewrite(content, ()) == content


def test_with_keyframes_only_a_round_begins_at_each() -> None:
    tags = [picture(n * 600, keyframe=n in (1, 6)) for n in range(10)]
    made = tags_of(rewrite(stream(*tags), PIECES[:2], "keyframes"))
    assert [UUID_BYTES in tag.body for tag in made] == [n in (1, 2, 6, 7) for n in range(10)]


@pytest.mark.parametrize(
    "tag",
    [
        Tag(VIDEO, 0, b""),
        Tag(VIDEO, 0, b"\x17"),
        Tag(VIDEO, 0, b"\x17\x01\x00\x00"),
        Tag(VIDEO, 0, b"\x17\x01\x00\x00\x00"),
        Tag(VIDEO, 0, b"\x17\x02\x00\x00\x00"),
        Tag(VIDEO, 0, b"\x57\x00"),
        Tag(VIDEO, 0, b"\x91hvc1"),
        Tag(VIDEO, 0, b"\x91hvc1\x00\x00"),
        Tag(VIDEO, 0, b"\x91av01" + our_message(b"x")),
        Tag(VIDEO, 0, b"\x96\x10hvc1" + our_message(b"x")),
        Tag(AUDIO, 0, b""),
        Tag(SCRIPT, 0, our_message(b"x")),
    ],
)
def test_short_and_other_tags_pass_untouched(tag: Tag) -> None:
    assert rewrite(stream(tag)) == stream(tag)


def test_a_broken_configuration_changes_nothing() -> None:
    broken = Tag(VIDEO, 0, head("h264", 0) + b"bad")
    made = tags_of(rewrite(stream(configuration(H264), broken, picture(0))))
    assert find_messages(made[2].body[5:], H264) == [STATE[0]]


def test_lengths_too_small_for_a_message_are_an_error() -> None:
    one = Framing("h264", 1)
    with pytest.raises(BadMedia):
        rewrite(stream(configuration(one), picture(0, framing=one)), (bytes(300),))


def hvcc(*units: bytes) -> bytes:
    listed = b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    return record(Framing("hevc", 4))[:-1] + b"\x01\xa7" + len(units).to_bytes(2, "big") + listed


def test_a_message_in_a_configuration_of_hevc_goes_out() -> None:
    ours, other = message_unit(b"forged", "hevc"), b"\x4e\x01\x05\x01x\x80"
    assert without_our_units(hvcc(other, ours), "hevc") == (hvcc(other), 1)
    tag = Tag(VIDEO, 0, head("hevc", 0) + hvcc(ours, other))
    assert rewrite(stream(tag)) == stream(Tag(VIDEO, 0, head("hevc", 0) + hvcc(other)))


def test_a_configuration_that_claims_more_arrays_than_it_has_is_survived() -> None:
    whole = hvcc(message_unit(b"forged", "hevc"), b"\x4e\x01x")
    claims = whole[:22] + b"\x09" + whole[23:]
    kept = hvcc(b"\x4e\x01x")
    assert without_our_units(claims, "hevc") == (kept[:22] + b"\x09" + kept[23:], 1)


def test_a_tag_without_a_picture_does_not_use_up_a_repeat() -> None:
    delimiter = H264.frame(b"\x09\xf0")
    contents = [delimiter, None, delimiter, None, None, None]
    tags = [picture(n, content) for n, content in enumerate(contents)]
    made = tags_of(rewrite(stream(*tags)))
    assert [UUID_BYTES in tag.body for tag in made] == [False, True, False, True, True, False]


def test_a_tag_with_a_forged_message_alone_is_left_empty() -> None:
    made = rewrite(stream(picture(0, H264.frame(OURS))))
    assert made == stream(picture(0, b""))


@given(st.integers(22, 120))
def test_a_configuration_that_is_cut_off_is_survived(size: int) -> None:
    cut_off = hvcc(message_unit(b"forged", "hevc"), b"\x4e\x01x")[:size]
    kept, removed = without_our_units(cut_off, "hevc")
    assert len(kept) <= len(cut_off)
    assert removed in (0, 1)


def encrypted() -> bytes:
    return bytes((VIDEO | 0x20,)) + write_tag(picture(0))[1:]


@pytest.mark.parametrize("step", [1, 7, 52, 10_000])
def test_an_encrypted_stream_is_refused_in_clear_text(step: int) -> None:
    with pytest.raises(BadMedia, match="encrypted"):
        rewrite_in_steps(stream(sound(0)) + encrypted(), step)


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html>",
        b"FLV\x02\x05\x00\x00\x00\x09\x00\x00\x00\x00",
        b"FLV\x01\x05\x00\x00\x00\x08\x00\x00\x00\x00",
        b"FLV\x01\x05\xff\xff\xff\xff\x00\x00\x00\x00",
        HEADER + b"\x07" + bytes(20),
        HEADER + b"\x09\xff\xff\xff" + bytes(20),
        HEADER + b"\x09\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x0c",
        HEADER + encrypted()[:-4] + b"\x00\x00\x00\x00",
    ],
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_what_is_no_flv_or_out_of_step_is_refused(content: bytes, step: int) -> None:
    with pytest.raises(BadFlv):
        rewrite_in_steps(content, step)


def test_a_file_is_copied_and_counted() -> None:
    tags = [configuration(H264), sound(0), *(picture(n * 40) for n in range(5))]
    source, target, seen = io.BytesIO(stream(*tags)), io.BytesIO(), []
    done = copy_flv(source, target, lambda _ms: STATE, progress=seen.append)
    assert done == ("h264", 5, 3, 0, len(source.getvalue()), False)
    assert target.getvalue() == rewrite(source.getvalue())
    assert seen == [len(source.getvalue())]


@pytest.mark.parametrize("content", [b"", HEADER[:-1], stream(picture(0))[:-1]])
def test_a_file_that_ends_within_a_tag_is_not_taken_for_whole(content: bytes) -> None:
    with pytest.raises(BadFlv, match="ends"):
        copy_flv(io.BytesIO(content), io.BytesIO(), lambda _ms: STATE)


def test_messages_are_asked_for_by_the_time_of_the_tag() -> None:
    asked: list[int] = []

    def messages(time_ms: int) -> tuple[bytes, ...]:
        asked.append(time_ms)
        return STATE

    FlvRewriter(messages).feed(stream(picture(0), picture(0x0100_0001), picture(0xFFFF_FFFF)))
    assert asked == [0, 0x0100_0001, 0xFFFF_FFFF]


def test_a_stream_may_have_any_number_of_messages() -> None:
    versions = iter(range(100))
    rewriter = FlvRewriter(lambda _ms: (b"SS1 %d" % next(versions),))
    made = tags_of(rewriter.rewrite(stream(*(picture(n * 40) for n in range(100)))))
    assert [find_messages(tag.body[5:], H264) for tag in made] == [
        [b"SS1 %d" % n] for n in range(100)
    ]


def test_a_tag_larger_than_is_taken_is_refused_even_if_whole() -> None:
    content = HEADER + b"\x08\x80\x00\x01" + bytes(7) + bytes(0x80_0001 + 4)
    with pytest.raises(BadFlv, match="bytes"):
        rewrite(content)


def test_removing_what_is_in_the_stream_twice_changes_nothing_more() -> None:
    packet = H264.frame(OURS) + H264.frame(OURS) + H264.frame(b"\x41x")
    once = rewrite(stream(picture(0, packet)), ())
    assert rewrite(once, ()) == once
    assert remove_messages(packet, H264)[1] == 2
