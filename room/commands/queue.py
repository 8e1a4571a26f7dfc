"""Commands about requests: applications for a seat, and invitations to one."""

from __future__ import annotations

import msgspec

from room.commands.arguments import RequestId, SeatIndex, UserId


class RequestApply(msgspec.Struct, frozen=True):
    """Ask for a seat; without one, or with ``ANY_SEAT``, for whichever is free."""

    seat_index: SeatIndex | None = None


class RequestCancel(msgspec.Struct, frozen=True):
    """Take one's own application back."""

    request_id: RequestId


class RequestAccept(msgspec.Struct, frozen=True):
    """Give an applicant a seat."""

    request_id: RequestId


class RequestReject(msgspec.Struct, frozen=True):
    """Turn an applicant down."""

    request_id: RequestId


class InviteSend(msgspec.Struct, frozen=True):
    """Invite a person to a seat; without one, or with ``ANY_SEAT``, to whichever is free."""

    user_id: UserId
    seat_index: SeatIndex | None = None


class InviteCancel(msgspec.Struct, frozen=True):
    """Take an invitation back."""

    request_id: RequestId


class InviteAccept(msgspec.Struct, frozen=True):
    """Sit down as invited."""

    request_id: RequestId


class InviteReject(msgspec.Struct, frozen=True):
    """Turn an invitation down."""

    request_id: RequestId
