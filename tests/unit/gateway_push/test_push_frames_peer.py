"""Against an independent strict peer: what its client sends, we read; deflated or not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.protocol import Protocol

from gateway.push.deflate import deflated_frame, inflate
from gateway.push.frames import (
    CloseFrame,
    Event,
    FrameReader,
    PingFrame,
    PongFrame,
    Text,
    text_frame,
)
from tests.unit.gateway_push.frame_peer import open_client, texts_read
from tests.unit.gateway_push.frame_samples import outcome, pieces

LIMIT = 16 * 1024

untimed = settings(deadline=None)

texts = st.text(max_size=200).map(str.encode) | st.builds(
    lambda word, times: word.encode() * times, st.text(max_size=4), st.integers(0, 1000)
)
steps = st.one_of(
    st.tuples(st.just("text"), texts),
    st.tuples(st.just("fragments"), st.lists(st.text(max_size=30).map(str.encode), min_size=2)),
    st.tuples(st.just("ping"), st.binary(max_size=125)),
    st.tuples(st.just("pong"), st.binary(max_size=125)),
)


def send(peer: Protocol, kind: str, payload: Any) -> Event:
    """Let the peer send, and give the event that this must be."""
    if kind == "text":
        peer.send_text(payload)
        return Text(payload)
    if kind == "fragments":
        first, *middle, last = payload
        peer.send_text(first, fin=False)
        for part in middle:
            peer.send_continuation(part, fin=False)
        peer.send_continuation(last, fin=True)
        return Text(b"".join(payload), len(payload))
    if kind == "ping":
        peer.send_ping(payload)
        return PingFrame(payload)
    peer.send_pong(payload)
    return PongFrame(payload)


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflated"])
@untimed
@given(script=st.lists(steps, max_size=8), data=st.data())
def test_what_the_peer_sends_is_what_we_read(
    deflate: bool, script: list[tuple[str, Any]], data: st.DataObject
) -> None:
    peer = open_client(deflate)
    expected = [send(peer, kind, payload) for kind, payload in script]
    peer.send_close(1001, "going")
    expected.append(CloseFrame(1001, b"going"))
    stream = b"".join(peer.data_to_send())
    cuts = data.draw(st.sets(st.integers(0, len(stream)), max_size=20))
    for fed in ([stream], pieces(stream, cuts)):
        reader = FrameReader(LIMIT, inflate if deflate else None)
        assert outcome(reader, fed) == (expected, None)


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflated"])
@untimed
@given(payloads=st.lists(texts, max_size=8))
def test_what_we_write_is_what_the_peer_reads(deflate: bool, payloads: list[bytes]) -> None:
    peer = open_client(deflate)
    write = deflated_frame if deflate else text_frame
    for payload in payloads:
        peer.receive_data(write(payload))
    assert texts_read(peer) == payloads
    assert peer.parser_exc is None


def test_deflated_and_plain_frames_may_follow_each_other() -> None:
    peer = open_client(deflate=True)
    peer.receive_data(deflated_frame(b"one") + text_frame(b"two") + deflated_frame(b"three"))
    assert texts_read(peer) == [b"one", b"two", b"three"]
