"""One connection: its requests in order, their bodies and bounds. Without a socket."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config import MAX_BODY_BYTES
from gateway.edge.exchange import Responder
from gateway.edge.framing import MAX_HEAD_BYTES
from gateway.edge.head import Head
from gateway.edge.reading import MAX_HELD_BYTES, TURN
from tests.unit.gateway_edge.edge_door_meeting import Later, is_gone, meet, settle
from tests.unit.gateway_edge.edge_door_samples import (
    Recorder,
    soon,
    statuses,
)
from tests.unit.gateway_edge.smuggling_corpus import CASES, Seen, get, post

X = Seen("GET", "/x")
GRACE_S = 1.0


async def test_same_head_is_read_once_and_routed_once() -> None:
    heads: list[Head] = []
    recorder = Recorder()

    def route(head: Head) -> Responder:
        heads.append(head)
        return recorder.respond

    door, wire, _, _ = meet(route)
    for raw in (get(), get(), get(), get(b"A: b"), get()):
        door.data_received(raw)
    assert [head.get(b"a") for head in heads] == [None, "b", None]
    assert statuses(wire.sent) == [200] * 5


async def test_head_that_comes_in_pieces_is_the_same_head() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    raw = get(b"A: b") + post(b"Content-Length: 3", body=b"abc") + get()
    for at in range(len(raw)):
        door.data_received(raw[at : at + 1])
    assert recorder.seen == [X, Seen("POST", "/x", b"abc"), X]
    assert statuses(wire.sent) == [200] * 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_cuts_change_nothing(case: Any) -> None:
    if len(case.raw) > 1000:
        return
    outcomes = set()
    for size in (1, 2, 3, 7, len(case.raw)):
        recorder = Recorder()
        door, wire, _, _ = meet(recorder.route)
        for at in range(0, len(case.raw), size):
            door.data_received(case.raw[at : at + size])
        await settle()
        outcomes.add((tuple(recorder.seen), tuple(statuses(wire.sent)), is_gone(wire)))
    assert len(outcomes) == 1


async def test_requests_of_one_segment_are_answered_in_their_order() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(b"".join(get(target=b"/%d" % n) for n in range(100)))
    assert len(recorder.seen) == TURN, "others get their turn"
    await soon(lambda: len(recorder.seen) == 100)
    assert [seen.path for seen in recorder.seen] == [f"/{n}" for n in range(100)]
    assert statuses(wire.sent) == [200] * 100


async def test_same_head_again_comes_behind_what_is_held() -> None:
    recorder = Recorder()
    door, _, _, _ = meet(recorder.route)
    door.data_received(b"".join(get(target=b"/%d" % n) for n in range(TURN + 2)))
    door.data_received(get(target=b"/%d" % (TURN - 1)))
    await soon(lambda: len(recorder.seen) == TURN + 3)
    assert [seen.path for seen in recorder.seen[-3:]] == [
        f"/{TURN}",
        f"/{TURN + 1}",
        f"/{TURN - 1}",
    ]


async def test_same_head_again_still_has_its_body_to_come() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    for body in (b"ab", b"cd"):
        door.data_received(post(b"Content-Length: 2"))
        door.data_received(body)
    assert [seen.body for seen in recorder.seen] == [b"ab", b"cd"]
    assert statuses(wire.sent) == [200, 200]


async def test_later_request_waits_for_the_answer_to_the_one_before() -> None:
    later = Later()
    door, wire, _, _ = meet(later.route)
    door.data_received(get(target=b"/1") + get(target=b"/2"))
    door.data_received(get(target=b"/1"))
    assert len(later.open) == 1
    for path in ("/1", "/2", "/1"):
        await settle()
        assert [exchange.head.path for exchange in later.open] == [path]
        later.answer()
    assert statuses(wire.sent) == [200] * 3


async def test_what_waits_behind_a_request_is_bounded() -> None:
    later = Later()
    door, wire, _, _ = meet(later.route)
    door.data_received(get())
    piece = get(target=b"/" + b"x" * 1000)
    count = 0
    while not wire.is_paused:
        door.data_received(piece)
        count += 1
        assert count * len(piece) <= MAX_HELD_BYTES + len(piece)
    later.answer()
    while later.open or wire.is_paused:
        await settle()
        later.answer()
    assert not wire.is_paused
    assert 200 in statuses(wire.sent)


async def test_no_further_request_is_answered_while_the_peer_does_not_read() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(get())
    door.pause_writing()
    door.data_received(get())
    door.data_received(get() + get())
    await settle()
    assert len(recorder.seen) == 1
    door.resume_writing()
    await settle()
    assert len(recorder.seen) == 4
    assert statuses(wire.sent) == [200] * 4


async def test_head_of_nothing_but_lines_ends_at_its_limit() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(b"GET /x HTTP/1.1\r\nHost: a\r\n")
    sent = 0
    while not wire.sent:
        door.data_received(b"A: b\r\n")
        sent += 6
        assert sent <= MAX_HEAD_BYTES
    assert statuses(wire.sent) == [400]
    assert is_gone(wire)


async def test_nothing_behind_a_refusal_is_read() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(get() + b"\x00" + get())
    door.data_received(get())
    assert recorder.seen == [X]
    assert statuses(wire.sent) == [200, 400]
    assert b"Connection: close\r\n" in wire.sent
    assert wire.is_ended


@pytest.mark.parametrize(
    ("line", "body"),
    [(b"Content-Length: 2", b"ab"), (b"Transfer-Encoding: chunked", b"2\r\nab\r\n0\r\n\r\n")],
)
async def test_body_of_a_get_is_read_to_its_end_and_not_looked_at(line: bytes, body: bytes) -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    door.data_received(get(line) + body + get())
    await settle()
    assert (len(recorder.seen), statuses(wire.sent)) == (2, [200, 200])


async def test_body_over_the_limit_is_refused_at_its_head() -> None:
    door, wire, _, _ = meet(Recorder().route)
    door.data_received(post(b"Content-Length: %d" % (MAX_BODY_BYTES + 1), b"Expect: 100-continue"))
    assert statuses(wire.sent) == [413]
    assert is_gone(wire)


async def test_body_at_the_limit_is_taken() -> None:
    recorder = Recorder()
    door, wire, _, _ = meet(recorder.route)
    body = b"x" * MAX_BODY_BYTES
    door.data_received(post(b"Content-Length: %d" % len(body)))
    for at in range(0, len(body), 1000):
        door.data_received(body[at : at + 1000])
    assert recorder.seen == [Seen("POST", "/x", body)]
    assert not wire.is_paused


async def test_who_waits_for_100_gets_it() -> None:
    door, wire, _, _ = meet(Recorder().route)
    head = post(b"Content-Length: 2", b"Expect: 100-continue")
    door.data_received(head)
    assert wire.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    door.data_received(b"ab")
    assert statuses(wire.take()) == [200]
    door.data_received(head + b"ab")
    assert statuses(wire.take()) == [200], "it did not wait"
    door.data_received(post(b"Expect: 100-continue"))
    assert statuses(wire.take()) == [200], "there is no body to wait for"
