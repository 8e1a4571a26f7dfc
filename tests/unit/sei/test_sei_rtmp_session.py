from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rtmp_samples import (
    ADDRESS,
    AVC_CONFIGURATION,
    METADATA,
    RANDOM,
    S0,
    S1,
    STREAM,
    Cutter,
    Server,
    pieces,
    status,
    talk,
)

from sei.errors import BadRtmp
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, write_tag
from sei.rtmp import amf0
from sei.rtmp.address import parse_rtmp
from sei.rtmp.chunks import Message
from sei.rtmp.commands import MAX_COMMAND_BYTES
from sei.rtmp.handshake import PACKET_BYTES
from sei.rtmp.messages import AGGREGATE, AMF3_COMMAND, AMF3_DATA, COMMAND, MAX_PARTS, control
from sei.rtmp.session import OUR_CHUNK_BYTES, Ended, Event, Session, Started

PICTURE = b"\x27\x01\x00\x00\x00picture"
cuts = st.lists(st.integers(0, 1 << 20), max_size=12)


def video(time_ms: int = 0, body: bytes = PICTURE) -> Message:
    return Message(VIDEO, time_ms, STREAM, body)


def script(*values: amf0.Value) -> Message:
    return Message(SCRIPT, 0, STREAM, amf0.encode(*values))


def test_player_asks_for_the_stream_in_order() -> None:
    session, server, events = talk("play")
    assert events == [Started()]
    assert session.is_started
    names = [command[0] for command in server.commands]
    assert names == ["connect", "createStream", "play"]
    about = server.commands[0][2]
    assert isinstance(about, dict)
    assert about["app"] == "live"
    assert about["tcUrl"] == "rtmp://127.0.0.1:1935/live"
    assert "hvc1" in about["fourCcList"]
    assert server.commands[2][2:] == [None, "demo?token=1"]


def test_publisher_asks_for_leave_in_order() -> None:
    session, server, events = talk("publish")
    assert events == [Started()]
    names = [command[0] for command in server.commands]
    assert names == ["connect", "releaseStream", "FCPublish", "createStream", "publish"]
    assert server.commands[-1][2:] == [None, "demo?token=1", "live"]
    session.finish()
    server.receive(session.take_outgoing())
    assert [command[0] for command in server.commands[-2:]] == ["FCUnpublish", "deleteStream"]
    assert server.commands[-1][3] == STREAM


@given(cuts, st.binary(max_size=3000))
def test_answers_may_come_in_any_pieces(at: list[int], body: bytes) -> None:
    session, server = Session(ADDRESS, "play", RANDOM), Server()
    events: list[Event] = []
    said = session.take_outgoing()
    while said:
        answer = server.receive(said)
        if session.step == "play" and not server.media:
            server.media.append(video())  # once
            answer += server.say(video(40, b"\x17" + body))
        for piece in pieces(answer, at):
            events += session.receive(piece)
        said = session.take_outgoing()
    assert events == [Started(), Tag(VIDEO, 40, b"\x17" + body)]


def test_tags_are_the_messages_of_the_stream() -> None:
    conversation = talk("play")
    assert conversation.hear(
        script("|RtmpSampleAccess", True, True),
        script("@setDataFrame", "onMetaData", amf0.EcmaArray({"videocodecid": 7.0})),
        script("onCuePoint", {"name": "a"}),
        video(0, AVC_CONFIGURATION),
        Message(AUDIO, 5, STREAM, b"\xaf\x01sound"),
        Message(AMF3_DATA, 6, STREAM, b"\x00" + METADATA),
        video(1, b""),
        Message(16, 0, STREAM, b"shared object"),
        video(0xFFFFFFFF),
    ) == [
        Tag(SCRIPT, 0, METADATA),
        Tag(SCRIPT, 0, amf0.encode("onCuePoint", {"name": "a"})),
        Tag(VIDEO, 0, AVC_CONFIGURATION),
        Tag(AUDIO, 5, b"\xaf\x01sound"),
        Tag(SCRIPT, 6, METADATA),
        Tag(VIDEO, 0xFFFFFFFF, PICTURE),
    ]


def test_media_before_a_word_of_start_starts_too() -> None:
    session, server, events = talk("play", Server(silent_at="play"))
    assert events == []
    assert session.receive(server.say(video())) == [Started(), Tag(VIDEO, 0, PICTURE)]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (status("NetStream.Play.Stop"), "NetStream.Play.Stop"),
        (status("NetStream.Play.UnpublishNotify"), "NetStream.Play.UnpublishNotify"),
        (
            script("onPlayStatus", {"code": "NetStream.Play.Complete"}),
            "NetStream.Play.Complete",
        ),
        (Message(4, 0, 0, b"\x00\x01\x00\x00\x00\x07"), "StreamEOF"),
    ],
)
def test_end_of_a_stream_is_told(message: Message, code: str) -> None:
    assert talk("play").hear(message) == [Ended(code, is_refusal=False)]


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("connect", "NetConnection.Connect.Rejected"),
        ("createStream", ""),
        ("play", "NetStream.Play.StreamNotFound"),
    ],
)
def test_refusal_of_a_player_is_told(step: str, code: str) -> None:
    (ended,) = talk("play", Server(refused_at=step)).events
    assert isinstance(ended, Ended)
    assert (ended.code, ended.is_refusal) == (code, True)
    assert str(ended).startswith(f"the server says {code or 'no'}")


def test_refusal_to_publish_is_told_in_a_fit_form() -> None:
    (ended,) = talk("publish", Server(refused_at="publish")).events
    assert str(ended) == "the server says NetStream.Publish.BadName (no such thing)"


def test_what_a_server_repeats_of_the_key_is_not_passed_on() -> None:
    address = parse_rtmp("rtmp://127.0.0.1/live/live_0123456789?auth=hunter2hunter2")
    session, server = Session(address, "publish", RANDOM), Server(silent_at="publish")
    while said := session.take_outgoing():
        session.receive(server.receive(said))
    told = f"{'x' * 115} {address.key} is taken; hunter2hunter2 is no token"
    refusal = status("NetStream.Publish.BadName", "error", told)
    events = session.receive(b"".join(Cutter().cut(9, refusal, 0)))
    assert events == [Ended("NetStream.Publish.BadName", True, f"{'x' * 115} live")]
    refusal = status("NetStream.Publish.BadName", "error", told.lstrip("x"))
    (ended,) = session.receive(b"".join(Cutter().cut(10, refusal, 0)))
    assert isinstance(ended, Ended)
    assert ended.description == " live…?… is taken; … is no token"


def test_close_by_the_server_is_told() -> None:
    closing = Message(COMMAND, 0, 0, amf0.encode("close", 0, None))
    assert talk("publish").hear(closing) == [Ended("close", is_refusal=True)]


def test_what_changes_nothing_is_passed_over() -> None:
    assert (
        talk("play").hear(
            Message(COMMAND, 0, 0, amf0.encode("onBWDone", 0, None)),
            Message(COMMAND, 0, 0, amf0.encode("onFCPublish")),
            Message(COMMAND, 0, 0, amf0.encode("_result", 99, None, {})),
            Message(COMMAND, 0, 0, amf0.encode("_error", 2, None, {"code": "no releaseStream"})),
            Message(AMF3_COMMAND, 0, 0, b"\x00" + amf0.encode("onFCSubscribe", 0, None)),
            Message(4, 0, 0, b"\x00\x00\x00\x00\x00\x07"),
            control(3, 1),
            status("NetStream.Play.Start"),
            status("NetStream.Data.Start"),
            Message(COMMAND, 0, 0, amf0.encode("onStatus", 0)),
        )
        == []
    )


def test_ping_is_answered_with_its_time() -> None:
    conversation = talk("play")
    before = len(conversation.server.others)
    assert conversation.hear(Message(4, 0, 0, b"\x00\x06\x00\x00\x12\x34")) == []
    (answer,) = conversation.server.others[before:]
    assert answer.body == b"\x00\x07\x00\x00\x12\x34"


def test_received_bytes_are_acknowledged_once_a_window() -> None:
    conversation = talk("play")
    server = conversation.server
    before = len(server.others)
    conversation.hear(control(5, 1000))
    conversation.hear(video(0, bytes(500)))
    assert len(server.others) == before
    conversation.hear(video(0, bytes(500)))
    conversation.hear(video(0, bytes(10)))
    (acknowledgement,) = server.others[before:]
    assert acknowledgement.kind == 3
    assert int.from_bytes(acknowledgement.body, "big") > 1000


def test_bandwidth_of_the_peer_is_answered_with_our_window_when_it_changes() -> None:
    conversation = talk("publish")
    before = len(conversation.server.others)
    limit = Message(6, 0, 0, b"\x00\x00\x27\x10\x02")
    conversation.hear(limit, limit)
    assert conversation.server.others[before:] == [control(5, 10_000)]


def test_aggregate_is_split_and_its_times_are_moved() -> None:
    tags = [Tag(VIDEO, 100, PICTURE), Tag(AUDIO, 120, b"\xaf\x01a"), Tag(VIDEO, 140, PICTURE)]
    body = b"".join(map(write_tag, tags))
    assert talk("play").hear(Message(AGGREGATE, 1000, STREAM, body)) == [
        tag._replace(timestamp_ms=tag.timestamp_ms + 900) for tag in tags
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"\x09\x00",
        write_tag(Tag(VIDEO, 0, PICTURE))[:-1],
        write_tag(Tag(AGGREGATE, 0, b"")),
        write_tag(Tag(VIDEO, 0, b"")) * (MAX_PARTS + 1),
    ],
    ids=["cut in its header", "cut in a part", "nested", "too many"],
)
def test_aggregate_that_does_not_fit_is_refused(body: bytes) -> None:
    conversation = talk("play")
    with pytest.raises(BadRtmp, match="aggregate"):
        conversation.hear(Message(AGGREGATE, 0, STREAM, body))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message(COMMAND, 0, 0, b""), "without a name"),
        (Message(COMMAND, 0, 0, amf0.encode(1.0, 1.0)), "without a name"),
        (Message(COMMAND, 0, 0, bytes(MAX_COMMAND_BYTES + 1)), "65537 bytes"),
        (Message(COMMAND, 0, 0, b"\x02\x00"), "ends within"),
        (Message(COMMAND, 0, 0, amf0.encode("_result", 1, None, {})), "second answer"),
        (Message(COMMAND, 0, 0, amf0.encode("_result", 4, None, 1)), "not asked"),
        (Message(4, 0, 0, b"\x00"), "1 bytes"),
        (Message(5, 0, 0, b"\x00\x00"), "2 bytes"),
        (Message(6, 0, 0, b""), "0 bytes"),
    ],
)
def test_what_breaks_the_protocol_is_refused(message: Message, reason: str) -> None:
    conversation = talk("play")
    with pytest.raises(BadRtmp, match=reason):
        conversation.hear(message)


@pytest.mark.parametrize("number", [None, -1.0, float("nan"), 2.0**32, "7"])
def test_stream_must_have_a_number(number: amf0.Value) -> None:
    session, server, _ = talk("play", Server(silent_at="createStream"))
    with pytest.raises(BadRtmp, match="no stream"):
        session.receive(server.say(Message(COMMAND, 0, 0, amf0.encode("_result", 4, None, number))))


def test_tags_of_a_publisher_arrive_whole() -> None:
    conversation = talk("publish")
    large = bytes(range(256)) * (3 * OUR_CHUNK_BYTES // 256)
    for kind, time_ms, body in (
        (SCRIPT, 0, METADATA),
        (SCRIPT, 0, amf0.encode("onCuePoint", {})),
        (VIDEO, 0, large),
        (AUDIO, 0x01020304, b"\xaf\x01"),
    ):
        conversation.session.send_tag(kind, time_ms, body)
    conversation.server.receive(conversation.session.take_outgoing())
    assert conversation.server.media == [
        Message(SCRIPT, 0, STREAM, amf0.encode("@setDataFrame") + METADATA),
        Message(SCRIPT, 0, STREAM, amf0.encode("onCuePoint", {})),
        Message(VIDEO, 0, STREAM, large),
        Message(AUDIO, 0x01020304, STREAM, b"\xaf\x01"),
    ]


def test_publisher_takes_no_media() -> None:
    assert talk("publish").hear(video()) == []


def test_only_a_publication_takes_tags_and_an_end() -> None:
    session = talk("play").session
    session.finish()
    assert session.take_outgoing() == b""
    with pytest.raises(ValueError, match="published"):
        session.send_tag(VIDEO, 0, PICTURE)


def test_handshake_repeats_what_the_server_sent() -> None:
    session = Session(ADDRESS, "play", RANDOM)
    hello = session.take_outgoing()
    assert hello == b"\x03" + bytes(8) + RANDOM
    session.receive(S0 + S1)
    assert session.take_outgoing() == S1
    assert session.held_bytes == 1 + PACKET_BYTES
    session.receive(bytes(PACKET_BYTES))
    assert b"connect" in session.take_outgoing()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400", b"\x06", b"\x00"])
def test_other_protocols_are_refused_at_their_first_byte(answer: bytes) -> None:
    with pytest.raises(BadRtmp, match=f"byte {answer[0]}$"):
        Session(ADDRESS, "play", RANDOM).receive(answer)


def test_handshake_needs_its_random_bytes() -> None:
    with pytest.raises(ValueError, match="1528"):
        Session(ADDRESS, "play", b"")


@given(st.sampled_from(["play", "publish"]), st.integers(0, 2), st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_else(purpose, how_far: int, stream: bytes) -> None:
    sessions = (
        Session(ADDRESS, purpose, RANDOM),
        talk(purpose, Server(silent_at="connect")).session,
        talk(purpose).session,
    )
    with suppress(BadRtmp):
        sessions[how_far].receive(stream)
