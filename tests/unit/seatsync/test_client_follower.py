from __future__ import annotations

from client_fake_gateway import EPOCH, snapshot_body
from hypothesis import given
from hypothesis import strategies as st

from room.position import Position
from room.reconcile import CHANNELS, Channel, Verdict
from room.views import View
from seatsync.follower import Follower
from seatsync.sources.source import Arrival, read_arrival


def arrival(
    version: int, channel: Channel = "ws", *, epoch: int = EPOCH, view: View = "anonymous"
) -> Arrival:
    return read_arrival(channel, "demo", snapshot_body(version, epoch=epoch, view=view))


def test_update_says_how_old_a_snapshot_was_when_it_came() -> None:
    update = Follower("anonymous").judge(arrival(3), 1_732_150_000_050)
    assert (update.verdict, update.lag_ms) == (Verdict.APPLIED, 47)
    assert update.state().seats == ()


def test_have_is_the_highest_position_from_the_gateway() -> None:
    follower = Follower("anonymous")
    assert follower.have() is None
    for version in (3, 5, 4):
        follower.judge(arrival(version), 0)
    assert follower.have() == Position(EPOCH, 5)


def test_video_does_not_change_what_we_say_we_have() -> None:
    follower = Follower("anonymous")
    follower.judge(arrival(9, "sei", epoch=2**53 - 1), 0)
    assert follower.shown is not None
    assert follower.have() is None


def test_anonymous_snapshot_is_not_what_a_member_has() -> None:
    follower = Follower("member")
    follower.judge(arrival(3, view="anonymous"), 0)
    assert follower.have() is None
    update = follower.judge(arrival(3, view="member"), 0)
    assert update.verdict is Verdict.REFINED
    assert follower.have() == Position(EPOCH, 3)


arrivals = st.builds(
    arrival,
    st.integers(0, 6),
    st.sampled_from(CHANNELS),
    epoch=st.integers(0, 3),
    view=st.sampled_from(("anonymous", "member")),
)


@given(st.lists(arrivals, max_size=40))
def test_no_older_position_is_ever_shown_after_a_newer_one(stream: list[Arrival]) -> None:
    follower = Follower("member")
    shown: list[Position] = []
    for arrived in stream:
        update = follower.judge(arrived, 0)
        if update.verdict.shows:
            assert follower.shown is update
            shown.append(update.snapshot.position)
        if follower.shown is not None and follower.have() is not None:
            assert follower.have() <= follower.shown.snapshot.position
    assert shown == sorted(shown)
    assert sum(follower.counts.values()) == len(stream)
