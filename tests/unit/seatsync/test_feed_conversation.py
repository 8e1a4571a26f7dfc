from __future__ import annotations

import json
from typing import Any

import pytest
from client_fake_gateway import EPOCH, snapshot_body

from room.position import Position
from seatsync.errors import SourceEnded
from seatsync.feed.conversation import Conversation
from seatsync.feed.subscriptions import Subscriptions
from seatsync.sources.source import Arrival


class Diary:
    """Writes down what a conversation tells its host."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []
        self.held: dict[str, Position] = {}

    def have(self, room: str) -> Position | None:
        return self.held.get(room)

    def welcomed(self) -> None:
        self.said.append(("welcomed", None))

    def pushed(self, arrival: Arrival) -> None:
        self.said.append(("pushed", arrival.snapshot.position.version))

    def confirmed(self, room: str) -> None:
        self.said.append(("confirmed", room))

    def refused(self, room: str, ended: SourceEnded) -> None:
        self.said.append(("refused", (room, ended.code, ended.permanent)))


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def subscriptions() -> Subscriptions:
    wanted = Subscriptions(lambda: 1.0)
    wanted.add("demo", 0)
    return wanted


@pytest.fixture
def talk(subscriptions: Subscriptions, diary: Diary) -> Conversation:
    return Conversation(subscriptions, diary, welcome_timeout_s=3.0, slack_s=2.0)


def said(**message: Any) -> bytes:
    return json.dumps(message).encode()


WELCOME = said(type="welcome", conn_id="c", schema=1, ping_ms=25_000, server_ts=1)


def sent(talk: Conversation, now_ms: int = 0) -> list[dict[str, Any]]:
    return [json.loads(text) for text in talk.outgoing(now_ms)]


def test_nothing_is_asked_for_before_the_welcome(talk: Conversation, diary: Diary) -> None:
    assert sent(talk) == []
    assert talk.silence_s == 3.0
    talk.receive(WELCOME, 0)
    assert diary.said == [("welcomed", None)]
    assert talk.silence_s == 52.0  # two ping intervals, and some slack
    assert sent(talk) == [{"type": "subscribe", "room": "demo", "docs": ["state"], "have": {}}]
    assert sent(talk) == []


def test_what_is_held_is_not_sent_again(talk: Conversation, diary: Diary) -> None:
    diary.held["demo"] = Position(9, 4)
    talk.receive(WELCOME, 0)
    assert sent(talk)[0]["have"] == {"state": "9.4"}


def test_a_policy_confirms_a_room(talk: Conversation, diary: Diary) -> None:
    talk.receive(WELCOME, 0)
    sent(talk)
    policy = said(type="policy", room="demo", view="anonymous", commands=[])
    talk.receive(policy, 0)
    talk.receive(policy, 0)
    assert diary.said[1:] == [("confirmed", "demo")]


def test_a_snapshot_is_taken_before_its_room_is_confirmed(talk: Conversation, diary: Diary) -> None:
    talk.receive(WELCOME, 0)
    sent(talk)
    talk.receive(snapshot_body(3), 0)
    assert diary.said[1:] == [("pushed", 3), ("confirmed", "demo")]


@pytest.mark.parametrize("changed", [{"room": "other"}, {"doc": "x-scores"}])
def test_snapshots_of_anything_else_are_passed_over(
    talk: Conversation, diary: Diary, changed: dict[str, str]
) -> None:
    talk.receive(WELCOME, 0)
    sent(talk)
    talk.receive(snapshot_body(3, **changed), 0)
    assert diary.said[1:] == []


def test_a_room_that_is_not_there_is_asked_for_again_later(
    talk: Conversation, diary: Diary
) -> None:
    talk.receive(WELCOME, 0)
    sent(talk)
    error = said(type="error", code="ROOM_NOT_FOUND", message="none", retryable=False, room="demo")
    talk.receive(error, 0)
    assert diary.said[1:] == [("refused", ("demo", "ROOM_NOT_FOUND", True))]
    assert sent(talk, 999) == []
    assert [message["type"] for message in sent(talk, 1_000)] == ["subscribe"]


def test_an_error_may_say_when_to_ask_again(talk: Conversation, diary: Diary) -> None:
    talk.receive(WELCOME, 0)
    sent(talk)
    error = said(
        type="error",
        code="UNAVAILABLE",
        message="away",
        retryable=True,
        room="demo",
        retry_after_ms=5_000,
    )
    talk.receive(error, 0)
    assert diary.said[1:] == [("refused", ("demo", "UNAVAILABLE", False))]
    assert sent(talk, 4_999) == []
    assert len(sent(talk, 5_000)) == 1


def test_errors_about_no_room_of_ours_change_nothing(talk: Conversation, diary: Diary) -> None:
    talk.receive(WELCOME, 0)
    sent(talk)
    talk.receive(said(type="error", code="MALFORMED", message="what?", retryable=False), 0)
    talk.receive(
        said(type="error", code="FORBIDDEN", message="no", retryable=False, room="other"), 0
    )
    assert diary.said[1:] == []


def test_a_room_that_was_left_is_unsubscribed_before_it_is_wanted_again(
    talk: Conversation, subscriptions: Subscriptions
) -> None:
    talk.receive(WELCOME, 0)
    sent(talk)
    talk.leave("demo")
    subscriptions.add("demo", 0)
    kinds = [(message["type"], message["room"]) for message in sent(talk)]
    assert kinds == [("unsubscribe", "demo"), ("subscribe", "demo")]


def test_a_room_that_was_never_asked_for_is_left_in_silence(
    talk: Conversation, subscriptions: Subscriptions
) -> None:
    talk.receive(WELCOME, 0)
    talk.leave("demo")
    assert sent(talk) == []


def test_a_bye_ends_the_connection_and_says_when_to_come_back(talk: Conversation) -> None:
    talk.receive(WELCOME, 0)
    with pytest.raises(SourceEnded) as caught:
        talk.receive(said(type="bye", code=4000, reason="drain", retry_after_ms=1234), 0)
    assert not caught.value.permanent
    assert caught.value.retry_after_ms == 1234


def test_what_is_no_message_ends_the_connection(talk: Conversation) -> None:
    with pytest.raises(SourceEnded):
        talk.receive(b"<html>", 0)


def test_a_snapshot_of_a_later_schema_ends_it_for_good(talk: Conversation) -> None:
    talk.receive(WELCOME, 0)
    with pytest.raises(SourceEnded) as caught:
        talk.receive(snapshot_body(1, schema=2, epoch=EPOCH), 0)
    assert caught.value.permanent
    assert caught.value.code == "UPGRADE_REQUIRED"


def test_messages_of_a_newer_gateway_are_ignored(talk: Conversation, diary: Diary) -> None:
    talk.receive(WELCOME, 0)
    talk.receive(said(type="confetti", room="demo"), 0)
    assert diary.said == [("welcomed", None)]
