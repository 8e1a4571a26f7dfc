from __future__ import annotations

import pytest
from push_samples import Bell, edition, take_all

from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Mailbox
from room import snapshot as snapshots
from room.snapshot import Snapshot, Stored
from room.views import View

KEY = Key("demo", "state")


@pytest.fixture
def hub() -> Hub:
    return Hub()


def follower(hub: Hub, view: View = "anonymous", key: Key = KEY) -> Mailbox:
    """A mailbox that follows a document."""
    mailbox = Mailbox(view, Bell())
    hub.follow(key, mailbox)
    return mailbox


def test_every_follower_of_a_view_gets_the_same_object(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[View] = []

    def counting(stored: Stored, view: View) -> Snapshot:
        encoded.append(view)
        return encode(stored, view)

    encode = snapshots.encode_state
    monkeypatch.setattr(snapshots, "encode_state", counting)
    members = [follower(hub, "member") for _ in range(50)]
    anonymous = [follower(hub) for _ in range(50)]
    newest = edition(3)
    assert hub.publish(newest) == 100
    assert all(mailbox.take() is newest.view("member") for mailbox in members)
    bodies = [mailbox.take() for mailbox in anonymous]
    assert {id(item.body) for item in bodies if isinstance(item, Snapshot)} == {
        id(newest.view("anonymous").body)
    }
    assert sorted(encoded) == ["anonymous", "member"]


def test_nobody_to_send_to_means_nothing_to_encode(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(snapshots, "encode_state")
    assert hub.publish(edition()) == 0


def test_publish_counts_those_who_took_it(hub: Hub) -> None:
    ahead, behind = follower(hub), follower(hub)
    ahead.know(KEY, edition(9).position)
    assert hub.publish(edition(8)) == 1
    assert take_all(ahead) == []
    assert len(take_all(behind)) == 1


def test_other_rooms_and_documents_hear_nothing(hub: Hub) -> None:
    elsewhere = follower(hub, key=Key("other", "state"))
    requests = follower(hub, key=Key("demo", "requests"))
    assert hub.publish(edition()) == 0
    assert take_all(elsewhere) == take_all(requests) == []


def test_who_follows_twice_is_offered_once(hub: Hub) -> None:
    mailbox = follower(hub)
    hub.follow(KEY, mailbox)
    assert hub.publish(edition()) == 1
    hub.unfollow(KEY, mailbox)
    assert len(hub) == 0


def test_who_left_hears_nothing_and_the_others_do(hub: Hub) -> None:
    leaving, staying = follower(hub), follower(hub)
    hub.unfollow(KEY, leaving)
    assert hub.publish(edition()) == 1
    assert take_all(leaving) == []
    assert len(take_all(staying)) == 1


def test_leaving_what_is_not_followed_is_fine(hub: Hub) -> None:
    stranger = Mailbox("anonymous", Bell())
    hub.unfollow(KEY, stranger)
    assert len(hub) == 0
    follower(hub)
    hub.unfollow(KEY, stranger)
    assert len(hub) == 1


def test_stale_edition_changes_nothing(hub: Hub) -> None:
    mailbox = follower(hub)
    hub.publish(edition(5))
    assert hub.publish(edition(4)) == 0
    assert [item.position.version for item in take_all(mailbox)] == [5]  # type: ignore[union-attr]
