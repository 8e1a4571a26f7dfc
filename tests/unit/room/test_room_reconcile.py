from __future__ import annotations

import random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.position import Position
from room.reconcile import CHANNELS, Channel, Held, Reconciler, Verdict
from room.views import VIEWS, View

A: View = "anonymous"
M: View = "member"


class Offer(NamedTuple):
    position: Position
    view: View = A
    channel: Channel = "ws"
    signed: bool = False


def offer(reader: Reconciler, arriving: Offer, doc: str = "state") -> Verdict:
    return reader.offer(
        doc, arriving.position, arriving.view, arriving.channel, signed=arriving.signed
    )


def p(epoch: int, version: int) -> Position:
    return Position(epoch, version)


@pytest.mark.parametrize(
    ("held", "arriving", "verdict"),
    [
        (Offer(p(1, 5)), Offer(p(1, 6)), Verdict.APPLIED),
        (Offer(p(1, 5)), Offer(p(1, 99)), Verdict.APPLIED),
        (Offer(p(1, 5)), Offer(p(2, 0)), Verdict.APPLIED),
        (Offer(p(1, 5), M), Offer(p(1, 6), A), Verdict.APPLIED),
        (Offer(p(1, 5), A), Offer(p(1, 5), M), Verdict.REFINED),
        (Offer(p(1, 5), A), Offer(p(1, 5), A), Verdict.DUPLICATE),
        (Offer(p(1, 5), M), Offer(p(1, 5), M), Verdict.DUPLICATE),
        (Offer(p(1, 5), M), Offer(p(1, 5), A), Verdict.DUPLICATE),
        (Offer(p(1, 5)), Offer(p(1, 4)), Verdict.STALE),
        (Offer(p(1, 5), A), Offer(p(1, 4), M), Verdict.STALE),
        (Offer(p(2, 0)), Offer(p(1, 99)), Verdict.STALE),
        (Offer(p(1, 5)), Offer(p(1, 6), A, "sei"), Verdict.APPLIED),
        (Offer(p(1, 5)), Offer(p(2, 0), A, "sei"), Verdict.UNTRUSTED),
        (Offer(p(1, 5)), Offer(p(2, 0), A, "sei", True), Verdict.APPLIED),
        (Offer(p(1, 5), A, "poll"), Offer(p(2, 0), A, "sei"), Verdict.UNTRUSTED),
        (Offer(p(1, 5), A, "sse"), Offer(p(2, 0), A, "sei"), Verdict.UNTRUSTED),
        (Offer(p(1, 5), A, "sei"), Offer(p(2, 0), A, "sei"), Verdict.APPLIED),
        (Offer(p(1, 5), A, "sei", True), Offer(p(2, 0), A, "sei"), Verdict.APPLIED),
        (Offer(p(2, 0)), Offer(p(1, 99), A, "sei"), Verdict.STALE),
        (Offer(p(2, 0)), Offer(p(1, 99), A, "sei", True), Verdict.STALE),
    ],
    ids=str,
)
def test_verdict_follows_from_what_is_held(held: Offer, arriving: Offer, verdict: Verdict) -> None:
    reader = Reconciler()
    assert offer(reader, held) is Verdict.APPLIED
    assert offer(reader, arriving) is verdict
    shows = verdict in (Verdict.APPLIED, Verdict.REFINED)
    assert verdict.shows is shows
    winner = arriving if shows else held
    assert reader.held() == Held(winner.position, winner.view)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("view", VIEWS)
def test_first_snapshot_is_applied_from_any_channel(channel: Channel, view: View) -> None:
    reader = Reconciler()
    assert reader.held() is None
    assert reader.offer("state", p(7, 1), view, channel) is Verdict.APPLIED


@pytest.mark.parametrize("channel", ["ws", "sse", "poll"])
def test_stale_snapshot_of_a_trusted_channel_ends_the_trust_in_the_video(channel: Channel) -> None:
    reader = Reconciler()
    offer(reader, Offer(p(5, 5), A, "sei"))
    assert reader.offer("state", p(4, 1), M, channel) is Verdict.STALE
    assert offer(reader, Offer(p(6, 0), A, "sei")) is Verdict.UNTRUSTED
    assert offer(reader, Offer(p(5, 6), A, "sei")) is Verdict.APPLIED


def test_trust_is_of_the_room_and_not_of_one_document() -> None:
    reader = Reconciler()
    offer(reader, Offer(p(1, 1), A, "sei"))
    offer(reader, Offer(p(1, 1), M, "poll"), "x-gifts")
    assert offer(reader, Offer(p(2, 1), A, "sei")) is Verdict.UNTRUSTED


def test_epoch_refused_from_the_video_is_taken_from_a_trusted_channel() -> None:
    reader = Reconciler()
    offer(reader, Offer(p(1, 1)))
    assert offer(reader, Offer(p(2, 1), A, "sei")) is Verdict.UNTRUSTED
    assert reader.held() == Held(p(1, 1), A)
    assert offer(reader, Offer(p(2, 1), A, "poll")) is Verdict.APPLIED
    assert offer(reader, Offer(p(2, 2), A, "sei")) is Verdict.APPLIED


def test_documents_are_judged_apart() -> None:
    reader = Reconciler()
    offer(reader, Offer(p(1, 9)), "state")
    assert offer(reader, Offer(p(1, 1)), "play") is Verdict.APPLIED
    assert reader.held("play") == Held(p(1, 1), A)
    assert reader.held("state") == Held(p(1, 9), A)
    assert reader.held("requests") is None


def test_every_verdict_is_counted_by_channel() -> None:
    reader = Reconciler()
    for arriving in (
        Offer(p(1, 1)),
        Offer(p(1, 1)),
        Offer(p(1, 1)),
        Offer(p(1, 0), A, "poll"),
        Offer(p(1, 1), M, "poll"),
        Offer(p(9, 1), A, "sei"),
    ):
        offer(reader, arriving)
    assert reader.counts == {
        ("ws", Verdict.APPLIED): 1,
        ("ws", Verdict.DUPLICATE): 2,
        ("poll", Verdict.STALE): 1,
        ("poll", Verdict.REFINED): 1,
        ("sei", Verdict.UNTRUSTED): 1,
    }


POSITIONS = st.builds(Position, st.integers(1, 3), st.integers(0, 3))
OFFERS = st.lists(
    st.builds(Offer, POSITIONS, st.sampled_from(VIEWS), st.sampled_from(CHANNELS), st.booleans()),
    max_size=15,
)
TRUSTED: tuple[Channel, ...] = ("ws", "sse", "poll")
TRUSTED_OFFERS = st.lists(
    st.builds(Offer, POSITIONS, st.sampled_from(VIEWS), st.sampled_from(TRUSTED)),
    min_size=1,
    max_size=15,
)


@given(OFFERS)
def test_what_is_shown_never_goes_back(offers: list[Offer]) -> None:
    reader = Reconciler()
    for arriving in offers:
        before = reader.held()
        verdict = offer(reader, arriving)
        after = reader.held()
        assert after is not None
        if before is not None:
            assert (after.position, after.view == M) >= (before.position, before.view == M)
        if verdict.shows:
            assert after == Held(arriving.position, arriving.view)
        else:
            assert after == before


@given(TRUSTED_OFFERS, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter_among_trusted_channels(
    offers: list[Offer], rng: random.Random
) -> None:
    highest = max((arriving.position, arriving.view == M) for arriving in offers)
    for _ in range(3):
        reader = Reconciler()
        for arriving in offers:
            offer(reader, arriving)
        assert reader.held() == Held(highest[0], M if highest[1] else A)
        rng.shuffle(offers)


@given(OFFERS, st.randoms(use_true_random=False))
def test_order_does_not_matter_with_a_signed_video_either(
    offers: list[Offer], rng: random.Random
) -> None:
    signed = [arriving._replace(signed=True) for arriving in offers]
    ends = []
    for _ in range(2):
        reader = Reconciler()
        for arriving in signed:
            offer(reader, arriving)
        ends.append(reader.held())
        rng.shuffle(signed)
    assert ends[0] == ends[1]


@given(OFFERS)
def test_unsigned_video_never_raises_the_epoch_once_another_channel_was_heard(
    offers: list[Offer],
) -> None:
    reader = Reconciler()
    heard = False
    for arriving in offers:
        before = reader.held()
        offer(reader, arriving)
        after = reader.held()
        if heard and arriving.channel == "sei" and not arriving.signed and before and after:
            assert after.position.epoch == before.position.epoch
        heard = heard or arriving.channel != "sei"


@given(OFFERS)
def test_each_offer_is_counted_once_and_a_repeat_of_what_is_held_is_a_duplicate(
    offers: list[Offer],
) -> None:
    reader = Reconciler()
    for arriving in offers:
        offer(reader, arriving)
        held = reader.held()
        assert held is not None
        assert offer(reader, Offer(held.position, held.view, "sei")) is Verdict.DUPLICATE
    assert sum(reader.counts.values()) == 2 * len(offers)
