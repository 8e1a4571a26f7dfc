"""Members apply for a seat; owner and admins answer."""

from __future__ import annotations

from typing import Any, Final

from room.commands import (
    ANY_SEAT,
    Command,
    RequestAccept,
    RequestApply,
    RequestCancel,
    RequestReject,
)
from room.documents import Outcome, SeatRequest, State
from room.errors import Refused
from room.rules.checks import check_not_seated, check_reserved, find_seat
from room.rules.entry import first_free, is_free, sit
from room.rules.queue import end_request, enqueue, find_request, waiting_for
from room.rules.terms import Change, Context, Rule

APPLICATION_MS: Final = 60_000
"""How long an application waits for an answer."""


def apply(state: State, command: RequestApply, context: Context) -> Change:
    """Ask for a seat; who asks again while the first one waits gets the first one back."""
    person = context.actor.person
    check_not_seated(state, person.user_id)
    seat_index = seat_named(state, command.seat_index, person.user_id)
    _check_mode(state)
    first = waiting_for(context.requests, "apply", person.user_id)
    if first is not None:
        return Change(state, told(first))
    request = SeatRequest(
        request_id=f"r_{context.new_id()}",
        kind="apply",
        person=person,
        by=person.user_id,
        created_at_ms=context.now_ms,
        expires_at_ms=context.now_ms + APPLICATION_MS,
        seat_index=seat_index,
    )
    return Change(state, told(request), requests=enqueue(context.requests, request))


def seat_named(state: State, seat_index: int | None, user_id: str) -> int | None:
    """Give the seat that a request is for; None for any.

    Raises:
        Refused: ``SEAT_NOT_FOUND``, ``SEAT_RESERVED``.
    """
    if seat_index is None or seat_index == ANY_SEAT:
        return None
    find_seat(state, seat_index)
    check_reserved(state, seat_index, user_id)
    return seat_index


def told(request: SeatRequest) -> dict[str, Any]:
    """Say what whoever made a request is told of it."""
    return {
        "request_id": request.request_id,
        "kind": request.kind,
        "seat_index": request.seat_index,
        "expires_at": request.expires_at_ms,
    }


def _check_mode(state: State) -> None:
    if state.seat_mode == "free":
        raise Refused("seats are free to take in this room", code="FORBIDDEN")
    if state.seat_mode == "invite":
        raise Refused("seats are given by invite in this room", code="INVITE_REQUIRED")


def accept(state: State, command: RequestAccept, context: Context) -> Change:
    """Seat an applicant where they asked to sit, or else on the first free seat."""
    request = find_request(context, "apply", command.request_id)
    person = request.person
    index = request.seat_index
    if index is None or not _is_there_and_free(state, index, person.user_id):
        index = first_free(state, person.user_id)
    after, stay = sit(state, index, person, context)
    result = {
        "request_id": request.request_id,
        "user_id": person.user_id,
        "seat_index": index,
        "participation_id": stay["participation_id"],
    }
    requests = end_request(context.requests, request, "accepted", context.now_ms)
    return Change(after, result, requests=requests)


def _is_there_and_free(state: State, index: int, user_id: str) -> bool:
    return index < len(state.seats) and is_free(state, index, state.seats[index], user_id)


def cancel(state: State, command: RequestCancel, context: Context) -> Change:
    """Take one's own application back."""
    user_id = context.actor.user_id
    request = find_request(context, "apply", command.request_id, only_for=user_id)
    return close(state, request, "cancelled", context)


def reject(state: State, command: RequestReject, context: Context) -> Change:
    """Turn an applicant down."""
    request = find_request(context, "apply", command.request_id)
    return close(state, request, "rejected", context)


def close(state: State, request: SeatRequest, outcome: Outcome, context: Context) -> Change:
    """End a request without seating anybody."""
    requests = end_request(context.requests, request, outcome, context.now_ms)
    return Change(state, {"request_id": request.request_id}, requests=requests)


RULES: Final[dict[type[Command], Rule]] = {
    RequestApply: apply,
    RequestAccept: accept,
    RequestCancel: cancel,
    RequestReject: reject,
}
