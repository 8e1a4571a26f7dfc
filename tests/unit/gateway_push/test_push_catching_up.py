"""A commit whose reply was lost: the ack of the resent command is shown here before it is given."""

from __future__ import annotations

import pytest
from push_samples import ANN, OWNER, Caller, Node, kinds

from room.errors import Unavailable
from room.snapshot import Revision
from store.memory import MemoryStore
from store.port import Write


class LosesReplies(MemoryStore):
    """Commits, and then does not answer, while told to."""

    loses = False

    async def commit(self, base: Revision, write: Write) -> None:
        await super().commit(base, write)
        if self.loses:
            raise Unavailable("the reply was lost")


@pytest.fixture
async def forgetful(node: Node) -> Node:
    """A node whose memory stands at version 2 while the store stands at 3."""
    node.store.__class__ = LosesReplies
    node.store.loses = True  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        await node.send(ANN, "seat.take", cmd_id="lost", seat_index=1)
    node.store.loses = False  # type: ignore[attr-defined]
    return node


@pytest.fixture
async def follower(forgetful: Node) -> Caller:
    """Somebody who follows the room since before."""
    caller = forgetful.caller(ANN)
    await caller.open()
    return caller


async def test_poll_after_the_ack_of_a_resent_command_shows_it(forgetful: Node) -> None:
    ack = await forgetful.send(ANN, "seat.take", cmd_id="lost", seat_index=1)
    assert ack.version == 3
    assert (await forgetful.poller.find("demo")).edition.position >= ack.position


async def test_followers_are_pushed_what_a_resent_command_had_done(
    forgetful: Node, follower: Caller
) -> None:
    await forgetful.send(ANN, "seat.take", cmd_id="lost", seat_index=1)
    heard = follower.heard()
    assert kinds(heard) == ["policy", "snapshot"]
    assert heard[1]["version"] == 3


async def test_poll_after_the_ack_of_a_no_op_shows_it(forgetful: Node) -> None:
    ack = await forgetful.send(OWNER, "seat.unlock", seat_index=1)
    assert (ack.changed, ack.version) == (False, 3)
    assert (await forgetful.poller.find("demo")).edition.position >= ack.position


async def test_followers_are_pushed_what_a_poll_found_out(
    forgetful: Node, follower: Caller
) -> None:
    forgetful.clock_ms.now_ms += 60_000
    found = await forgetful.poller.find("demo")
    assert found.edition.position.version == 3
    assert "snapshot" in kinds(follower.heard())
