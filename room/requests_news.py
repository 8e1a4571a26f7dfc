"""What the parties of requests should hear, told from two values of the document."""

from __future__ import annotations

from room.documents import Outcome, Requests, SeatRequest


def request_news(
    before: Requests | None, after: Requests
) -> tuple[tuple[SeatRequest, Outcome | None], ...]:
    """Name what ended, with its outcome, and then what newly waits, with None; O(requests).

    Both values may be several commits apart: a request that came and ended in between is told by
    its outcome alone. Without a ``before`` nothing is news.
    """
    if before is None:
        return ()
    waited = {item.request_id for item in before.items}
    heard = {item.request.request_id for item in before.ended}
    ended = ((item.request, item.outcome) for item in after.ended)
    return (
        *((request, outcome) for request, outcome in ended if request.request_id not in heard),
        *((item, None) for item in after.items if item.request_id not in waited),
    )


def parties(request: SeatRequest, owner_id: str) -> tuple[str, str]:
    """Name who a request is from and whom it is to; an application is to the owner."""
    if request.kind == "apply":
        return request.person.user_id, owner_id
    return request.by, request.person.user_id


def pending_for(requests: Requests, user_id: str, owner_id: str) -> tuple[SeatRequest, ...]:
    """List the waiting requests that a user is a party of; O(requests)."""
    return tuple(item for item in requests.items if user_id in parties(item, owner_id))
