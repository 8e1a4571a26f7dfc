"""What a connection leaves behind, and how much one may follow."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from push_samples import ANN, OWNER, Node, kinds, mailbox_for, read, take_all
from push_wires import Desk, Peer

from gateway.config import MAX_DOCS
from gateway.push.mailbox import MAX_SLOTS
from gateway.tokens.bearer import Bearer
from room.snapshot import Encoded


async def test_closed_connection_is_freed_without_the_collector(node: Node) -> None:
    desk = Desk(node)
    gc.collect()
    gc.disable()
    try:
        peer = Peer(desk, Bearer(ANN)).converse().join()
        mailbox = weakref.ref(peer.connection.mailbox)
        peer.lose()
        del peer
        assert mailbox() is None
    finally:
        gc.enable()


async def test_documents_of_one_room_that_a_connection_follows_are_bounded(node: Node) -> None:
    caller = node.caller(ANN)
    await caller.open("state")
    first = [f"x-{number}" for number in range(MAX_DOCS - 1)]
    assert await caller.say(type="subscribe", docs=first) != []
    errors = await caller.say(type="subscribe", docs=["x-one", "x-more", *first[:3]])
    assert [(error["code"], error["doc"]) for error in errors if error["type"] == "error"] == [
        ("INVALID_ARGUMENT", "x-one"),
        ("INVALID_ARGUMENT", "x-more"),
    ]
    assert len(node.hub) == MAX_DOCS


async def test_stay_that_fails_to_begin_leaves_nobody_in_the_room(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(node.presence, "came", fail)
    caller = node.caller(ANN)
    with pytest.raises(ZeroDivisionError):
        await caller.open("state")
    assert tuple(node.audience.rooms()) == ()
    assert len(node.hub) == 0


def test_messages_of_ever_new_slots_that_wait_are_bounded_and_the_oldest_goes() -> None:
    mailbox = mailbox_for()
    for number in range(2 * MAX_SLOTS):
        mailbox.say_latest((f"request {number}", "demo"), Encoded(b"%d" % number))
    assert [read(item) for item in take_all(mailbox)] == [*range(MAX_SLOTS, 2 * MAX_SLOTS)]


@pytest.mark.parametrize("others", [(), ("state",)])
async def test_who_loses_the_right_to_the_last_document_is_in_the_room_no_more(
    node: Node, others: tuple[str, ...]
) -> None:
    await node.send(OWNER, "role.grant", user_id="ann", role="admin")
    caller = node.caller(ANN)
    await caller.open("requests", *others)
    await node.send(OWNER, "role.revoke", user_id="ann", role="admin")
    heard = caller.heard()
    assert ("error", "requests") in [(said["type"], said.get("doc")) for said in heard]
    assert node.audience.count("demo") == len(others)
    await node.send(OWNER, "role.grant", user_id="ann", role="admin")
    assert ("policy" in kinds(caller.heard())) is bool(others)
    assert kinds(await caller.say(type="subscribe", docs=["requests"]))[0] == "policy"
    assert node.audience.count("demo") == 1
