"""What happens to requests whatever the command: they wait, run out, end, and are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from room.documents import EndedRequest, Outcome, RequestKind, Requests, SeatRequest, State
from room.errors import Refused
from room.rules.terms import Context

MAX_WAITING: Final = 100
"""Of either kind, in one room."""
MAX_ENDED: Final = 200
KEEP_ENDED_MS: Final = 10 * 60 * 1000
"""How long, at most, a node that looks away finds out how a request ended."""


def end_requests(
    requests: Requests, ends: Callable[[SeatRequest], bool], outcome: Outcome, now_ms: int
) -> Requests:
    """End those requests that a condition picks out; the same value where there are none."""
    ending = tuple(item for item in requests.items if ends(item))
    if not ending:
        return requests
    return Requests(
        tuple(item for item in requests.items if item not in ending),
        (*requests.ended, *(EndedRequest(item, outcome, now_ms) for item in ending)),
    )


def end_request(
    requests: Requests, request: SeatRequest, outcome: Outcome, now_ms: int
) -> Requests:
    """End one request."""
    return end_requests(requests, lambda item: item == request, outcome, now_ms)


def expire(requests: Requests, now_ms: int) -> Requests:
    """End the requests that have run out; the same value where there are none."""
    return end_requests(requests, lambda item: item.expires_at_ms <= now_ms, "expired", now_ms)


def fail_impossible(requests: Requests, state: State, now_ms: int) -> Requests:
    """End the requests of people who sit by now, who are banned, or whose session is over."""
    if not requests.items:
        return requests
    if state.session is None:
        return end_requests(requests, lambda _: True, "failed", now_ms)
    without = state.seated_users() | {ban.user_id for ban in state.bans if ban.holds_at(now_ms)}
    return end_requests(requests, lambda item: item.person.user_id in without, "failed", now_ms)


def forget(requests: Requests, now_ms: int) -> Requests:
    """Drop what ended too long ago, and of the rest all but the newest."""
    recent = tuple(item for item in requests.ended if item.at_ms > now_ms - KEEP_ENDED_MS)
    return msgspec.structs.replace(requests, ended=recent[-MAX_ENDED:])


def waiting_for(requests: Requests, kind: RequestKind, user_id: str) -> SeatRequest | None:
    """Give the request of one kind that is to seat a user, if one waits."""
    for item in requests.items:
        if (item.kind, item.person.user_id) == (kind, user_id):
            return item
    return None


def enqueue(requests: Requests, request: SeatRequest) -> Requests:
    """Let a request wait behind all others.

    Raises:
        Refused: ``QUEUE_FULL``.
    """
    if sum(item.kind == request.kind for item in requests.items) >= MAX_WAITING:
        raise Refused(f"{MAX_WAITING} of that kind wait already", code="QUEUE_FULL")
    return msgspec.structs.replace(requests, items=(*requests.items, request))


def find_request(
    context: Context, kind: RequestKind, request_id: str, *, only_for: str | None = None
) -> SeatRequest:
    """Find a request that waits.

    Args:
        context: holds the requests, without those that have run out.
        kind: applications and invitations do not answer to each other's commands.
        request_id: which one.
        only_for: refuse it to this user unless it is to seat them.

    Raises:
        Refused: ``REQUEST_NOT_FOUND``, ``FORBIDDEN``; ``REQUEST_EXPIRED``: it ran out lately.
    """
    requests = context.requests
    ran_out = (item.request for item in requests.ended if item.outcome == "expired")
    for request in (*requests.items, *ran_out):
        if (request.kind, request.request_id) != (kind, request_id):
            continue
        if only_for not in (None, request.person.user_id):
            raise Refused("that request is somebody else's", code="FORBIDDEN")
        if request not in requests.items:
            raise Refused("that request has run out", code="REQUEST_EXPIRED")
        return request
    raise Refused("no such request waits", code="REQUEST_NOT_FOUND")
