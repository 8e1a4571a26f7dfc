"""Owner and admins invite people to a seat; the invited answer."""

from __future__ import annotations

from typing import Final

from room.commands import Command, InviteAccept, InviteCancel, InviteReject, InviteSend
from room.documents import Person, SeatRequest, State
from room.rules.ban import check_not_banned
from room.rules.checks import check_not_seated
from room.rules.entry import check_entry, first_free, sit
from room.rules.queue import end_request, enqueue, find_request, waiting_for
from room.rules.requests import close, seat_named, told
from room.rules.terms import Change, Context, Rule

INVITATION_MS: Final = 30_000
"""How long an invitation waits for an answer."""


def send(state: State, command: InviteSend, context: Context) -> Change:
    """Invite somebody, in every mode; again while the first one waits gives the first one back.

    The cooldown of a kick does not stand in the way: inviting is a deliberate act.
    """
    user_id = command.user_id
    check_not_banned(state, user_id, context.now_ms)
    check_not_seated(state, user_id)
    seat_index = seat_named(state, command.seat_index, user_id)
    first = waiting_for(context.requests, "invite", user_id)
    if first is not None:
        return Change(state, told(first))
    request = SeatRequest(
        request_id=f"r_{context.new_id()}",
        kind="invite",
        person=Person(user_id, user_id, ""),  # no token of theirs has been seen
        by=context.actor.user_id,
        created_at_ms=context.now_ms,
        expires_at_ms=context.now_ms + INVITATION_MS,
        seat_index=seat_index,
    )
    return Change(state, told(request), requests=enqueue(context.requests, request))


def cancel(state: State, command: InviteCancel, context: Context) -> Change:
    """Take an invitation back, whoever of owner and admins sent it."""
    request = find_request(context, "invite", command.request_id)
    return close(state, request, "cancelled", context)


def accept(state: State, command: InviteAccept, context: Context) -> Change:
    """Sit down where the invitation says, locked or not, or else on the first free seat."""
    actor = context.actor
    request = find_request(context, "invite", command.request_id, only_for=actor.user_id)
    index = request.seat_index
    if index is None:
        index = first_free(state, actor.user_id)
    check_entry(state, index, actor.user_id, may_enter_locked=True)
    after, stay = sit(state, index, actor.person, context)
    requests = end_request(context.requests, request, "accepted", context.now_ms)
    return Change(after, {**stay, "request_id": request.request_id}, requests=requests)


def reject(state: State, command: InviteReject, context: Context) -> Change:
    """Turn an invitation down."""
    user_id = context.actor.user_id
    request = find_request(context, "invite", command.request_id, only_for=user_id)
    return close(state, request, "rejected", context)


RULES: Final[dict[type[Command], Rule]] = {
    InviteSend: send,
    InviteCancel: cancel,
    InviteAccept: accept,
    InviteReject: reject,
}
