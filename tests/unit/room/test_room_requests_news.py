"""What the parties of requests hear, told from two values of the document."""

from __future__ import annotations

import pytest
from room_samples import NOW_MS, queue, waiting

from room.documents import EndedRequest, Outcome, Requests, SeatRequest
from room.requests_news import parties, pending_for, request_news

APPLY = waiting("apply", "member", 3)
INVITE = waiting("invite", "other", by="admin")


def over(request: SeatRequest, outcome: Outcome = "accepted") -> EndedRequest:
    return EndedRequest(request, outcome, NOW_MS)


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (Requests(), Requests(), ()),
        (Requests(), queue(APPLY), ((APPLY, None),)),
        (queue(APPLY), queue(APPLY), ()),
        (queue(APPLY), queue(APPLY, INVITE), ((INVITE, None),)),
        (queue(APPLY), Requests((), (over(APPLY),)), ((APPLY, "accepted"),)),
        (
            Requests((INVITE,), (over(APPLY),)),
            Requests((), (over(APPLY), over(INVITE, "failed"))),
            ((INVITE, "failed"),),
        ),
        (Requests((), (over(APPLY),)), Requests(), ()),
        (Requests(), Requests((), (over(APPLY, "expired"),)), ((APPLY, "expired"),)),
        (
            queue(APPLY),
            Requests((INVITE,), (over(APPLY, "cancelled"),)),
            ((APPLY, "cancelled"), (INVITE, None)),
        ),
        (None, Requests((INVITE,), (over(APPLY),)), ()),
    ],
)
def test_news_is_what_newly_waits_and_what_newly_ended(
    before: Requests | None,
    after: Requests,
    news: tuple[tuple[SeatRequest, Outcome | None], ...],
) -> None:
    assert request_news(before, after) == news


def test_application_is_from_the_applicant_to_the_owner() -> None:
    assert parties(APPLY, "owner") == ("member", "owner")


def test_invitation_is_from_who_invites_to_who_is_invited() -> None:
    assert parties(INVITE, "owner") == ("admin", "other")


@pytest.mark.parametrize(
    ("user_id", "expected"),
    [
        ("member", (APPLY,)),
        ("owner", (APPLY,)),
        ("other", (INVITE,)),
        ("admin", (INVITE,)),
        ("stranger", ()),
    ],
)
def test_request_is_pending_for_its_two_parties(
    user_id: str, expected: tuple[SeatRequest, ...]
) -> None:
    requests = Requests((APPLY, INVITE), (over(waiting("apply", "stranger")),))
    assert pending_for(requests, user_id, "owner") == expected
