"""The table of commands: the name on the wire and what it reads as (DOMAIN.md 3)."""

from __future__ import annotations

from typing import Final

from room.commands.people import RoleGrant, RoleRevoke, UserBan, UserMute, UserUnban, UserUnmute
from room.commands.queue import (
    InviteAccept,
    InviteCancel,
    InviteReject,
    InviteSend,
    RequestAccept,
    RequestApply,
    RequestCancel,
    RequestReject,
)
from room.commands.seats import (
    MicSet,
    SeatCountSet,
    SeatKick,
    SeatLeave,
    SeatLock,
    SeatModeSet,
    SeatMove,
    SeatMute,
    SeatTake,
    SeatUnlock,
    SeatUnmute,
    SessionEnd,
    SessionStart,
)
from room.commands.system import SystemExpire, SystemLink, SystemReap

Command = (
    SessionStart
    | SessionEnd
    | SeatTake
    | SeatLeave
    | SeatMove
    | SeatKick
    | SeatLock
    | SeatUnlock
    | SeatMute
    | SeatUnmute
    | UserMute
    | UserUnmute
    | MicSet
    | SeatModeSet
    | SeatCountSet
    | RequestApply
    | RequestCancel
    | RequestAccept
    | RequestReject
    | InviteSend
    | InviteCancel
    | InviteAccept
    | InviteReject
    | RoleGrant
    | RoleRevoke
    | UserBan
    | UserUnban
    | SystemReap
    | SystemLink
    | SystemExpire
)

COMMANDS: Final[dict[str, type[Command]]] = {
    "session.start": SessionStart,
    "session.end": SessionEnd,
    "seat.take": SeatTake,
    "seat.leave": SeatLeave,
    "seat.move": SeatMove,
    "seat.kick": SeatKick,
    "seat.lock": SeatLock,
    "seat.unlock": SeatUnlock,
    "seat.mute": SeatMute,
    "seat.unmute": SeatUnmute,
    "user.mute": UserMute,
    "user.unmute": UserUnmute,
    "mic.set": MicSet,
    "seat.mode.set": SeatModeSet,
    "seat.count.set": SeatCountSet,
    "request.apply": RequestApply,
    "request.cancel": RequestCancel,
    "request.accept": RequestAccept,
    "request.reject": RequestReject,
    "invite.send": InviteSend,
    "invite.cancel": InviteCancel,
    "invite.accept": InviteAccept,
    "invite.reject": InviteReject,
    "role.grant": RoleGrant,
    "role.revoke": RoleRevoke,
    "user.ban": UserBan,
    "user.unban": UserUnban,
    "system.reap": SystemReap,
    "system.link": SystemLink,
    "system.expire": SystemExpire,
}
NAMES: Final[dict[type[Command], str]] = {kind: name for name, kind in COMMANDS.items()}
