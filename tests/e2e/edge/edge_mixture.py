"""Random mixtures of requests for one connection, each with what its answer must be."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import NamedTuple

from tests.e2e.edge.edge_kit import Answered
from tests.e2e.gateway.gateway_kit import OWNER, auth, upgrade

ROOMS = [f"mix-{number}" for number in range(6)]
USERS: tuple[str | None, ...] = (None, "alice", "bob", OWNER)


class Request(NamedTuple):
    """One request as bytes, and the judge of its answer."""

    name: str
    raw: bytes
    judge: Callable[[Answered], None]
    method: str = "GET"
    ends: bool = False
    """Whether nothing behind it may be answered."""


class Dice:
    """Throws requests.

    Args:
        rng: seeded.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._number = rng.randrange(10**9)

    def throw(self, last: bool) -> Request:
        """Give a request; one that ends the connection only as the last or seldom."""
        makers = [self.poll] * 6 + [self.command] * 3 + [self.entry, self.lent, self.missing]
        makers += [self.head, self.requests, self.nothing_newer, self.broken_command]
        makers += [self.chunked, self.lent_head, self.preflight, self.document, self.nowhere]
        makers += [self.get_with_body]
        if last or self.rng.random() < 0.03:
            makers = [self.refused_upgrade, self.upgrade_with_body, self.bye]
            makers += [self.too_large, self.broken_chunks]
        return self.rng.choice(makers)()

    def poll(self) -> Request:
        user, room = self.rng.choice(USERS), self.rng.choice(ROOMS)

        def judge(answer: Answered) -> None:
            assert answer.status == 200
            is_whose(answer, room, user)

        return Request(f"poll {room} {user}", line(f"/v1/rooms/{room}/state", user), judge)

    def head(self) -> Request:
        user, room = self.rng.choice(USERS), self.rng.choice(ROOMS)

        def judge(answer: Answered) -> None:
            assert (answer.status, answer.body) == (200, b"")
            assert answer.headers["etag"].rstrip('"').endswith("-m") is (user is not None)

        raw = line(f"/v1/rooms/{room}/state", user, method="HEAD")
        return Request(f"head {room} {user}", raw, judge, "HEAD")

    def entry(self) -> Request:
        user, room = self.rng.choice(USERS), self.rng.choice(ROOMS)

        def judge(answer: Answered) -> None:
            assert answer.status == 200
            state = answer.json["documents"]["state"]
            assert (state["room"], state["view"]) == (room, "member" if user else "anonymous")
            assert ("user_id" in json.dumps(state)) is (user is not None)

        return Request(f"entry {room} {user}", line(f"/v1/rooms/{room}/entry", user), judge)

    def command(self) -> Request:
        """A command by somebody on a seat, or by nobody: lent to aiohttp."""
        user, room, mark = self.rng.choice(USERS), self.rng.choice(ROOMS), self._mark()

        def judge(answer: Answered) -> None:
            if user is None:
                assert (answer.status, answer.json["code"]) == (401, "UNAUTHENTICATED")
            else:
                assert (answer.status, answer.json.get("cmd_id")) in {
                    (200, mark),
                    (409, None),
                }, answer

        args = {"seat_index": self.rng.randrange(1, 8)}
        return Request(f"command {room} {user}", post(room, user, "seat.take", mark, args), judge)

    def broken_command(self) -> Request:
        user, room = self.rng.choice(USERS), self.rng.choice(ROOMS)

        def judge(answer: Answered) -> None:
            assert answer.status in (400, 401)

        return Request("broken", post(room, user, "seat.fly", self._mark(), {}), judge)

    def requests(self) -> Request:
        """The document that the owner alone may read."""
        user, room = self.rng.choice(USERS), self.rng.choice(ROOMS)

        def judge(answer: Answered) -> None:
            assert answer.status == (200 if user == OWNER else 403), answer
            if answer.status == 200:
                assert (answer.json["room"], answer.json["doc"]) == (room, "requests"), answer

        return Request(f"requests {room} {user}", line(f"/v1/rooms/{room}/requests", user), judge)

    def nothing_newer(self) -> Request:
        """What stands far ahead is answered by 204, which has no body to be taken for another."""
        user, room = self.rng.choice(USERS), self.rng.choice(ROOMS)

        def judge(answer: Answered) -> None:
            assert (answer.status, answer.body) == (204, b"")

        path = f"/v1/rooms/{room}/state?after=9007199254740991.1"
        return Request(f"after {room}", line(path, user), judge)

    def lent(self) -> Request:
        def judge(answer: Answered) -> None:
            assert (answer.status, "view" in answer.body.decode()) == (200, False)

        return Request("livez", line("/livez", self.rng.choice(USERS)), judge)

    def missing(self) -> Request:
        def judge(answer: Answered) -> None:
            assert (answer.status, answer.json["code"]) == (404, "ROOM_NOT_FOUND")

        return Request("missing", line(f"/v1/rooms/{self._mark()}/state", "bob"), judge)

    def chunked(self) -> Request:
        """The same command in pieces, whose trailer names somebody else."""
        found = self.command()
        head, _, body = found.raw.partition(b"\r\n\r\n")
        cut = self.rng.randrange(1, len(body))
        parts = b"".join(
            b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in (body[:cut], body[cut:])
        )
        lines = [one for one in head.split(b"\r\n") if not one.startswith(b"Content-Length")]
        trailer = f"0\r\nAuthorization: {auth(OWNER)['Authorization']}\r\n\r\n".encode()
        raw = b"\r\n".join((*lines, b"Transfer-Encoding: chunked", b"", parts + trailer))
        return found._replace(name=f"chunked {found.name}", raw=raw)

    def lent_head(self) -> Request:
        def judge(answer: Answered) -> None:
            assert (answer.status, answer.body) == (200, b"")

        return Request("HEAD livez", line("/livez", None, method="HEAD"), judge, "HEAD")

    def preflight(self) -> Request:
        """A foreign page asks first: refused, and the connection goes on."""

        def judge(answer: Answered) -> None:
            assert answer.status == 403

        lines = ("Origin: https://evil.example", "Access-Control-Request-Method: POST")
        path = f"/v1/rooms/{self.rng.choice(ROOMS)}/commands"
        return Request("preflight", line(path, None, *lines, method="OPTIONS"), judge)

    def document(self) -> Request:
        """A service sets its document; the answer tells where it stands."""
        room = self.rng.choice(ROOMS)
        body = json.dumps({"n": self._mark(), "pad": "x" * self.rng.randrange(60000)}).encode()
        given = auth("service", kind="service", docs="*")["Authorization"]
        head = (
            f"PUT /v1/rooms/{room}/x-mix HTTP/1.1\r\nHost: a\r\nAuthorization: {given}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )

        def judge(answer: Answered) -> None:
            assert (answer.status, answer.json["changed"]) == (200, True), answer

        return Request(f"document {room}", head.encode() + body, judge)

    def nowhere(self) -> Request:
        def judge(answer: Answered) -> None:
            assert (answer.status, answer.json["status"]) == (404, 404)

        return Request("nowhere", line(f"/{self._mark()}", self.rng.choice(USERS)), judge)

    def too_large(self) -> Request:
        """What is over the limit is not read, so nothing behind it is a request."""

        def judge(answer: Answered) -> None:
            assert (answer.status, answer.json["code"]) == (413, "TOO_LARGE")

        raw = post(self.rng.choice(ROOMS), "bob", "seat.take", self._mark(), {})
        head = raw.partition(b"Content-Length")[0] + b"Content-Length: 70000\r\n\r\n"
        return Request("too large", head, judge, ends=True)

    def broken_chunks(self) -> Request:
        def judge(answer: Answered) -> None:
            assert answer.status == 400, answer

        raw = post(self.rng.choice(ROOMS), "bob", "seat.take", self._mark(), {})
        head = raw.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
        broken = self.rng.choice((b"-1\r\n", b"1\r\nab\r\n", b"0x1\r\na\r\n", b"1\na\r\n"))
        return Request("broken chunks", head + broken, judge, ends=True)

    def bye(self) -> Request:
        """A poll that is said to be the last."""
        found = self.poll()
        raw = found.raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        return found._replace(name="last", raw=raw, ends=True)

    def refused_upgrade(self) -> Request:
        """An upgrade of what is no push path, or of a room that is not there."""
        user, room = self.rng.choice(USERS), self.rng.choice(ROOMS)
        path, status = self.rng.choice(
            [(f"/v1/rooms/{room}/state", 200), ("/livez", 200), (f"/v1/rooms/{room}-no/push", 404)]
        )
        lines = [f"Authorization: {auth(user)['Authorization']}"] if user else []

        def judge(answer: Answered) -> None:
            assert answer.status == status, answer
            if path.endswith("/state"):
                is_whose(answer, room, user)

        return Request(f"upgrade {path}", upgrade(path, *lines), judge, ends=True)

    def upgrade_with_body(self) -> Request:
        """What is in the body is the next request to who does not look."""
        smuggled = line("/v1/rooms/mix-0/state", None)
        room = self.rng.choice(ROOMS)
        path = self.rng.choice([f"/v1/rooms/{room}/push", "/v1/push", "/livez", "/nowhere"])
        how = self.rng.choice(
            [f"Content-Length: {len(smuggled)}", "Transfer-Encoding: chunked", "Content-Length: 1"]
        )

        def judge(answer: Answered) -> None:
            assert answer.status == 400, answer

        return Request(f"body {path}", upgrade(path, how) + smuggled, judge, ends=True)

    def get_with_body(self) -> Request:
        """The body of a poll is read to its end, though it looks like a member's poll."""
        smuggled = line("/v1/rooms/mix-0/state", "bob")
        room = self.rng.choice(ROOMS)

        def judge(answer: Answered) -> None:
            assert answer.status == 200, answer
            is_whose(answer, room, None)

        path = f"/v1/rooms/{room}/state"
        raw = line(path, None, f"Content-Length: {len(smuggled)}") + smuggled
        return Request("get with a body", raw, judge)

    def _mark(self) -> str:
        self._number += 1
        return f"m{self._number}"


def line(path: str, user: str | None, *lines: str, method: str = "GET") -> bytes:
    given = [f"{name}: {value}" for name, value in auth(user).items()]
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: a", *given, *lines, "", "")).encode()


def post(room: str, user: str | None, cmd: str, mark: str, args: dict[str, int]) -> bytes:
    body = json.dumps({"cmd": cmd, "cmd_id": mark, "args": args}).encode()
    path = f"/v1/rooms/{room}/commands"
    lines = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    return line(path, user, *lines, method="POST") + body


def is_whose(answer: Answered, room: str, user: str | None) -> None:
    """Judge a snapshot: of the room that was asked for, in the view of the one who asked."""
    snapshot = answer.json
    assert (snapshot["room"], snapshot["doc"]) == (room, "state")
    assert snapshot["view"] == ("anonymous" if user is None else "member")
    assert answer.headers["etag"].rstrip('"').endswith("-m") is (user is not None)
    assert ("private" in answer.headers["cache-control"]) is (user is not None)
