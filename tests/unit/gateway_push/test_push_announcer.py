from __future__ import annotations

import msgspec
from push_samples import EPOCH, edition, mailbox_for, read, take_all
from push_turns import inline_sweep

from gateway.push.announcer import Announcer
from gateway.push.audience import Audience
from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Line
from room.documents import EndedRequest, Person, Requests, SeatRequest
from room.position import Position
from room.snapshot import Edition, External, Stored, StoredDocument

ANN = Person("ann", "Ann", "")
REQUEST = SeatRequest("r_1", "apply", ANN, "ann", EPOCH, EPOCH + 60_000)
ENDED = Requests(ended=(EndedRequest(REQUEST, "accepted", EPOCH),))


class Post:
    """An announcer, and one mailbox that follows the state and is Ann's."""

    def __init__(self) -> None:
        sweep = inline_sweep()
        self.hub, self.audience = Hub(sweep), Audience(sweep)
        self.announcer = Announcer(self.hub, self.audience)
        self.user_id = "ann"
        self.mailbox = mailbox_for("member")
        self.standings: list[Stored] = []
        self.hear_standing = self.standings.append
        self.follow("state")
        self.audience.enter("demo", self)

    def follow(self, doc: str) -> None:
        """Follow one more document."""
        key = Key("demo", doc)
        self.hub.follow(key, Line(key, self.mailbox))

    def heard(self) -> list[str]:
        """Name what the mailbox was given."""
        messages = map(read, take_all(self.mailbox))
        return [message.get("doc") or message["type"] for message in messages]


def with_requests(version: int, requests: Requests) -> Edition:
    """A room whose state is at version 1."""
    stored = edition().stored
    return Edition(msgspec.structs.replace(stored, requests=requests, requests_version=version))


def test_newer_state_is_pushed() -> None:
    post = Post()
    post.announcer.announce(edition(2), edition(1))
    assert post.heard() == ["state"]


def test_edition_with_newer_requests_alone_pushes_no_state_and_asks_for_no_standing() -> None:
    post = Post()
    post.announcer.announce(with_requests(2, Requests((REQUEST,))), edition())
    assert post.heard() == ["request"]
    assert post.standings == []


def test_first_edition_tells_everybody_their_standing_and_nobody_of_old_requests() -> None:
    post = Post()
    first = with_requests(2, ENDED)
    post.announcer.announce(first, None)
    assert post.heard() == ["state"]
    assert post.standings == [first.stored]


def test_request_that_came_and_ended_unseen_is_told_by_its_outcome() -> None:
    post = Post()
    post.announcer.announce(with_requests(3, ENDED), edition())
    [message] = map(read, take_all(post.mailbox))
    assert message["request"]["outcome"] == "accepted"


def test_standings_are_told_to_those_whose_changed() -> None:
    post = Post()
    state = msgspec.structs.replace(edition().stored.state, admins=("bob",))
    stored = Stored("demo", state, Position(EPOCH, 2), EPOCH)
    post.announcer.announce(Edition(stored), edition())
    assert post.standings == []
    state = msgspec.structs.replace(state, admins=("bob", "ann"))
    later = Stored("demo", state, Position(EPOCH, 3), EPOCH)
    post.announcer.announce(Edition(later), Edition(stored))
    assert post.standings == [later]


def test_observers_hear_of_each_edition_after_the_connections() -> None:
    post = Post()
    seen: list[tuple[Edition, Edition | None, list[str]]] = []
    post.announcer.add(lambda after, before: seen.append((after, before, post.heard())))
    older, newer = edition(1), edition(2)
    post.announcer.announce(newer, older)
    assert seen == [(newer, older, ["state"])]


def test_document_of_a_service_is_pushed_to_its_followers_alone() -> None:
    post = Post()
    stored = StoredDocument("demo", "x-a", Position(EPOCH, 1), EPOCH, b"{}", b"f")
    post.announcer.announce_document(External(stored), None)
    assert post.heard() == []
    post.follow("x-a")
    post.announcer.announce_document(External(stored), None)
    assert post.heard() == ["x-a"]
