"""Which requests the door answers, and how it refuses the rest of what is asked on its paths."""

from __future__ import annotations

import json

import pytest
from edge_answers_samples import Bench, FakeExchange, edition, head_of


@pytest.fixture
async def bench() -> Bench:
    """A door with one room in memory."""
    bench = Bench()
    bench.hold(edition())
    return bench


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/livez"),
        ("GET", "//v1/push"),
        ("GET", "/v1"),
        ("GET", "/v1/rooms"),
        ("GET", "/v1/rooms/r1"),
        ("PUT", "/v1/rooms/r1"),
        ("DELETE", "/v1/rooms/r1"),
        ("GET", "/v1/rooms/r1/"),
        ("GET", "/v1/rooms//state"),
        ("GET", "/v1/rooms/r1/state/"),
        ("GET", "/v1/rooms/a/b/state"),
        ("GET", "/v2/rooms/r1/state"),
        ("GET", "/v1/push/"),
        ("POST", "/v1/rooms/r1/commands"),
        ("GET", "/v1/rooms/r1/commands"),
        ("GET", "/v1/rooms/r1/media"),
        ("DELETE", "/v1/rooms/r1/media"),
        ("PUT", "/v1/rooms/r1/x-score"),
        ("PUT", "/v1/rooms/r1/%78-score"),
        ("PUT", "/v1/rooms/a%2Fb/x-score"),
        ("OPTIONS", "/v1/rooms/r1/commands"),
        ("OPTIONS", "/livez"),
    ],
)
async def test_what_is_not_the_doors_is_lent(bench: Bench, method: str, path: str) -> None:
    assert bench.routes.find(head_of(path, method=method)) is None


@pytest.mark.parametrize("path", ["/v1/rooms/r1/state", "/v1/rooms/r1/push", "/v1/push"])
async def test_what_a_browser_asks_first_is_lent(bench: Bench, path: str) -> None:
    lines = ("Origin: https://rooms.example", "Access-Control-Request-Method: GET")
    assert bench.routes.find(head_of(path, *lines, method="OPTIONS")) is None


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v1/rooms/r1/state", "GET, HEAD"),
        ("PUT", "/v1/rooms/r1/state", "GET, HEAD"),
        ("OPTIONS", "/v1/rooms/r1/state", "GET, HEAD"),
        ("OPTIONS", "/v1/push", "GET"),
        ("DELETE", "/v1/rooms/r1/requests", "GET, HEAD"),
        ("POST", "/v1/rooms/r1/nothing", "GET, HEAD"),
        ("POST", "/v1/rooms/r1/x-score", "GET, HEAD, PUT"),
        ("POST", "/v1/rooms/r1/entry", "GET, HEAD"),
        ("POST", "/v1/rooms/r1/push", "GET"),
        ("HEAD", "/v1/rooms/r1/push", "GET"),
        ("POST", "/v1/rooms/r1/events", "GET"),
        ("HEAD", "/v1/rooms/r1/events", "GET"),
        ("POST", "/v1/push", "GET"),
        ("HEAD", "/v1/push", "GET"),
        ("PUT", "/v1/rooms/%2F/state", "GET, HEAD"),
    ],
)
async def test_a_method_that_does_nothing_is_told_which_do(
    bench: Bench, method: str, path: str, allow: str
) -> None:
    sent = await bench.ask(path, method=method)
    assert (sent.status, sent.headers["allow"]) == (405, allow)
    assert json.loads(sent.body)["code"] == "METHOD_NOT_ALLOWED"
    assert sent.headers["cache-control"] == "no-store"
    assert not bench.lent


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/rooms/r1/state", "/v1/rooms/%72%31/st%61te?schema=1"])
async def test_documents_are_polled(bench: Bench, method: str, path: str) -> None:
    sent = await bench.ask(path, method=method)
    assert (sent.status, sent.body) == (200, edition().view("anonymous").body)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/rooms/r1/entry", "/v1/rooms/r1/%65ntry"])
async def test_entry_is_the_start_of_a_page(bench: Bench, method: str, path: str) -> None:
    assert "documents" in json.loads((await bench.ask(path, method=method)).body)


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("/v1/rooms/r1/push", "r1"),
        ("/v1/rooms/a%2Fb/push", "a/b"),
        ("/v1/rooms/r1/p%75sh?docs=state", "r1"),
        ("/v1/rooms/r1/events", "r1"),
        ("/v1/push", "*"),
    ],
)
async def test_push_is_given_the_decoded_room(bench: Bench, path: str, room: str) -> None:
    bench.serve(FakeExchange(head_of(path)))
    assert bench.lent == [room]


@pytest.mark.parametrize(
    "room",
    ["a%2Fb", "%2F", "..%2F..%2Fetc", "%2e%2e", "..", ".", "a%00b", "a%0D%0Ab", "a%20b", "a.b",
     "a%25b", "r%C3%BCm", "%FF", "%ED%A0%80", "%EF%BD%81", "a" * 65, "{room}", "%zz", "%"],
)  # fmt: skip
@pytest.mark.parametrize("part", ["state", "entry", "x-score"])
async def test_a_room_id_is_judged_by_its_decoded_value(bench: Bench, room: str, part: str) -> None:
    sent = await bench.ask(f"/v1/rooms/{room}/{part}")
    assert (sent.status, json.loads(sent.body)["code"]) == (400, "INVALID_ARGUMENT")
    assert room.encode() not in sent.body or len(room) < 3


async def test_a_document_whose_name_holds_a_slash_is_none(bench: Bench) -> None:
    sent = await bench.ask("/v1/rooms/r1/state%2F..")
    assert (sent.status, json.loads(sent.body)["code"]) == (404, "DOC_NOT_FOUND")
