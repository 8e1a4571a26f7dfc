from __future__ import annotations

import pytest
from push_samples import Outlet, edition, mailbox_for, take_all
from push_turns import Turns

from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Line
from gateway.push.sweep import CHUNK
from room import snapshot as snapshots
from room.snapshot import Encoded, Snapshot, Stored
from room.views import View

KEY = Key("demo", "state")


class Desk:
    """A hub whose sweep the test turns; ``publish`` counts those who took it."""

    def __init__(self, chunk: int = CHUNK) -> None:
        self.turns = Turns(chunk)
        self.hub = Hub(self.turns.sweep)

    def publish(self, version: int = 1) -> int:
        self.hub.publish(edition(version))
        before = len(self.turns.observed)
        self.turns.finish()
        return sum(count for _, count in self.turns.observed[before:])

    def follower(self, view: View = "anonymous", key: Key = KEY) -> Line:
        """A line that follows a document; what it brings waits in its mailbox."""
        line = Line(key, mailbox_for(view))
        self.hub.follow(key, line)
        return line


@pytest.fixture
def desk() -> Desk:
    return Desk()


def outlet_of(line: Line) -> Outlet:
    outlet = line.mailbox.outlet
    assert isinstance(outlet, Outlet)
    return outlet


def version_of(item: Encoded) -> int:
    assert isinstance(item, Snapshot)
    return item.position.version


def versions(line: Line) -> list[int]:
    """Give the versions that wait."""
    return list(map(version_of, take_all(line.mailbox)))


def test_every_follower_of_a_view_gets_the_same_object(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[View] = []

    def counting(stored: Stored, view: View) -> Snapshot:
        encoded.append(view)
        return encode(stored, view)

    encode = snapshots.encode_state
    monkeypatch.setattr(snapshots, "encode_state", counting)
    members = [desk.follower("member") for _ in range(50)]
    anonymous = [desk.follower() for _ in range(50)]
    newest = edition(3)
    desk.hub.publish(newest)
    desk.turns.finish()
    for view, lines in (("member", members), ("anonymous", anonymous)):
        snapshot = newest.view(view)
        assert all(line.mailbox.take() is snapshot for line in lines)
    assert sorted(encoded) == ["anonymous", "member"]


def test_nobody_to_send_to_means_nothing_to_encode(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(snapshots, "encode_state")
    assert desk.publish() == 0


def test_those_are_counted_who_took_it(desk: Desk) -> None:
    ahead, behind = desk.follower(), desk.follower()
    ahead.offer(edition(9).view("anonymous"))
    take_all(ahead.mailbox)
    assert desk.publish(8) == 1
    assert (versions(ahead), versions(behind)) == ([], [8])


def test_other_rooms_and_documents_hear_nothing(desk: Desk) -> None:
    elsewhere = desk.follower(key=Key("other", "state"))
    requests = desk.follower(key=Key("demo", "requests"))
    assert desk.publish() == 0
    assert versions(elsewhere) == versions(requests) == []


def test_who_follows_twice_is_offered_once(desk: Desk) -> None:
    line = desk.follower()
    desk.hub.follow(KEY, line)
    assert desk.hub.followers(KEY) == (line,)
    desk.hub.unfollow(KEY, line)
    assert len(desk.hub) == 0
    assert desk.hub.followers(KEY) == ()


def test_who_left_hears_nothing_and_the_others_do(desk: Desk) -> None:
    leaving, staying = desk.follower(), desk.follower()
    desk.hub.unfollow(KEY, leaving)
    assert desk.publish() == 1
    assert (versions(leaving), versions(staying)) == ([], [1])


def test_leaving_what_is_not_followed_is_fine(desk: Desk) -> None:
    stranger = Line(KEY, mailbox_for())
    desk.hub.unfollow(KEY, stranger)
    assert len(desk.hub) == 0
    desk.follower()
    desk.hub.unfollow(KEY, stranger)
    assert desk.hub.followed() == [KEY]
    assert desk.hub.is_followed(KEY)


def test_stale_edition_changes_nothing(desk: Desk) -> None:
    line = desk.follower()
    desk.publish(5)
    assert desk.publish(4) == 0
    assert versions(line) == [5]


def test_older_edition_that_comes_during_a_pass_is_not_brought(desk: Desk) -> None:
    line = desk.follower()
    desk.hub.publish(edition(5))
    desk.hub.publish(edition(4))
    desk.turns.finish()
    assert versions(line) == [5]


def test_what_everybody_was_offered_is_not_held(desk: Desk) -> None:
    desk.follower()
    desk.publish(5)
    topic = desk.hub._topics[KEY]
    assert (topic.newest, topic.snapshots) == (None, {})


def test_newer_edition_overtakes_the_pass_and_those_before_get_it_in_the_next() -> None:
    """Those not visited yet never see the older one."""
    desk = Desk(chunk=1)
    lines = [desk.follower() for _ in range(4)]
    for line in lines:
        line.mailbox.open()
    offered: list[tuple[int, int]] = []

    class Overtaking:
        view: View = "anonymous"

        def offer(self, snapshot: Snapshot) -> bool:
            offered.append((2, snapshot.position.version))
            desk.hub.publish(edition(2))
            return True

    desk.hub.unfollow(KEY, lines[3])
    desk.hub.follow(KEY, Overtaking())
    desk.hub.follow(KEY, lines[3])
    desk.hub.publish(edition(1))
    desk.turns.finish()
    brought = [list(map(version_of, outlet_of(line).carried)) for line in lines]
    assert brought == [[1, 2], [1, 2], [1, 2], [2]]


def test_line_that_ended_while_a_sweep_was_under_way_brings_nothing() -> None:
    desk = Desk(chunk=1)
    first, second = desk.follower(), desk.follower()
    offer = first.offer

    class Ending:
        view: View = "anonymous"

        def offer(self, snapshot: Snapshot) -> bool:
            desk.hub.unfollow(KEY, second)
            second.end()
            return offer(snapshot)

    desk.hub.unfollow(KEY, second)
    desk.hub.follow(KEY, Ending())
    desk.hub.follow(KEY, second)
    second.mailbox.open()
    desk.publish(1)
    assert outlet_of(second).carried == []


def test_who_comes_in_the_middle_of_a_pass_gets_what_is_published_after_they_came() -> None:
    desk = Desk(chunk=1)
    desk.follower()
    desk.hub.publish(edition(1))
    late = desk.follower()
    desk.hub.publish(edition(2))
    desk.turns.finish()
    assert versions(late) == [2]


def test_follower_that_fails_keeps_the_edition_from_nobody_else(desk: Desk) -> None:
    class Failing:
        view: View = "anonymous"

        def offer(self, snapshot: Snapshot) -> bool:
            raise ZeroDivisionError

    before = desk.follower()
    desk.hub.follow(KEY, Failing())
    after = desk.follower()
    desk.hub.publish(edition(1))
    while desk.turns.soon or desk.turns.timers:
        try:
            desk.turns.finish()
        except ZeroDivisionError:
            continue
    assert (versions(before), versions(after)) == ([1], [1])
