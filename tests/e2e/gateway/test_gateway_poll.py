"""The poll channel, line by line (PROTOCOL.md 4)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib

import pytest
from gateway_kit import OWNER, ROOM, Node, position, running_node

from gateway.server import clock_ms
from store.memory import MemoryStore

VARY = {"authorization", "accept-encoding"}
ANONYMOUS_CACHE = "public, max-age=1, stale-while-revalidate=4"
MEMBER_CACHE = "private, no-cache"


def names(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",")}


@pytest.mark.parametrize(
    ("user", "suffix", "cache"), [(None, "", ANONYMOUS_CACHE), ("bob", "-m", MEMBER_CACHE)]
)
async def test_200_is_the_snapshot_with_its_headers(
    node: Node, user: str | None, suffix: str, cache: str
) -> None:
    here = await node.live()
    answer = await node.poll(user=user)
    headers = answer.headers
    assert answer.status == 200
    assert headers["ETag"] == f'"{here}{suffix}"'
    assert headers["Cache-Control"] == cache
    assert names(headers["Vary"]) >= VARY
    assert headers["Content-Type"].partition(";")[0] == "application/json"
    digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    assert headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert headers["Seatsync-Poll-Ms"] == "3000"
    assert headers["Cache-Status"] == "seatsync; hit"
    assert int(headers["Content-Length"]) == len(answer.body)
    assert "Content-Encoding" not in headers
    assert "Set-Cookie" not in headers


async def test_the_interval_is_the_configured_one() -> None:
    async with running_node(MemoryStore(clock_ms), poll_interval_ms=1234) as node:
        await node.create()
        assert (await node.poll()).headers["Seatsync-Poll-Ms"] == "1234"


async def test_the_keys_of_a_snapshot_stand_in_their_order(node: Node) -> None:
    await node.live()
    first = ["type", "doc", "schema", "view", "room", "epoch", "version", "ts"]
    for user in (None, "bob"):
        answer = await node.poll(user=user)
        assert list(answer.json)[:8] == first
        assert b" " not in answer.body.replace(b'"note ', b"")
        assert not answer.body.endswith(b"\n")


async def test_the_anonymous_view_shows_nobodys_identity(node: Node) -> None:
    await node.live()
    await node.do("bob", "seat.take", seat_index=3)
    answer = await node.poll()
    seat = answer.json["seats"][3]
    assert seat["user"] == {"nickname": "b*"}
    for secret in (b"bob", OWNER.encode(), b"participation_id", b"since", b"role", b"avatar"):
        assert secret not in answer.body
    assert set(seat) == {
        "index", "status", "locked", "audio_locked", "user", "mic_on", "muted", "link",
    }  # fmt: skip


ACCEPTS = [
    ("gzip", True),
    ("gzip, deflate, br", True),
    ("GZIP", True),
    ("x-gzip", True),
    ("*", True),
    ("br;q=1.0, gzip;q=0.5", True),
    ("identity", False),
    ("gzip;q=0", False),
    ("gzip; q=0.000", False),
    ("*;q=0", False),
    ("br", False),
    ("", False),
    (";;;,,,q=", False),
]


@pytest.mark.parametrize(("accept", "coded"), ACCEPTS)
async def test_gzip_only_where_it_is_accepted(node: Node, accept: str, coded: bool) -> None:
    here = await node.live()
    plain = await node.poll()
    answer = await node.poll(headers={"Accept-Encoding": accept})
    assert answer.status == 200
    assert ("Content-Encoding" in answer.headers) is coded
    if coded:
        assert answer.headers["ETag"] == f'"{here}.gz"'
        assert "Repr-Digest" not in answer.headers
        assert gzip.decompress(answer.body) == plain.body
    else:
        assert answer.headers["ETag"] == f'"{here}"'
        assert answer.body == plain.body


async def test_the_member_tag_of_a_coded_answer_has_both_marks(node: Node) -> None:
    here = await node.live()
    answer = await node.poll(user="bob", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["ETag"] == f'"{here}-m.gz"'


MATCHES = [
    ('"{here}"', True),
    ('W/"{here}"', True),
    ('"{here}.gz"', True),
    ('W/"{here}.gz"', True),
    ('"a", "{here}"', True),
    ('"a",W/"b" , W/"{here}"', True),
    ("*", True),
    (" * ", True),
    ('"a, *"', False),
    ('"{here}-m"', False),
    ('"{here}0"', False),
    ('"0.0"', False),
    ("{here}", False),
    ("", False),
    ('"', False),
]


@pytest.mark.parametrize(("condition", "matched"), MATCHES)
async def test_if_none_match_compares_weakly_in_lists(
    node: Node, condition: str, matched: bool
) -> None:
    here = await node.live()
    answer = await node.poll(headers={"If-None-Match": condition.replace("{here}", here)})
    assert answer.status == (304 if matched else 200)
    if matched:
        assert answer.body == b""
        held = f'"{here}.gz"' if ".gz" in condition else f'"{here}"'
        assert answer.headers["ETag"] == held, "a cache freshens what it holds by this name"
        assert answer.headers["Cache-Control"] == ANONYMOUS_CACHE
        assert names(answer.headers["Vary"]) >= VARY
        assert "Repr-Digest" not in answer.headers


async def test_a_member_is_not_satisfied_by_the_anonymous_tag(node: Node) -> None:
    here = await node.live()
    for tag, status in ((f'"{here}"', 200), (f'"{here}-m"', 304)):
        answer = await node.poll(user="bob", headers={"If-None-Match": tag})
        assert answer.status == status
        assert answer.headers["Cache-Control"] == MEMBER_CACHE


async def test_a_304_is_over_after_the_next_change(node: Node) -> None:
    await node.live()
    tag = (await node.poll()).headers["ETag"]
    await node.do("bob", "seat.take", seat_index=1)
    assert (await node.poll(headers={"If-None-Match": tag})).status == 200


async def test_several_condition_lines_are_one_list(node: Node) -> None:
    here = await node.live()
    reader, writer = await node.raw(
        f"GET /v1/rooms/{ROOM}/state HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f'If-None-Match: "a"\r\nIf-None-Match: "{here}"\r\n\r\n'.encode()
    )
    assert (await reader.read()).startswith(b"HTTP/1.1 304 ")
    writer.close()


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_head_has_the_headers_of_get_and_no_body(node: Node, coding: str) -> None:
    await node.live()
    path = f"/v1/rooms/{ROOM}/state"
    full = await node.ask("GET", path, headers={"Accept-Encoding": coding})
    head = await node.ask("HEAD", path, headers={"Accept-Encoding": coding})
    assert (head.status, head.body) == (200, b"")
    same = set(full.headers) - {"Date"}
    assert {name: head.headers.get(name) for name in same} == {
        name: full.headers[name] for name in same
    }


@pytest.mark.parametrize("ahead", [(0, 0), (0, 1), (1, 0)])
async def test_after_is_204_until_there_is_something_newer(
    node: Node, ahead: tuple[int, int]
) -> None:
    here = (await node.live()).split(".")
    after = ".".join(str(int(number) + more) for number, more in zip(here, ahead, strict=True))
    answer = await node.ask("GET", f"/v1/rooms/{ROOM}/state?after={after}")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert names(answer.headers["Vary"]) >= VARY
    assert answer.headers["Seatsync-Poll-Ms"] == "3000"


async def test_after_is_200_once_there_is_something_newer(node: Node) -> None:
    here = await node.live()
    epoch, version = here.split(".")
    for after in ("0.0", f"{int(epoch) - 1}.{2**53 - 1}", f"{epoch}.{int(version) - 1}"):
        answer = await node.ask("GET", f"/v1/rooms/{ROOM}/state?after={after}")
        assert (answer.status, position(answer.json)) == (200, here)


@pytest.mark.parametrize(
    "after",
    ["", "7", "1.", ".1", "a.b", "1.2.3", "-1.0", "1.-1", "01.1", "1.1e3", "9007199254740992.0",
     "%31.%00", "1.1%0d%0ax", "+1.1", "٣.٣", "1" * 400 + ".1"],
)  # fmt: skip
async def test_a_bad_after_is_400(node: Node, after: str) -> None:
    await node.live()
    answer = await node.ask("GET", f"/v1/rooms/{ROOM}/state?after={after}")
    assert (answer.status, answer.code) == (400, "INVALID_ARGUMENT")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("doc", "user", "status", "code"),
    [
        ("state", None, 200, None),
        ("requests", None, 403, "FORBIDDEN"),
        ("requests", "bob", 403, "FORBIDDEN"),
        ("requests", OWNER, 200, None),
        ("play", "bob", 404, "DOC_NOT_FOUND"),
        ("x-score", "bob", 404, "DOC_NOT_FOUND"),
        ("X-score", "bob", 404, "DOC_NOT_FOUND"),
        ("State", None, 404, "DOC_NOT_FOUND"),
        ("state%20", None, 404, "DOC_NOT_FOUND"),
        ("state%0A", None, 404, "DOC_NOT_FOUND"),
        ("x-", None, 404, "DOC_NOT_FOUND"),
        ("x-" + "a" * 33, None, 404, "DOC_NOT_FOUND"),
    ],
)
async def test_documents_that_are_not_there_or_not_for_the_caller(
    node: Node, doc: str, user: str | None, status: int, code: str | None
) -> None:
    await node.live()
    answer = await node.ask("GET", f"/v1/rooms/{ROOM}/{doc}", user=user)
    assert answer.status == status
    if code is not None:
        assert answer.code == code
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_room_that_is_not_there_is_404(node: Node) -> None:
    answer = await node.poll("nowhere")
    assert (answer.status, answer.code) == (404, "ROOM_NOT_FOUND")
    assert answer.headers["Cache-Control"] == "no-store"
    assert b"nowhere" not in answer.body


async def test_creating_a_room_clears_a_cached_404(either: Node) -> None:
    assert (await either.poll()).status == 404
    created = (await either.create()).json
    answer = await either.poll()
    assert (answer.status, position(answer.json)) == (200, position(created))


async def test_a_poll_after_an_ack_shows_it(either: Node) -> None:
    await either.live()
    for _ in range(20):
        for cmd, args in (("seat.take", {"seat_index": 3}), ("seat.leave", {})):
            ack = await either.do("bob", cmd, **args)
            bodies = await asyncio.gather(either.poll(), either.poll(user="bob"))
            assert [position(body.json) for body in bodies] == [position(ack)] * 2
